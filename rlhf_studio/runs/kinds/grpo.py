"""Align a policy with GRPO and register it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rlhf_studio.core.config import GRPOConfig
from rlhf_studio.core.models import ModelRecord
from rlhf_studio.core.runs import RunContext, RunRecord
from rlhf_studio.core.settings import Settings
from rlhf_studio.models.hardware import Hardware, probe_hardware
from rlhf_studio.rewards.rules import RULE_FUNCTIONS, RewardFunction
from rlhf_studio.runs.kinds.models import learned_reward, paths
from rlhf_studio.store import Store
from rlhf_studio.training.grpo import train_grpo


def run(settings: Settings, store: Store, record: RunRecord, context: RunContext) -> Mapping[str, Any]:
    """Train on the project's train prompts against the config's rewards."""
    config = record.config
    assert isinstance(config, GRPOConfig)
    hardware = probe_hardware()
    parent, base, adapter = paths(store, config.model)
    rewards = {t.reward: (t.weight, _reward(store, t.reward, hardware)) for t in config.rewards}
    prompts = store.prompts.find(record.project, split="train")
    folder = train_grpo(prompts, rewards, base, adapter, config, hardware, context)
    last = store.runs.last_event(record.id, "metrics")
    metrics = {"trained_against": list(rewards), "last_step": dict(getattr(last.event, "values", {})) if last else {}}
    store.models.add(
        ModelRecord(
            record.id, "policy", folder, datetime.now(UTC), base_id=parent.base_id or parent.id, parent_id=parent.id,
            run_id=record.id, project=record.project, metrics=metrics,
        )
    )  # fmt: skip
    return {"model": record.id, **metrics}


def _reward(store: Store, name: str, hardware: Hardware) -> RewardFunction:
    return RULE_FUNCTIONS.get(name) or learned_reward(store, name, hardware)
