from datetime import UTC, datetime, timedelta

import pytest
from markupsafe import Markup

from rlhf_studio.core.figures import Figure
from rlhf_studio.ui.html import ago, duration, figure_html, h, interval, join, note, number, percent, problem
from tests.ui.conftest import EN, ZH
from tests.ui.fake_studio import BAD


def test_whatever_is_put_into_a_template_is_escaped() -> None:
    assert h("<p>{}</p>", BAD) == Markup("<p>&lt;img src=x onerror=&#34;alert(1)&#34;&gt; {{value}} ${value}</p>")
    assert "<img" not in join([BAD, h("<b>{}</b>", BAD)])


def test_an_error_is_escaped_and_says_how_to_mend_it() -> None:
    html = problem(BAD, ("Vote now", "/label"))
    assert "<img" not in html
    assert 'role="alert"' in html and '<a href="/label">Vote now</a>' in html
    assert 'role="alert"' not in note("All is well.")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.123456, "0.123"), (-0.5, "−0.5"), (1234.5, "1,234"), (0.0002, "2.0e-4"), (float("inf"), "–")],
)
def test_numbers_have_as_many_digits_as_anybody_can_use(value: float, text: str) -> None:
    assert number(value) == text


def test_a_figure_stands_with_its_interval_and_what_it_was_measured_on() -> None:
    html = figure_html(Figure(0.72, 0.55, 0.84, 29, "29 votes"))
    assert "72\u00a0%" in html and "55–84\u00a0%" in html and "29 votes" in html


def test_a_single_case_has_no_interval() -> None:
    assert interval(Figure(0.5, float("-inf"), float("inf"), 1), as_percent=False) == "–"
    assert percent(0.5) == "50\u00a0%"


@pytest.mark.parametrize(("seconds", "text"), [(0, "1 s"), (40, "40 s"), (150, "2 min"), (5400, "1.5 h")])
def test_durations_are_said_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds, EN) == text


def test_moments_are_coarse_so_that_they_do_not_change_every_second() -> None:
    now = datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert ago(now - timedelta(seconds=5), EN, now) == ago(now - timedelta(seconds=40), EN, now) == "just now"
    assert ago(now - timedelta(minutes=9), ZH, now) == "9 分钟前"
    assert ago(now - timedelta(hours=3), EN, now) == "3 h ago"
