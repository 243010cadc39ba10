import json
from pathlib import Path

import pytest

from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.core.settings import settings_for
from rlhf_studio.preferences.simulated import simulated_annotator
from rlhf_studio.studio import Studio


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    studio = Studio(settings_for(tmp_path / "home"))
    studio.open_project("p")
    return studio


def write(tmp_path: Path, name: str, *rows: dict[str, object]) -> Path:
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


PREFERENCE = {"prompt": "Why?", "chosen": "Because.", "rejected": "No."}


def test_an_import_repeated_makes_no_doubles(studio: Studio, tmp_path: Path) -> None:
    path = write(tmp_path, "mine.jsonl", PREFERENCE, {**PREFERENCE, "prompt": "How?"})
    assert studio.data.import_file("p", path).added == 2
    again = studio.data.import_file("p", path)
    assert (again.added, again.already_there) == (0, 2)
    assert studio.data.votes("p")["human"]["a"] == 2


def test_an_import_with_a_bad_line_stores_nothing(studio: Studio, tmp_path: Path) -> None:
    path = write(tmp_path, "mine.jsonl", PREFERENCE, {**PREFERENCE, "rejected": ""})
    with pytest.raises(InvalidInput, match="line 2: the rejected is empty"):
        studio.data.import_file("p", path)
    assert studio.store.comparisons.count("p") == 0
    assert studio.store.prompts.counts("p") == {"train": 0, "eval": 0}


def test_what_was_exported_imports_with_the_same_meaning(studio: Studio, tmp_path: Path) -> None:
    swapped = {"prompt": "How?", "chosen": "So.", "rejected": "Not so."}
    studio.data.import_file("p", write(tmp_path, "mine.jsonl", PREFERENCE, swapped))
    out = tmp_path / "out.jsonl"
    assert studio.data.export_preferences("p", out) == 2
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert rows[0] == {
        "prompt": [{"role": "user", "content": "Why?"}],
        "chosen": [{"role": "assistant", "content": "Because."}],
        "rejected": [{"role": "assistant", "content": "No."}],
    }
    other = Studio(settings_for(tmp_path / "other"))
    other.data.import_file("q", out)
    assert other.data.export_preferences("q", tmp_path / "again.jsonl") == 2
    assert (tmp_path / "again.jsonl").read_text() == out.read_text()
    other.close()


def test_a_pair_to_vote_on_that_comes_back_as_a_preference_keeps_its_sides(studio: Studio, tmp_path: Path) -> None:
    studio.data.import_file("p", write(tmp_path, "pairs.jsonl", {"prompt": "Why?", "a": "No.", "b": "Because."}))
    studio.data.import_file("p", write(tmp_path, "votes.jsonl", PREFERENCE))
    assert studio.store.comparisons.count("p") == 1
    assert studio.data.votes("p")["human"]["b"] == 1


def test_nothing_to_export_is_said(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="Vote on some pairs first"):
        studio.data.export_preferences("p", tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_100_000_prompts_import_in_seconds(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text("".join(f'{{"prompt": "Question number {n}?"}}\n' for n in range(100_000)))
    assert studio.data.import_file("p", path).added == 100_000
    assert studio.store.prompts.counts("p")["train"] == 100_000


def test_simulated_answers_are_counted_apart_and_leave_pairs_open(studio: Studio, tmp_path: Path) -> None:
    rows = [{"prompt": f"Why {n}?", "a": "Yes.", "b": "no " * 30} for n in range(10)]
    studio.data.import_file("p", write(tmp_path, "pairs.jsonl", *rows))
    annotator = simulated_annotator("simulated:concise")
    assert studio.data.simulate("p", annotator, 6) == 6
    assert studio.data.simulate("p", annotator, 100) == 4
    votes = studio.data.votes("p")
    assert (votes["simulated"]["a"], sum(votes["human"].values())) == (10, 0)
    assert studio.store.comparisons.count_waiting("p") == 10


def test_starter_content_comes_once_and_only_into_an_empty_project(tmp_path: Path) -> None:
    studio = Studio(settings_for(tmp_path / "home"))
    studio.open_project("default", starter_content=True)
    counts = studio.store.prompts.counts("default")
    assert counts["train"] + counts["eval"] >= 240
    assert counts["eval"] >= 100
    assert studio.store.comparisons.count("default") >= 120
    studio.open_project("default", starter_content=True)
    assert studio.store.prompts.counts("default") == counts
    studio.close()
