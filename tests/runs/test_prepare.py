import pytest

from rlhf_studio.core.config import CompareConfig, GenerateConfig, GRPOConfig, RewardModelConfig, RewardTerm, RunConfig
from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.runs.prepare import prepare
from rlhf_studio.studio import Studio
from tests.runs.conftest import vote


def refusal(studio: Studio, config: RunConfig) -> str:
    with pytest.raises(InvalidInput) as caught:
        prepare(studio.settings, studio.store, "p", config)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("choices", "says"),
    [("", "at least 8"), ("aba", "there are 3. Vote on 5 more"), ("tttttttttttt", "None of the 12 votes prefers")],
)
def test_too_few_votes_with_a_side_are_refused_with_what_to_do(studio: Studio, choices: str, says: str) -> None:
    vote(studio, choices)
    assert says in refusal(studio, RewardModelConfig())


def test_simulated_votes_are_not_mixed_in_silently(studio: Studio) -> None:
    vote(studio, "ab" * 10, kind="simulated")
    assert "simulated" in refusal(studio, RewardModelConfig())
    ready = prepare(studio.settings, studio.store, "p", RewardModelConfig(annotators="simulated"))
    assert ready.pairs == 20


def test_the_snapshot_holds_the_votes_of_that_moment(studio: Studio) -> None:
    vote(studio, "ab" * 5 + "t")
    ready = prepare(studio.settings, studio.store, "p", RewardModelConfig())
    assert ready.snapshot_id is not None
    pairs = studio.store.snapshots.pairs(ready.snapshot_id)
    assert len(pairs) == 10
    assert all(pair.chosen.text.endswith("thank you.") for pair in pairs)


def test_grpo_needs_a_reward_and_prompts(studio: Studio) -> None:
    assert "no reward model yet" in refusal(studio, GRPOConfig())
    assert "no model 'rm-9'" in refusal(studio, GRPOConfig(rewards=(RewardTerm(reward="rm-9"),)))
    short = (RewardTerm(reward="short"),)
    assert "at least 64 train prompts" in refusal(studio, GRPOConfig(rewards=short, prompts_per_step=64))
    ready = prepare(studio.settings, studio.store, "p", GRPOConfig(rewards=short, steps=2))
    assert ready.completions == 2 * 4 * 8


def test_compare_needs_two_models_that_exist(studio: Studio) -> None:
    assert "the same one is there twice" in refusal(studio, CompareConfig(models=("starter", "starter")))
    assert "no model 'grpo-1'" in refusal(studio, CompareConfig(models=("starter", "grpo-1")))


def test_generate_uses_no_more_prompts_than_there_are(studio: Studio) -> None:
    ready = prepare(studio.settings, studio.store, "p", GenerateConfig(prompts=1000))
    assert ready.prompts == 40
    assert "no model 'nobody'" in refusal(studio, GenerateConfig(model="nobody"))
