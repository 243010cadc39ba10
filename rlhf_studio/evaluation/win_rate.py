"""Win rates: how often one model's answer beats another's on the same prompt."""

from collections.abc import Sequence

from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.core.figures import Figure
from rlhf_studio.evaluation.intervals import proportion


def win_rate(ours: Sequence[float], theirs: Sequence[float], *, measured_on: str = "") -> Figure:
    """Return the share of prompts where our score is higher; equal scores count half.

    One pair of scores for each prompt, so that the cases are independent.
    """
    if len(ours) != len(theirs):
        raise InvalidInput(f"A win rate needs one score for each prompt on both sides: {len(ours)} and {len(theirs)}.")
    wins = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in zip(ours, theirs, strict=True))
    return proportion(wins, len(ours), measured_on=measured_on)


def accuracy(margins: Sequence[float], *, measured_on: str = "") -> Figure:
    """Return the share of preference pairs whose chosen answer scores higher (`margin` > 0)."""
    right = sum(1.0 if m > 0 else 0.5 if m == 0 else 0.0 for m in margins)
    return proportion(right, len(margins), measured_on=measured_on)
