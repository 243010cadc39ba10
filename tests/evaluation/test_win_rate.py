import pytest

from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.evaluation.win_rate import accuracy, win_rate


def test_equal_scores_count_half() -> None:
    assert win_rate([2, 1, 0], [1, 1, 1]).mean == 0.5
    assert win_rate([2, 2], [1, 2]).mean == 0.75


def test_swapping_the_sides_mirrors_the_figure() -> None:
    ours, theirs = [1.0, 2.0, 3.0, 0.0], [0.5, 2.5, 1.0, 0.0]
    there, back = win_rate(ours, theirs), win_rate(theirs, ours)
    assert there.mean == pytest.approx(1 - back.mean)
    assert there.low == pytest.approx(1 - back.high)


def test_accuracy_counts_positive_margins() -> None:
    assert accuracy([0.1, 2.0, -0.3, 0.0]).mean == pytest.approx(2.5 / 4)


def test_both_sides_need_the_same_prompts() -> None:
    with pytest.raises(InvalidInput, match="2 and 1"):
        win_rate([1, 2], [1])
