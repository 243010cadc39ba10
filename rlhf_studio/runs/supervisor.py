"""Keep the queue moving: find workers that died, start the next run.

Any process may supervise (the server, a command, a worker that just ended): the claim of a
run is atomic in the store, so two supervisors never start the same one.
"""

import logging
import os
from datetime import UTC, datetime

from rlhf_studio.core.events import Cancelled, Failed
from rlhf_studio.core.runs import RunRecord
from rlhf_studio.core.settings import Settings
from rlhf_studio.runs.launch import is_alive, launch, reap
from rlhf_studio.store import Store

_LOG_END = 4000
_HANDOFF_SECONDS = 30.0
_log = logging.getLogger(__name__)


class Supervisor:
    """Looks after the runs of one studio."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store

    def tick(self) -> None:
        """Mark dead workers' runs as failed and start the next queued run if none is running."""
        reap()
        for record in self._store.runs.running():
            if not self._works(record):
                self._bury(record)
        claimed = self._store.runs.claim_next()
        if claimed is not None:
            _log.info("starting %s", claimed.id)
            launch(self._settings, self._store, claimed.id)

    def _works(self, record: RunRecord) -> bool:
        if record.pid is None or record.process_started is None:
            # Claimed by a supervisor that has not told the pid yet; unless it died in between.
            since = record.started_at or record.created_at
            return (datetime.now(UTC) - since).total_seconds() < _HANDOFF_SECONDS
        return is_alive(record.pid, record.process_started)

    def _bury(self, record: RunRecord) -> None:
        end = self.log_end(record.id)
        if record.cancel_requested:
            self._store.runs.end(record.id, "cancelled", Cancelled())
            return
        cause = "The run's process ended without a word: it was killed, or the machine ran out of memory."
        if self._store.runs.end(record.id, "failed", Failed(cause=cause, log=end)):
            _log.warning("%s: worker %s is gone", record.id, record.pid)

    def log_end(self, run_id: str) -> str:
        """Return the last few thousand characters of a run's log."""
        path = self._settings.runs_dir / run_id / "log.txt"
        if not path.exists():
            return ""
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _LOG_END))
            return file.read().decode("utf-8", errors="replace")
