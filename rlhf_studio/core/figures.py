"""Figures with their uncertainty: no number is shown without it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value with its 95 % interval, how many cases it rests on, and which."""

    mean: float
    low: float
    high: float
    n: int
    measured_on: str = ""
