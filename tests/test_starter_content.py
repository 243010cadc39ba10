"""The content in data/ is what the README of that folder says."""

import json
import re

import pytest

from rlhf_studio.core.settings import starter_content_dir

DATA = starter_content_dir()


def rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def plain(text: str) -> str:
    return re.sub(r"\W+", " ", text.casefold()).strip()


@pytest.mark.parametrize(("name", "least"), [("prompts/en.jsonl", 240), ("prompts/zh.jsonl", 60)])
def test_prompts_are_many_and_no_prompt_is_in_both_splits(name: str, least: int) -> None:
    prompts = rows(name)
    assert len(prompts) >= least
    texts = [plain(row["prompt"]) for row in prompts]
    assert len(set(texts)) == len(texts)
    assert {row["split"] for row in prompts} == {"train", "eval"}


def test_comparisons_are_on_train_prompts_and_their_answers_differ() -> None:
    comparisons = rows("comparisons/starter.jsonl")
    assert len(comparisons) >= 120
    train = {row["prompt"] for row in rows("prompts/en.jsonl") if row["split"] == "train"}
    for row in comparisons:
        assert row["prompt"] in train
        assert row["a"].strip()
        assert row["b"].strip()
        assert row["a"] != row["b"]
