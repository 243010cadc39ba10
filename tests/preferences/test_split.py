from rlhf_studio.core.completions import Completion
from rlhf_studio.core.preferences import PreferencePair
from rlhf_studio.core.prompts import Prompt, user_prompt
from rlhf_studio.preferences.split import is_held_out, split_by_prompt


def pair(prompt: Prompt, number: int) -> PreferencePair:
    return PreferencePair(prompt, Completion("x", prompt.id, "x"), Completion("y", prompt.id, "y"), number, "me")


def test_no_prompt_lies_on_both_sides_and_the_share_is_kept() -> None:
    prompts = [user_prompt(f"Question {n}") for n in range(1000)]
    train, held_out = split_by_prompt([pair(p, n) for p in prompts for n in range(2)], 0.15)
    assert not {p.prompt.id for p in train} & {p.prompt.id for p in held_out}
    assert 0.11 < len(held_out) / 2000 < 0.19


def test_eval_prompts_only_ever_measure() -> None:
    prompts = [user_prompt(f"Question {n}", split="eval") for n in range(50)]
    train, held_out = split_by_prompt([pair(p, 0) for p in prompts], 0.05)
    assert (len(train), len(held_out)) == (0, 50)


def test_a_prompt_kept_out_stays_out_at_a_larger_share() -> None:
    ids = [user_prompt(f"Question {n}").id for n in range(300)]
    assert all(is_held_out(i, 0.3) for i in ids if is_held_out(i, 0.15))
