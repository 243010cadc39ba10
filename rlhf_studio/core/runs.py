"""Runs: one execution of a generation, training or comparison config."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from rlhf_studio.core.config import RunConfig
from rlhf_studio.core.events import RunEvent

RunStatus = Literal["queued", "running", "finished", "failed", "cancelled"]
ENDED: frozenset[RunStatus] = frozenset({"finished", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as the store knows it.

    `pid` with `process_started` (seconds since the epoch) names its worker process for certain,
    also after the pid was given to another program.
    """

    id: str
    project: str
    config: RunConfig
    status: RunStatus
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    pid: int | None = None
    process_started: float | None = None
    cancel_requested: bool = False
    background: bool = False
    snapshot_id: str | None = None

    @property
    def ended(self) -> bool:
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will work on and how long it will take on this machine.

    `seconds` is None where this machine's speed has not been measured yet.
    """

    works_on: str
    seconds: float | None
    problems: Sequence[str] = ()


class RunCancelled(Exception):
    """Raised inside a run at a step border after somebody asked for its end."""


class RunContext(Protocol):
    """The only way out of training code: it never sees the store."""

    @property
    def directory(self) -> Path:
        """The run's own folder."""
        ...

    def emit(self, event: RunEvent) -> None:
        """Append an event for everybody who watches."""
        ...

    def check_cancelled(self) -> None:
        """Raise RunCancelled when the run was asked to end. Call it at step borders."""
        ...
