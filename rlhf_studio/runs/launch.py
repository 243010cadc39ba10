"""Start a run as a detached process of its own session that writes to a file.

Spawned, never forked: a fork of a server with threads and open databases would inherit both.
Output goes to a file and never to a pipe: a pipe fills up when its reader is gone, and the
run stands still. The worker is known by its pid together with its start time, so that a pid
that was given to another program is not taken for it.
"""

import os
import subprocess
import sys

import psutil

from rlhf_studio.core.settings import Settings
from rlhf_studio.store import Store

OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
"""A run asks nothing of the network: its models were fetched when they were added."""


# Kept, since a worker is meant to outlive whoever started it, and its handle must not be missed.
_children: list[subprocess.Popen[bytes]] = []


def launch(settings: Settings, store: Store, run_id: str) -> None:
    """Start the worker of a claimed run and store which process it is."""
    directory = settings.runs_dir / run_id
    directory.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        **OFFLINE,
        "RLHF_STUDIO_HOME": str(settings.home),
        "RLHF_STUDIO_DATABASE_URL": settings.database_url,
        "TRL_EXPERIMENTAL_SILENCE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
        # Threads that wait busily for long stand in each other's way as soon as anything else wants
        # a core: on two busy cores, sampling was 20 times slower. Set before torch is loaded.
        "GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", "1000"),
    }
    with (directory / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "rlhf_studio.runs.worker", run_id],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True, close_fds=True, env=environment, cwd=directory,
        )  # fmt: skip
    try:
        started = psutil.Process(process.pid).create_time()
    except psutil.NoSuchProcess:
        started = 0.0
    store.runs.set_process(run_id, process.pid, started)
    _children.append(process)


def reap() -> None:
    """Collect ended workers that this process started: they would stay as zombies."""
    _children[:] = [child for child in _children if child.poll() is None]


def is_alive(pid: int, process_started: float) -> bool:
    """Say whether this very process still works; a zombie does not."""
    try:
        process = psutil.Process(pid)
        # The clock's resolution is a hundredth of a second, and databases may round further.
        same = abs(process.create_time() - process_started) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
