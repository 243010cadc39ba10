"""Intervals of proportions and means."""

import math
from collections.abc import Sequence

from scipy.stats import norm, t

from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.core.figures import Figure


def proportion(successes: float, n: int, *, measured_on: str = "", level: float = 0.95) -> Figure:
    """Estimate a proportion with its Wilson score interval (Wilson 1927).

    `successes` may hold halves: a tie counts as half a success, which makes the interval
    conservative. Raises InvalidInput without any case.
    """
    if n < 1:
        raise InvalidInput("A proportion needs at least one case.")
    z = float(norm.ppf(0.5 + level / 2))
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Figure(p, max(0.0, centre - half), min(1.0, centre + half), n, measured_on)


def mean(values: Sequence[float], *, measured_on: str = "", level: float = 0.95) -> Figure:
    """Estimate a mean with Student's interval. A single value has an unbounded one."""
    n = len(values)
    if n < 1:
        raise InvalidInput("A mean needs at least one value.")
    centre = math.fsum(values) / n
    if n == 1:
        return Figure(centre, -math.inf, math.inf, 1, measured_on)
    variance = math.fsum((v - centre) ** 2 for v in values) / (n - 1)
    half = float(t.ppf(0.5 + level / 2, n - 1)) * math.sqrt(variance / n)
    return Figure(centre, centre - half, centre + half, n, measured_on)
