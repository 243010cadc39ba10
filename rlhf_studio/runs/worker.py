"""The process of one run: `python -m rlhf_studio.runs.worker RUN_ID`.

This is the boundary where whatever a run raises becomes a stored event: a user's mistake
with its line, a bug with its traceback in the log. At its end the worker starts the next
queued run, so that the queue moves on without a server.
"""

import errno
import importlib
import logging
import os
import resource
import signal
import sys
import traceback
from types import FrameType

from rlhf_studio.core.errors import StudioError
from rlhf_studio.core.events import Cancelled, Failed, Finished, Stage
from rlhf_studio.core.runs import RunCancelled, RunRecord
from rlhf_studio.core.settings import Settings, settings_from_environment
from rlhf_studio.runs.context import StoreContext
from rlhf_studio.runs.supervisor import Supervisor
from rlhf_studio.store import Store

_log = logging.getLogger(__name__)
# getrusage counts kilobytes on Linux and bytes on macOS.
_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


def work(settings: Settings, store: Store, record: RunRecord) -> bool:
    """Do one run and store how it ended; return whether it finished."""
    context = StoreContext(store, record.id, settings.runs_dir / record.id)
    context.directory.mkdir(parents=True, exist_ok=True)
    try:
        context.emit(Stage(text="Loading the libraries"))
        kind = importlib.import_module(f"rlhf_studio.runs.kinds.{record.config.kind}")
        result = kind.run(settings, store, record, context)
    except RunCancelled:
        last = store.runs.last_event(record.id, "metrics")
        step = getattr(last.event, "step", None) if last else None
        store.runs.end(record.id, "cancelled", Cancelled(step=step))
        return False
    except Exception as error:
        traceback.print_exc()
        store.runs.end(record.id, "failed", Failed(cause=plain_cause(error), log=_log_end(settings, store, record)))
        return False
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_BYTES
    return store.runs.end(record.id, "finished", Finished(result={**result, "peak_memory_mb": round(peak / 1e6)}))


def plain_cause(error: BaseException) -> str:
    """Say in one line why a run failed."""
    if isinstance(error, StudioError):
        return str(error)
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return "The machine ran out of memory. Lower the batch, group or length knobs and start again."
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "No space is left on the disk. Free some and start again."
    first = str(error).strip().splitlines()
    return f"{type(error).__name__}: {first[0] if first else 'no message'} (the log has the details)"


def _log_end(settings: Settings, store: Store, record: RunRecord) -> str:
    sys.stdout.flush()
    sys.stderr.flush()
    return Supervisor(settings, store).log_end(record.id)


def _on_terminate(signum: int, frame: FrameType | None) -> None:
    raise RunCancelled


def main(run_id: str) -> int:
    """Do the run, then let the queue go on."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    signal.signal(signal.SIGTERM, _on_terminate)
    settings = settings_from_environment()
    store = Store(settings.database_url)
    record = store.runs.get(run_id)
    if record.status != "running" or record.pid not in (None, os.getpid()):
        print(f"{run_id} is {record.status}; nothing to do.", file=sys.stderr)  # noqa: T201 - the worker's log
        return 2
    finished = work(settings, store, record)
    Supervisor(settings, store).tick()
    store.close()
    return 0 if finished else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
