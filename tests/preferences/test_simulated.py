import pytest

from rlhf_studio.core.completions import Completion
from rlhf_studio.core.errors import InvalidInput, NotFound
from rlhf_studio.core.preferences import Comparison
from rlhf_studio.core.prompts import user_prompt
from rlhf_studio.preferences.simulated import SimulatedAnnotator, simulated_annotator, taste_named

PROMPT = user_prompt("Why?")


def comparison(number: int, a: str, b: str) -> Comparison:
    return Comparison(
        f"c{number}", PROMPT, Completion(f"a{number}", PROMPT.id, a), Completion(f"b{number}", PROMPT.id, b)
    )


BRIEF, LONG = "Because it rains.", "Because " + "of many a reason " * 20


def test_concise_likes_the_short_finished_answer_on_either_side() -> None:
    annotator = SimulatedAnnotator(taste_named("concise"))
    assert annotator.answer(comparison(1, BRIEF, LONG)) == "a"
    assert annotator.answer(comparison(1, LONG, BRIEF)) == "b"
    assert annotator.answer(comparison(1, BRIEF, BRIEF)) == "tie"
    assert annotator.answer(comparison(1, BRIEF, "Because it often rains.")) == "tie", "nobody counts single words"


def test_a_quarter_of_the_votes_is_wrong_when_asked_for() -> None:
    annotator = SimulatedAnnotator(taste_named("concise"), noise=0.25, seed=1)
    wrong = sum(annotator.answer(comparison(n, BRIEF, LONG)) == "b" for n in range(2000))
    assert 0.22 < wrong / 2000 < 0.28
    assert annotator.answer(comparison(7, BRIEF, LONG)) == annotator.answer(comparison(7, BRIEF, LONG))


def test_a_simulated_annotator_is_marked() -> None:
    annotator = simulated_annotator("simulated:warm:0.1:3")
    assert (annotator.noise, annotator.seed) == (0.1, 3)
    assert annotator.annotator.kind == "simulated"


@pytest.mark.parametrize(
    "spec", ["concise", "judge:x", "simulated:", "simulated:concise:0.9", "simulated:concise:much"]
)
def test_a_spec_that_cannot_be_read_is_refused(spec: str) -> None:
    with pytest.raises(InvalidInput):
        simulated_annotator(spec)


def test_an_unknown_taste_lists_the_known() -> None:
    with pytest.raises(NotFound, match="concise"):
        simulated_annotator("simulated:spicy")
