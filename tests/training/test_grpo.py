"""GRPO moves the policy towards the reward, on the studio's own rollouts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rlhf_studio.core.config import GRPOConfig
from rlhf_studio.core.events import Samples
from rlhf_studio.core.prompts import user_prompt
from rlhf_studio.core.runs import RunCancelled
from rlhf_studio.models.hardware import probe_hardware
from rlhf_studio.rewards.checked import RewardError
from rlhf_studio.rewards.rules import text_of
from rlhf_studio.training.grpo import train_grpo
from tests.recording import Recorder

pytestmark = pytest.mark.slow

PROMPTS = [user_prompt(f"Say something, number {n}") for n in range(16)]


def vowels(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float | None]:
    """Reward the share of e among the signs."""
    texts = [text_of(c) for c in completions]
    return [text.count("e") / max(1, len(text)) for text in texts]


def config(**knobs: object) -> GRPOConfig:
    chosen = {"model": "tiny", "steps": 25, "group_size": 8, "prompts_per_step": 2, "max_new_tokens": 12}
    return GRPOConfig(**{**chosen, "learning_rate": 2e-2, "beta": 0.0, **knobs})


def test_the_reward_rises_and_the_next_training_goes_on_from_the_adapter(tiny: Path, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "one")
    adapter = train_grpo(PROMPTS, {"vowels": (1.0, vowels)}, tiny, None, config(), probe_hardware(), recorder)
    rewards = recorder.curve("reward")
    assert len(rewards) == 25
    before, after = sum(rewards[:5]) / 5, sum(rewards[-5:]) / 5
    assert after > before + 0.1
    samples = [event for event in recorder.events if isinstance(event, Samples)]
    assert [event.step for event in samples] == list(range(1, 26))
    assert samples[0].rows[0].rewards.keys() == {"vowels"}

    further = Recorder(tmp_path / "two")
    train_grpo(PROMPTS, {"vowels": (1.0, vowels)}, tiny, adapter, config(steps=3, beta=0.1), probe_hardware(), further)
    assert further.curve("reward")[0] > before + 0.05, "it starts where the first one ended"
    assert further.curve("kl")[0] == pytest.approx(0, abs=1e-3), "KL is measured from there"


def test_a_mix_of_rewards_keeps_its_components_apart(tiny: Path, tmp_path: Path) -> None:
    def one(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float | None]:
        return [1.0] * len(completions)

    recorder = Recorder(tmp_path)
    mix = {"vowels": (2.0, vowels), "one": (0.5, one)}
    train_grpo(PROMPTS, mix, tiny, None, config(steps=1), probe_hardware(), recorder)
    (step,) = recorder.metrics()
    expected = 2.0 * step.values["rewards/vowels/mean"] + 0.5 * step.values["rewards/one/mean"]
    assert step.values["rewards/one/mean"] == 1.0
    assert step.values["reward"] == pytest.approx(expected, rel=1e-4)


def test_a_broken_reward_stops_the_run(tiny: Path, tmp_path: Path) -> None:
    def broken(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float | None]:
        return [float("nan")] * len(completions)

    with pytest.raises(RewardError, match="'broken' gave nan for completion 0"):
        train_grpo(PROMPTS, {"broken": (1.0, broken)}, tiny, None, config(), probe_hardware(), Recorder(tmp_path))


def test_a_cancelled_run_stops_at_the_next_step(tiny: Path, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, cancel_after=2)
    with pytest.raises(RunCancelled):
        train_grpo(PROMPTS, {"vowels": (1.0, vowels)}, tiny, None, config(), probe_hardware(), recorder)
    assert len(recorder.metrics()) == 2
