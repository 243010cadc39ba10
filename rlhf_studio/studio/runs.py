"""Runs as people see them: an estimate before, progress and curves while, a result after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rlhf_studio.core.config import RunConfig, RunKind
from rlhf_studio.core.events import Cancelled, Failed, Finished, Metrics, SampleRow, Samples, Stage, StoredEvent, Warning
from rlhf_studio.core.runs import Estimate, RunRecord
from rlhf_studio.core.settings import Settings
from rlhf_studio.runs.estimate import estimate
from rlhf_studio.runs.prepare import prepare
from rlhf_studio.runs.supervisor import Supervisor
from rlhf_studio.store import Store

_NOT_CURVES = frozenset({"step_seconds"})


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
        return _view(record, self._store.runs.events(run_id), self._expected_seconds(record))

    def _expected_seconds(self, record: RunRecord) -> float | None:
        if record.ended:
            return None
        return estimate(self._settings, self._store, record.project, record.config).seconds


def _view(record: RunRecord, events: Sequence[StoredEvent], expected_seconds: float | None) -> RunView:
    stage, total, step = "Waiting for the run before it" if record.status == "queued" else "Starting", None, 0
    curves: dict[str, list[tuple[int, float]]] = {}
    samples: Samples | None = None
    warnings: list[str] = []
    result: Mapping[str, Any] = {}
    failure = log = ""
    steps_at: list[tuple[int, datetime]] = []
    for stored in events:
        event = stored.event
        match event:
            case Stage():
                stage, total = event.text, event.total_steps or total
            case Metrics():
                step = max(step, event.step)
                steps_at.append((event.step, stored.at))
                for name, value in event.values.items():
                    if name not in _NOT_CURVES:
                        curves.setdefault(name, []).append((event.step, value))
            case Samples():
                samples = event
            case Warning():
                warnings.append(event.plain_words)
            case Finished():
                stage, result = "Finished", event.result
            case Failed():
                stage, failure, log = "Failed", event.cause, event.log
            case Cancelled():
                stage = "Cancelled"
    return RunView(
        record=record, stage=stage, step=step, total_steps=total,
        seconds_left=_seconds_left(record, total, steps_at, expected_seconds),
        curves=curves, samples_step=samples.step if samples else None, samples=samples.rows if samples else (),
        warnings=warnings, result=result, failure=failure, log=log,
    )  # fmt: skip


def _seconds_left(
    record: RunRecord, total: int | None, steps_at: Sequence[tuple[int, datetime]], expected: float | None
) -> float | None:
    """Go by the pace of the last steps; before there is one, by the estimate."""
    if record.ended:
        return None
    now = datetime.now(UTC)
    recent = steps_at[-11:]
    if total and len(recent) >= 2 and recent[-1][0] > recent[0][0]:
        pace = (recent[-1][1] - recent[0][1]).total_seconds() / (recent[-1][0] - recent[0][0])
        return max(0.0, (total - recent[-1][0]) * pace - (now - recent[-1][1]).total_seconds())
    if expected is None:
        return None
    return max(0.0, expected - (now - (record.started_at or now)).total_seconds())
