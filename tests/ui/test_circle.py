import pytest

from rlhf_studio.ui.circle import circle_html, stations
from tests.ui.conftest import EN, ZH
from tests.ui.fake_studio import FakeStudio


def picture(stage: str) -> str:
    studio = FakeStudio(stage)
    overview = studio.overview.of("default")
    active = studio.runs.view("grpo-1") if overview.active_run else None
    return circle_html(overview, active, EN)


@pytest.mark.parametrize(
    ("stage", "title", "route"),
    [
        ("fresh", "Vote on pairs", "/label"),
        ("voted", "Train reward model", "/train"),
        ("running", "Watch the run", "/train?run=grpo-1"),
        ("done", "Vote on new pairs", "/label"),
    ],
)
def test_the_next_step_is_a_button_with_its_reason(stage: str, title: str, route: str) -> None:
    html = picture(stage)
    assert f'rs-big" href="{route}">{title}' in html
    assert FakeStudio(stage).overview.of("default").next_step.reason in html


def test_every_figure_has_its_interval_and_says_what_it_was_measured_on() -> None:
    html = picture("done")
    assert "72\u00a0%" in html and "55–84\u00a0%" in html and "29 people&#39;s votes" in html
    assert "64\u00a0%" in html and "52–75\u00a0%" in html and "60 held-out prompts, by rm-1" in html


def test_simulated_votes_are_told_apart() -> None:
    html = picture("voted")
    assert "52 votes" in html and "42 prefer one side" in html and "150 simulated, kept apart" in html


def test_what_was_not_reached_is_muted() -> None:
    here = stations(FakeStudio("fresh").overview.of("default"), None, EN)
    assert [station.reached for station in here] == [True, True, True, False, False, False]
    assert picture("fresh").count("rs-station rs-at-") == 6


def test_the_active_run_pulses_with_its_progress() -> None:
    studio = FakeStudio("running")
    studio.runs.step = 10
    html = circle_html(studio.overview.of("default"), studio.runs.view("grpo-1"), EN)
    assert "grpo-1: step 10 of 40" in html and html.count("rs-pulse") == 1 and "rs-growing" in html


def test_a_run_that_cannot_be_read_does_not_hide_the_page() -> None:
    assert "grpo-1: running" in circle_html(FakeStudio("running").overview.of("default"), None, EN)


def test_the_picture_speaks_chinese() -> None:
    html = circle_html(FakeStudio("done").overview.of("default"), None, ZH)
    assert "给新的回答投票" in html and "Next step" not in html
