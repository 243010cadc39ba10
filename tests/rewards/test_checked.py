from typing import Any

import pytest

from rlhf_studio.rewards.checked import RewardError, checked


def call(function: Any) -> list[float | None]:
    return checked("mine", function)(prompts=["p", "q"], completions=["x", "y"])


def test_good_scores_and_none_pass() -> None:
    assert call(lambda prompts, completions, **columns: [0.5, None]) == [0.5, None]


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda prompts, completions: [1.0], "'mine' gave 1 scores for 2"),
        (lambda prompts, completions: [1.0, float("nan")], "'mine' gave nan for completion 1"),
        (lambda prompts, completions: 1 / 0, "'mine' failed: ZeroDivisionError"),
    ],
)
def test_a_failure_stops_and_never_becomes_a_score(function: Any, says: str) -> None:
    with pytest.raises(RewardError, match=says):
        call(function)
