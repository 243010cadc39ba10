import pytest

from rlhf_studio.ui.charts import MOST_POINTS, chart_html, curves_html, downsample, interval_bar, ordered, y_range
from tests.ui.conftest import EN, ZH
from tests.ui.fake_studio import BAD, curves


def test_a_short_curve_is_drawn_as_it_is() -> None:
    points = [(i, float(i)) for i in range(MOST_POINTS)]
    assert downsample(points) == points


def test_a_long_curve_keeps_its_ends_and_its_spikes() -> None:
    points = [(i, 0.0) for i in range(1, 5001)]
    points[2345] = (2346, 9.0)
    points[3456] = (3457, -9.0)
    thin = downsample(points)
    assert len(thin) <= MOST_POINTS
    assert thin[0] == points[0] and thin[-1] == points[-1]
    assert (2346, 9.0) in thin and (3457, -9.0) in thin
    assert [step for step, _ in thin] == sorted({step for step, _ in thin})


@pytest.mark.parametrize(
    ("values", "share", "ends"),
    [([0.31, 0.69], False, (0.2, 0.8)), ([5.0, 5.0], False, (4.5, 5.5)), ([0.4, 0.5], True, (0.0, 1.0))],
)
def test_axes_end_on_round_numbers(values: list[float], share: bool, ends: tuple[float, float]) -> None:
    assert y_range(values, share=share) == pytest.approx(ends)


def test_a_constant_at_zero_still_has_an_axis() -> None:
    low, high = y_range([0.0, 0.0], share=False)
    assert low < 0 < high


def test_a_chart_says_its_last_value_and_each_step_on_hover() -> None:
    html = chart_html("loss", [(1, 0.7), (2, 0.5)], 40, EN)
    assert "<b>0.5</b>" in html and "<title>step 2: 0.5</title>" in html
    assert 'aria-label="Loss: 0.7 at step 1, 0.5 at step 2"' in html
    assert "损失" in chart_html("loss", [(1, 0.7)], None, ZH)


def test_a_single_point_is_a_chart() -> None:
    assert "<b>0.7</b>" in chart_html("loss", [(1, 0.7)], None, EN)


def test_the_name_of_a_reward_is_escaped() -> None:
    assert "<img" not in chart_html(f"rewards/{BAD}/mean", [(1, 0.7)], None, EN)


def test_single_rewards_are_shown_when_there_are_several() -> None:
    both = curves("grpo", 3)
    assert ordered(both)[0][:3] == ["reward", "rewards/rm-1/mean", "rewards/short/mean"]
    alone = {key: points for key, points in both.items() if not key.startswith("rewards/short")}
    shown, more = ordered(alone)
    assert "rewards/rm-1/mean" not in shown and "rewards/rm-1/mean" in more


def test_a_reward_model_shows_its_loss_and_accuracy_first() -> None:
    shown, more = ordered(curves("rm", 3))
    assert shown == ["loss", "accuracy", "margin", "reward"]
    assert more == ["learning_rate", "grad_norm"]


def test_no_curves_draw_nothing() -> None:
    assert curves_html({}, None, EN) == ""


def test_a_win_rate_bar_has_its_interval_and_the_middle() -> None:
    html = interval_bar(0.64, 0.52, 0.75)
    assert "left:52.0%;width:23.0%" in html and "left:64.0%" in html and "rs-half" in html
