"""Runs as people see them: an estimate before, progress and curves while, a result after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rlhf_studio.core.config import RunConfig, RunKind
from rlhf_studio.core.events import (
    Cancelled,
    Failed,
    Finished,
    Metrics,
    SampleRow,
    Samples,
    Stage,
    StoredEvent,
    Warning,
)
from rlhf_studio.core.runs import Estimate, RunRecord
from rlhf_studio.core.settings import Settings
from rlhf_studio.runs.estimate import estimate
from rlhf_studio.runs.prepare import prepare
from rlhf_studio.runs.supervisor import Supervisor
from rlhf_studio.store import Store

_NOT_CURVES = frozenset({"step_seconds"})
_PACE_STEPS = 11


@dataclass(frozen=True, slots=True)
class RunView:
    """One run as its page shows it. `curves` maps a metric to its (step, value) points.

    `seconds_left` is None while nobody can know it; `samples` are those of the newest step.
    """

    record: RunRecord
    stage: str
    step: int
    total_steps: int | None
    seconds_left: float | None
    curves: Mapping[str, Sequence[tuple[int, float]]]
    samples_step: int | None
    samples: Sequence[SampleRow]
    warnings: Sequence[str]
    result: Mapping[str, Any] = field(default_factory=dict)
    failure: str = ""
    log: str = ""


class RunService:
    """Start, watch and end runs."""

    def __init__(self, settings: Settings, store: Store, supervisor: Supervisor) -> None:
        self._settings = settings
        self._store = store
        self._supervisor = supervisor

    def estimate(self, project: str, config: RunConfig) -> Estimate:
        """Say what a run would work on, how long it would take here, and what stands in its way."""
        return estimate(self._settings, self._store, project, config)

    def start(self, project: str, config: RunConfig, *, background: bool = False) -> RunRecord:
        """Queue a run and start it when nothing else runs.

        Raises InvalidInput with the first thing that stands in its way.
        """
        ready = prepare(self._settings, self._store, project, config)
        record = self._store.runs.add(project, ready.config, background=background, snapshot_id=ready.snapshot_id)
        self._supervisor.tick()
        return self._store.runs.get(record.id)

    def get(self, run_id: str) -> RunRecord:
        """Return a run; NotFound without one."""
        return self._store.runs.get(run_id)

    def all(self, project: str, *, kind: RunKind | None = None, limit: int | None = None) -> list[RunRecord]:
        """Return the runs of a project, newest first."""
        return self._store.runs.all(project=project, kind=kind, limit=limit)

    def events(self, run_id: str, *, after: int = 0) -> list[StoredEvent]:
        """Return the events after a cursor, oldest first."""
        return self._store.runs.events(run_id, after=after)

    def cancel(self, run_id: str) -> RunRecord:
        """Ask a run to end at its next step border; a queued one ends at once."""
        return self._store.runs.request_cancel(run_id)

    def view(self, run_id: str) -> RunView:
        """Return a run with its progress, curves and newest samples."""
        record = self._store.runs.get(run_id)
        story = _Story(record)
        for stored in self._store.runs.events(run_id):
            story.add(stored)
        return story.view(self._seconds_left(record, story))

    def _seconds_left(self, record: RunRecord, story: "_Story") -> float | None:
        """Go by the pace of the last steps; before there is one, by the estimate."""
        if record.ended:
            return None
        now = datetime.now(UTC)
        pace = story.seconds_a_step()
        if pace is not None and story.total is not None:
            last_step, at = story.steps_at[-1]
            return max(0.0, (story.total - last_step) * pace - (now - at).total_seconds())
        expected = estimate(self._settings, self._store, record.project, record.config).seconds
        return None if expected is None else max(0.0, expected - (now - (record.started_at or now)).total_seconds())


class _Story:
    """What a run's events add up to."""

    def __init__(self, record: RunRecord) -> None:
        self._record = record
        self._stage = "Waiting for the run before it" if record.status == "queued" else "Starting"
        self.total: int | None = None
        self.steps_at: list[tuple[int, datetime]] = []
        self._curves: dict[str, list[tuple[int, float]]] = {}
        self._samples: Samples | None = None
        self._warnings: list[str] = []
        self._result: Mapping[str, Any] = {}
        self._failure = Failed(cause="")

    def add(self, stored: StoredEvent) -> None:
        match stored.event:
            case Stage(text=text, total_steps=total):
                self._stage, self.total = text, total or self.total
            case Metrics() as metrics:
                self._add_metrics(metrics, stored.at)
            case Samples() as samples:
                self._samples = samples
            case Warning(plain_words=words):
                self._warnings.append(words)
            case Finished(result=result):
                self._stage, self._result = "Finished", result
            case Failed() as failed:
                self._stage, self._failure = "Failed", failed
            case Cancelled():
                self._stage = "Cancelled"

    def _add_metrics(self, metrics: Metrics, at: datetime) -> None:
        self.steps_at.append((metrics.step, at))
        for name, value in metrics.values.items():
            if name not in _NOT_CURVES:
                self._curves.setdefault(name, []).append((metrics.step, value))

    def seconds_a_step(self) -> float | None:
        recent = self.steps_at[-_PACE_STEPS:]
        if len(recent) < 2 or recent[-1][0] <= recent[0][0]:
            return None
        return (recent[-1][1] - recent[0][1]).total_seconds() / (recent[-1][0] - recent[0][0])

    def view(self, seconds_left: float | None) -> RunView:
        return RunView(
            record=self._record,
            stage=self._stage,
            step=max((step for step, _ in self.steps_at), default=0),
            total_steps=self.total,
            seconds_left=seconds_left,
            curves=self._curves,
            samples_step=self._samples.step if self._samples else None,
            samples=self._samples.rows if self._samples else (),
            warnings=self._warnings,
            result=self._result,
            failure=self._failure.cause,
            log=self._failure.log,
        )
