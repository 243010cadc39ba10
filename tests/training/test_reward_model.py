"""The reward model learns what the votes say, saves what it learned, and says what it left out."""

import random
from pathlib import Path

import pytest

from rlhf_studio.core.completions import Completion
from rlhf_studio.core.config import RewardModelConfig
from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.core.events import Warning
from rlhf_studio.core.preferences import PreferencePair
from rlhf_studio.core.prompts import user_prompt
from rlhf_studio.core.runs import RunCancelled
from rlhf_studio.models.hardware import probe_hardware
from rlhf_studio.rewards.learned import LearnedReward, conversation
from rlhf_studio.training.reward_model import train_reward_model
from tests.recording import Recorder

pytestmark = pytest.mark.slow

WORDS = ["the", "sea", "is", "wide", "and", "blue", "and", "the", "sky", "is", "far", "away", "from", "here"]


def pairs(count: int, seed: int) -> list[PreferencePair]:
    """Make pairs whose chosen answer ends with a thank-you and whose rejected one does not."""
    draw = random.Random(seed)
    made = []
    for number in range(count):
        prompt = user_prompt(f"Say something, {seed} {number}")
        base = " ".join(draw.choices(WORDS, k=draw.randint(3, 8)))
        good, bad = (
            Completion(f"{side}{number}", prompt.id, f"{base} {end}")
            for side, end in (("g", "thank you."), ("b", "the sky."))
        )
        made.append(PreferencePair(prompt, good, bad, number, "me"))
    return made


def config(**knobs: object) -> RewardModelConfig:
    return RewardModelConfig(**{"model": "tiny", "epochs": 6, "learning_rate": 5e-3, "batch_size": 8, **knobs})


def test_it_learns_the_taste_and_the_saved_adapter_scores_unseen_pairs(tiny: Path, tmp_path: Path) -> None:
    recorder, hardware = Recorder(tmp_path), probe_hardware()
    trained = train_reward_model(pairs(160, 0), tiny, config(learning_rate=1e-2), hardware, recorder)
    losses = recorder.curve("loss")
    assert losses[0] == pytest.approx(0.693, abs=0.01), "every answer starts with the same score"
    assert losses[-1] < 0.3
    reward = LearnedReward("rm", tiny, trained.adapter, hardware)
    unseen = pairs(40, 1)
    good = reward.score([conversation(p.prompt, p.chosen.text) for p in unseen])
    bad = reward.score([conversation(p.prompt, p.rejected.text) for p in unseen])
    assert sum(g > b for g, b in zip(good, bad, strict=True)) >= 36


def test_pairs_over_the_length_limit_are_counted_and_said(tiny: Path, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    rows = pairs(8, 0)
    prompt = rows[0].prompt
    rows[0] = PreferencePair(prompt, Completion("l", prompt.id, "sea " * 200), rows[0].rejected, 0, "me")
    trained = train_reward_model(rows, tiny, config(max_length=100, epochs=1), probe_hardware(), recorder)
    assert (trained.pairs, trained.too_long) == (7, 1)
    assert [e.code for e in recorder.events if isinstance(e, Warning)] == ["too_long"]


def test_nothing_short_enough_is_an_error_that_says_what_to_do(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="max_length = 32"):
        long = [
            PreferencePair(p.prompt, Completion("l", p.prompt.id, "sea " * 90), p.rejected, 0, "me")
            for p in pairs(4, 0)
        ]
        train_reward_model(long, tiny, config(max_length=32), probe_hardware(), Recorder(tmp_path))


def test_a_cancelled_run_stops_at_the_next_step(tiny: Path, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, cancel_after=2)
    with pytest.raises(RunCancelled):
        train_reward_model(pairs(64, 0), tiny, config(), probe_hardware(), recorder)
    assert len(recorder.metrics()) == 2
    assert not (tmp_path / "adapter").exists()
