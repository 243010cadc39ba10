import pytest

from rlhf_studio.rewards.names import RULES
from rlhf_studio.rewards.rules import RULE_FUNCTIONS, finished, short


def test_short_falls_from_20_to_80_words() -> None:
    texts = ["w " * n for n in (1, 20, 50, 80, 200)]
    assert short(prompts=["p"] * 5, completions=texts) == pytest.approx([1, 1, 0.5, 0, 0])


def test_finished_reads_the_last_sign() -> None:
    texts = ["Done.", "Really?", "Yes! ", "and then", "", "好。"]
    assert finished(prompts=["p"] * 6, completions=texts) == [1, 1, 1, 0, 0, 1]


def test_conversations_are_scored_by_their_last_message() -> None:
    assert finished(prompts=[[]], completions=[[{"role": "assistant", "content": "Done."}]]) == [1]


def test_every_rule_that_is_listed_exists() -> None:
    assert RULE_FUNCTIONS.keys() == RULES.keys()
