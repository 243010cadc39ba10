"""What the pages do on a click, asked the way a browser asks."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rlhf_studio.core.config import CompareConfig, GRPOConfig, RewardModelConfig
from tests.ui.conftest import Pages
from tests.ui.fake_studio import BAD

# Gradio leaves event loops open.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

Make = Callable[[str], Pages]


def test_home_is_drawn_once_and_then_only_when_something_changed(pages: Make) -> None:
    home = pages("voted")
    picture, marks = home.load("")
    assert "Train reward model" in picture
    again, same = home.load("", before=[marks])
    assert again["__type__"] == "update" and "value" not in again
    assert same == marks


def test_a_page_speaks_the_language_of_the_browser(pages: Make) -> None:
    picture, _ = pages("voted").load("", language="zh-CN,zh;q=0.9,en;q=0.5")
    assert "下一步" in picture and "Next step" not in picture


def test_train_shows_the_newest_run_and_polls_while_it_goes(pages: Make) -> None:
    form, start, progress, details, runs, run_id, _, timer = pages("running").load("train")
    assert 'id="rs-form-grpo"' in form and 'id="rs-form-rm"' in form
    assert "about 2 min" in start
    assert run_id == "grpo-1" and "step " in progress
    assert "Reward" in details and "rm-0" in runs
    assert timer["active"] is True


def test_train_stops_polling_when_the_run_has_ended(pages: Make) -> None:
    *_, timer = pages("done").load("train", "?run=rm-1")
    assert timer["active"] is False


def test_a_run_in_the_address_brings_its_settings_back(pages: Make) -> None:
    train = pages("running")
    train.studio.runs.records[0] = _with(train.studio.runs.records[0], steps=17)
    form, *_ = train.load("train", "?run=grpo-1")
    assert 'value="17"' in form
    assert 'href="/train?kind=grpo" data-action="kind" data-form="rs-form-grpo" aria-current="true"' in form


def _with(record: object, **values: object) -> object:
    from dataclasses import replace

    return replace(record, config=record.config.model_copy(update=values))  # type: ignore[attr-defined, type-var]


def test_an_unknown_run_is_said_and_nothing_breaks(pages: Make) -> None:
    _, _, progress, *_ = pages("done").load("train", "?run=nope")
    assert "There is no run" in progress and 'role="alert"' in progress


def test_start_needs_no_field(pages: Make) -> None:
    train = pages("voted")
    start, progress, *_ = train.event("rs-train-form", "submit", [""], {"form": "rs-form-rm"})
    assert train.studio.runs.started == [RewardModelConfig()]
    assert "rm-1" in progress and "rs-problem" not in start


def test_start_takes_the_knobs_of_the_form(pages: Make) -> None:
    train = pages("done")
    sent = {"form": "rs-form-grpo", "steps": "12", "group_size": "4", "rewards": "short", "made_up": "1"}
    train.event("rs-train-form", "submit", [""], sent)
    (config,) = train.studio.runs.started
    assert isinstance(config, GRPOConfig)
    assert (config.steps, config.group_size, config.rewards[0].reward) == (12, 4, "short")


def test_a_refused_start_is_said_beside_the_button_and_the_run_in_view_stays(pages: Make) -> None:
    train = pages("done")
    start, _, _, _, run_id, *_ = train.event(
        "rs-train-form", "submit", ["rm-1"], {"form": "rs-form-rm", "epochs": "-1"}
    )
    assert "epochs" in start and 'role="alert"' in start
    assert run_id == "rm-1" and not train.studio.runs.started


def test_two_replies_to_the_same_press_differ_so_that_the_button_comes_back(pages: Make) -> None:
    train = pages("fresh")
    first, *_ = train.event("rs-train-form", "submit", [""], {"form": "rs-form-rm"})
    second, *_ = train.event("rs-train-form", "submit", [""], {"form": "rs-form-rm"})
    assert first != second and "Vote now" in first


def test_the_estimate_follows_the_knobs(pages: Make) -> None:
    (start,) = pages("voted").event("rs-train-form", "input", [], {"form": "rs-form-rm", "epochs": "30"})
    assert "25 min" in start


def test_cancel_asks_the_run_to_end(pages: Make) -> None:
    train = pages("running")
    progress, *_ = train.event("rs-train-progress", "click", ["grpo-1"], {"action": "cancel", "run": "grpo-1"})
    assert train.studio.runs.get("grpo-1").cancel_requested
    assert "Ending at the next step" in progress


def test_cancelling_what_is_not_there_is_said(pages: Make) -> None:
    progress, *_ = pages("running").event("rs-train-progress", "click", ["grpo-1"], {"action": "cancel", "run": "x"})
    assert "There is no run" in progress


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], dict[str, object]]:
    def make(name: str) -> dict[str, object]:
        import tempfile

        from gradio.utils import get_upload_folder

        folder = Path(tempfile.mkdtemp(dir=_made(get_upload_folder())))
        path = folder / name
        path.write_text('{"prompt": "Why?"}\n')
        return {"path": str(path), "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    return make


def _made(folder: str) -> str:
    Path(folder).mkdir(parents=True, exist_ok=True)
    return folder


def test_a_chosen_file_is_previewed_with_its_kind_and_escaped(
    pages: Make, file: Callable[[str], dict[str, object]]
) -> None:
    (preview,) = pages("done").event("rs-upload", "upload", [file("mine.jsonl")])
    assert "128 rows" in preview and 'data-action="import"' in preview
    assert BAD not in preview and "&lt;img" in preview


def test_an_import_ends_with_the_way_to_the_votes(pages: Make, file: Callable[[str], dict[str, object]]) -> None:
    _, _, preview, *_ = pages("done").event("rs-preview", "click", [file("mine.jsonl")], {"action": "import"})
    assert "120 added." in preview and 'href="/label?source=imported"' in preview


def test_a_wrong_line_is_named_beside_the_file(pages: Make, file: Callable[[str], dict[str, object]]) -> None:
    (preview,) = pages("done").event("rs-upload", "upload", [file("broken.jsonl")])
    assert "line 3" in preview and 'role="alert"' in preview


def test_the_export_is_a_file(pages: Make) -> None:
    ready, export = pages("done").event("rs-export", "click", [], {"action": "export", "whose": "human"})
    assert ready["orig_name"] == "preferences-default.jsonl"
    assert "42 written." in export


def test_compare_ticks_the_starter_and_the_newest_policy(pages: Make) -> None:
    form, start, *_ = pages("done").load("compare", "?run=")
    assert form.count(" checked") == 2
    assert " disabled" not in start


def test_compare_needs_two_models(pages: Make) -> None:
    (start,) = pages("done").event("rs-compare-form", "input", [], {"form": "rs-form-compare", "models": ["starter"]})
    assert "Tick at least two models." in start and " disabled" in start


def test_compare_starts_with_the_ticked_models(pages: Make) -> None:
    compare = pages("done")
    sent = {
        "form": "rs-form-compare",
        "models": ["starter", "grpo-1"],
        "reward_model": "",
        "prompts": "20",
        "best_of": "1",
    }
    compare.event("rs-compare-form", "submit", [""], sent)
    (config,) = compare.studio.runs.started
    assert isinstance(config, CompareConfig)
    assert config.models == ("starter", "grpo-1") and config.reward_model is None and config.prompts == 20


def test_answers_are_paged(pages: Make) -> None:
    result, route = pages("done").event("rs-compare-result", "click", ["compare-1"], {"action": "page", "page": "2"})
    assert "21–23 of 23" in result and route == ""


def test_voting_blind_goes_to_the_label_page(pages: Make) -> None:
    compare = pages("done")
    _, route = compare.event("rs-compare-result", "click", ["compare-1"], {"action": "vote"})
    assert route == "/label?source=arena" and compare.studio.comparing.sent_to_vote == 1
