"""Models by registry id, as runs load them."""

from pathlib import Path

from rlhf_studio.core.errors import NotFound
from rlhf_studio.core.models import ModelRecord
from rlhf_studio.models.hardware import Hardware
from rlhf_studio.models.load import load_policy, load_tokenizer
from rlhf_studio.models.rollouts import RolloutEngine
from rlhf_studio.rewards.learned import LearnedReward
from rlhf_studio.store import Store


def paths(store: Store, model_id: str) -> tuple[ModelRecord, Path, Path | None]:
    """Return a model's record, its base's directory and its adapter's directory (None for a base)."""
    record = store.models.get(model_id)
    base = record if record.base_id is None else store.models.get(record.base_id)
    adapter = None if record.base_id is None else record.path
    for path in (base.path, adapter):
        if path is not None and not path.is_dir():
            raise NotFound(f"The folder of {model_id} is gone: {path}. Put it back or add the model again.")
    return record, base.path, adapter


def engine(store: Store, model_id: str, hardware: Hardware) -> RolloutEngine:
    """Load a policy, its adapter merged, ready to sample."""
    _, base, adapter = paths(store, model_id)
    return RolloutEngine(load_policy(base, adapter, hardware), load_tokenizer(base), hardware)


def learned_reward(store: Store, model_id: str, hardware: Hardware) -> LearnedReward:
    """Load a reward model of the studio."""
    _, base, adapter = paths(store, model_id)
    return LearnedReward(model_id, base, adapter, hardware)
