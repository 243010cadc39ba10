"""The boundary around reward functions: a failure stops the run and never turns into a score."""

import math
from collections.abc import Sequence
from typing import Any

from rlhf_studio.core.errors import StudioError
from rlhf_studio.rewards.rules import RewardFunction


class RewardError(StudioError, RuntimeError):
    """A reward function broke its contract."""


def checked(name: str, function: RewardFunction) -> RewardFunction:
    """Wrap a reward so that a wrong length, a NaN or an exception raises RewardError.

    The message names the reward and the row. `name` becomes the function's name, which is what
    TRL reports the component under.
    """

    def reward(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float | None]:
        try:
            scores = list(function(prompts=prompts, completions=completions, **columns))
        except Exception as error:
            raise RewardError(f"The reward {name!r} failed: {type(error).__name__}: {error}") from error
        if len(scores) != len(completions):
            raise RewardError(f"The reward {name!r} gave {len(scores)} scores for {len(completions)} completions.")
        for row, score in enumerate(scores):
            if score is not None and not math.isfinite(score):
                raise RewardError(f"The reward {name!r} gave {score} for completion {row} of the step.")
        return scores

    reward.__name__ = name
    return reward
