"""Train a reward model on a snapshot and measure it on votes that it never saw."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rlhf_studio.core.config import RewardModelConfig
from rlhf_studio.core.events import Stage, Warning
from rlhf_studio.core.models import ModelRecord
from rlhf_studio.core.preferences import PreferencePair
from rlhf_studio.core.runs import RunContext, RunRecord
from rlhf_studio.core.settings import Settings
from rlhf_studio.evaluation.win_rate import accuracy
from rlhf_studio.models.hardware import probe_hardware
from rlhf_studio.preferences.split import split_by_prompt
from rlhf_studio.rewards.learned import LearnedReward, conversation
from rlhf_studio.runs.kinds.models import paths
from rlhf_studio.store import Store
from rlhf_studio.training.reward_model import train_reward_model


def run(settings: Settings, store: Store, record: RunRecord, context: RunContext) -> Mapping[str, Any]:
    """Train, measure, register; the figures are those of the saved adapter as everybody will load it."""
    config = record.config
    assert isinstance(config, RewardModelConfig) and record.snapshot_id is not None
    hardware = probe_hardware()
    _, base, _ = paths(store, config.model)
    train, held_out = split_by_prompt(store.snapshots.pairs(record.snapshot_id), config.held_out)
    trained = train_reward_model(train, base, config, hardware, context)
    context.emit(Stage(text="Measuring on held-out votes"))
    figures: dict[str, Any] = {"pairs": trained.pairs, "too_long": trained.too_long, "held_out": len(held_out)}
    if held_out:
        reward = LearnedReward(record.id, base, trained.adapter, hardware)
        chosen = reward.score([conversation(p.prompt, p.chosen.text) for p in held_out])
        rejected = reward.score([conversation(p.prompt, p.rejected.text) for p in held_out])
        margins = [c - r for c, r in zip(chosen, rejected, strict=True)]
        whose = {"human": "people's", "simulated": "simulated", "all": "people's and simulated"}[config.annotators]
        measured_on = f"{len(held_out)} {whose} votes on prompts kept out of training"
        figures["accuracy"] = asdict(accuracy(margins, measured_on=measured_on))
        figures["accuracy_by_annotator"] = _by_annotator(held_out, margins)
    else:
        words = (
            "No vote lies on a prompt kept out of training: nobody knows how good this reward model is. Vote on more."
        )
        context.emit(Warning(code="not_measured", plain_words=words))
    store.models.add(
        ModelRecord(
            record.id, "reward_model", trained.adapter, datetime.now(UTC), base_id=config.model, run_id=record.id,
            project=record.project, metrics=figures,
        )
    )  # fmt: skip
    return {"model": record.id, **figures}


def _by_annotator(pairs: Sequence[PreferencePair], margins: Sequence[float]) -> dict[str, Any]:
    """Return the accuracy on each annotator's held-out votes."""
    of: dict[str, list[float]] = {}
    for pair, margin in zip(pairs, margins, strict=True):
        of.setdefault(pair.annotator_id, []).append(margin)
    return {who: asdict(accuracy(own, measured_on=f"{len(own)} held-out votes of {who}")) for who, own in of.items()}
