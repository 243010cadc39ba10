from rlhf_studio.core.completions import Completion
from rlhf_studio.core.preferences import Comparison, Showing, choice_of, other_side
from rlhf_studio.core.prompts import Message, prompt_id, user_prompt

PROMPT = user_prompt("Why?")
COMPARISON = Comparison("c", PROMPT, Completion("a", PROMPT.id, "A"), Completion("b", PROMPT.id, "B"))


def test_left_is_whatever_the_server_put_there() -> None:
    assert choice_of("left", "ab") == "a"
    assert choice_of("left", "ba") == "b"
    assert choice_of("right", "ba") == "a"
    assert choice_of("tie", "ba") == "tie"


def test_the_side_shown_and_the_choice_agree() -> None:
    for order in ("ab", "ba"):
        showing = Showing(COMPARISON, "me", order)  # type: ignore[arg-type]
        chosen = choice_of("left", showing.shown_order)
        assert showing.left.text == chosen.upper()
        assert {showing.left.text, showing.right.text} == {"A", "B"}


def test_swap_exchanges_completions_and_an_opinion_keeps_its_meaning() -> None:
    swapped = COMPARISON.swap()
    assert (swapped.completion_a.text, swapped.completion_b.text) == ("B", "A")
    assert other_side("a") == "b"
    assert other_side("both_bad") == "both_bad"
    assert swapped.swap() == COMPARISON


def test_the_same_prompt_always_has_the_same_id() -> None:
    assert prompt_id([Message("user", "Why?")]) == PROMPT.id
    assert prompt_id([Message("user", "Why not?")]) != PROMPT.id
    assert prompt_id([Message("system", "Why?")]) != PROMPT.id
