"""Records of the models that a studio knows, and their lineage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

ModelKind = Literal["base", "policy", "reward_model"]

STARTER_ID = "starter"


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A base model, or a LoRA adapter (a policy or a reward model) on one.

    `path` is the directory with the weights; `base_id` names the base of an adapter;
    `parent_id` the policy that training started from.
    """

    id: str
    kind: ModelKind
    path: Path
    created_at: datetime
    base_id: str | None = None
    parent_id: str | None = None
    run_id: str | None = None
    project: str | None = None
    note: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
