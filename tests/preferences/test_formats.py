from typing import Any

import pytest

from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.preferences.files import Row
from rlhf_studio.preferences.formats import comparisons_of, prompts_of, recognise


def rows(*values: dict[str, Any]) -> list[Row]:
    return [Row(line, row) for line, row in enumerate(values, start=1)]


def fits(text: str) -> str | None:
    return "the prompt is too long" if len(text) > 50 else None


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"prompt": "p"}, "prompts"),
        ({"prompt": "p", "answer": "4"}, "prompts"),
        ({"prompt": "p", "a": "x", "b": "y"}, "comparisons"),
        ({"prompt": "p", "chosen": "x", "rejected": "y"}, "preferences"),
    ],
)
def test_the_columns_say_what_a_file_is(row: dict[str, Any], kind: str) -> None:
    assert recognise("f", rows(row)) == kind


@pytest.mark.parametrize("row", [{"question": "p"}, {"prompt": "p", "chosen": "x"}, {"a": "x", "b": "y"}])
def test_unknown_columns_are_named_with_what_is_known(row: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="prompt, chosen, rejected"):
        recognise("f", rows(row))


def test_prompts_keep_their_further_columns_for_rewards() -> None:
    (prompt,) = prompts_of("f", rows({"prompt": "2+2", "answer": "4", "split": "eval"}), too_long=fits)
    assert (prompt.text, prompt.columns, prompt.split) == ("2+2", {"answer": "4"}, "eval")


def test_trl_messages_are_read() -> None:
    row = {
        "prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        "chosen": [{"role": "assistant", "content": "Hello."}],
        "rejected": [{"role": "assistant", "content": "Go away."}],
    }
    (comparison,) = comparisons_of("f", rows(row), "preferences", too_long=fits)
    assert [m.role for m in comparison.prompt.messages] == ["system", "user"]
    assert comparison.completion_a.text == "Hello."


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"prompt": "  "}, "line 2: the prompt is empty"),
        ({"prompt": "x" * 60}, "line 2: the prompt is too long"),
        ({"prompt": "p", "split": "test"}, "line 2: split"),
        ({"prompt": 5}, "line 2: prompt must be a text"),
        ({"prompt": []}, "line 2: the prompt is empty"),
        ({"prompt": [{"role": "robot", "content": "x"}]}, "line 2: a message's role"),
        ({"prompt": [{"role": "assistant", "content": "x"}]}, "line 2: the last message"),
    ],
)
def test_a_bad_row_is_refused_with_its_line(row: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        prompts_of("f", rows({"prompt": "fine"}, row), too_long=fits)


def test_a_pair_of_equal_answers_is_refused() -> None:
    with pytest.raises(InvalidInput, match="line 1: a and b are the same"):
        comparisons_of("f", rows({"prompt": "p", "a": "x", "b": "x"}), "comparisons", too_long=fits)


def test_a_pair_keeps_its_id_when_its_sides_are_exchanged() -> None:
    one, two = (
        comparisons_of("f", rows({"prompt": "p", **sides}), "comparisons", too_long=fits)[0]
        for sides in ({"a": "x", "b": "y"}, {"a": "y", "b": "x"})
    )
    assert one.id == two.id
    assert one.completion_a.text != two.completion_a.text
