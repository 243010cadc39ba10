from dataclasses import replace

from rlhf_studio.core.figures import Figure
from rlhf_studio.ui.compare import answers_html, result_html, table_html
from tests.ui.conftest import EN
from tests.ui.fake_studio import FakeStudio, comparison


def test_the_table_shows_every_figure_with_its_interval() -> None:
    html = table_html(comparison(), {}, EN)
    assert "64\u00a0%" in html and "52–75\u00a0%" in html
    assert "12–32\u00a0%" in html and "56 … 66" in html
    assert "23 held-out prompts, by rm-1" in html and "against starter" in html
    assert "the measure" in html and "by people" not in html


def test_votes_of_people_stand_beside_the_reward_models() -> None:
    people = {"grpo-1": Figure(0.58, 0.44, 0.7, 41, "41 blind votes of people")}
    html = table_html(comparison(), people, EN)
    assert "Win rate by people" in html and "44–70\u00a0%" in html and "By people: 41 blind votes of people." in html


def test_without_a_reward_model_there_are_no_columns_for_it() -> None:
    result = comparison()
    models = [replace(model, reward=None, win_rate=None) for model in result.models]
    html = table_html(replace(result, models=models, measured_by=None), {}, EN)
    assert "Win rate" not in html and "Reward" not in html and "Tokens" in html


def test_the_caution_is_in_view() -> None:
    assert "learned to please" in result_html(FakeStudio(), "compare-1", EN)


def test_answers_are_escaped_and_the_best_reward_is_marked_once() -> None:
    html = answers_html(comparison(1), 0, EN)
    assert "<img" not in html and html.count("rs-best") == 1


def test_pages_hold_ten_prompts_and_the_last_one_the_rest() -> None:
    assert answers_html(comparison(23), 0, EN).count("<article") == 10
    last = answers_html(comparison(23), 99, EN)
    assert last.count("<article") == 3 and "21–23 of 23" in last
    assert "rs-pager" not in answers_html(comparison(10), 0, EN)
