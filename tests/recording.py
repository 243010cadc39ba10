"""A RunContext that keeps what it is told, for tests of training code without a store."""

from pathlib import Path

from rlhf_studio.core.events import Metrics, RunEvent
from rlhf_studio.core.runs import RunCancelled


class Recorder:
    """Keeps events; asks for the end once `cancel_after` Metrics events have come."""

    def __init__(self, directory: Path, *, cancel_after: int | None = None) -> None:
        self.directory = directory
        self.events: list[RunEvent] = []
        self._cancel_after = cancel_after

    def emit(self, event: RunEvent) -> None:
        self.events.append(event)

    def check_cancelled(self) -> None:
        if self._cancel_after is not None and len(self.metrics()) >= self._cancel_after:
            raise RunCancelled

    def metrics(self) -> list[Metrics]:
        return [event for event in self.events if isinstance(event, Metrics)]

    def curve(self, name: str) -> list[float]:
        return [event.values[name] for event in self.metrics() if name in event.values]
