"""How a worker reports: events into the store, the question whether somebody cancelled out of it."""

from pathlib import Path

from rlhf_studio.core.events import RunEvent
from rlhf_studio.core.runs import RunCancelled
from rlhf_studio.store import Store


class StoreContext:
    """The RunContext of a worker process."""

    def __init__(self, store: Store, run_id: str, directory: Path) -> None:
        self._store = store
        self._run_id = run_id
        self._directory = directory

    @property
    def directory(self) -> Path:
        return self._directory

    def emit(self, event: RunEvent) -> None:
        self._store.runs.append(self._run_id, event)

    def check_cancelled(self) -> None:
        if self._store.runs.get(self._run_id).cancel_requested:
            raise RunCancelled
