"""The store on SQLite: the contract, and what only SQLite has."""

import os
import resource
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rlhf_studio.core.errors import Conflict, InvalidInput, Unavailable
from rlhf_studio.core.preferences import ShownOrder
from rlhf_studio.store import Store
from rlhf_studio.store import database as database_module
from tests.store.contract import StoreContract
from tests.store.examples import ANA, fill, prompt


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def database_url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'new folder 50%' / 'studio.db'}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "studio.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{path}")
    yield opened
    opened.close()


_VOTE_AND_WAIT = """
import sys, time
from rlhf_studio.store import Store
store = Store(sys.argv[1])
(showing,) = store.preferences.show("demo", "ana", 1, draw=lambda: "ab")
store.preferences.add("demo", key="k", comparison_id=showing.comparison.id, annotator_id="ana", choice="a")
print("stored", flush=True)
time.sleep(60)
"""


def test_acknowledged_vote_survives_kill_9(store: Store, path: Path) -> None:
    fill(store)
    with subprocess.Popen([sys.executable, "-c", _VOTE_AND_WAIT, f"sqlite:///{path}"], stdout=subprocess.PIPE) as voter:
        assert voter.stdout is not None
        assert voter.stdout.readline() == b"stored\n"
        os.kill(voter.pid, signal.SIGKILL)
    assert [answer.key for answer in store.preferences.current("demo")] == ["k"]


def test_new_database_opened_by_two_processes_at_once(path: Path) -> None:
    code = "import sys; from rlhf_studio.store import Store; Store(sys.argv[1]).projects.ensure(sys.argv[2])"
    voters = [subprocess.Popen([sys.executable, "-c", code, f"sqlite:///{path}", name]) for name in ("one", "two")]
    assert [voter.wait() for voter in voters] == [0, 0]
    store = Store(f"sqlite:///{path}")
    assert sorted(store.projects.names()) == ["one", "two"]
    store.close()


def test_file_is_wal_and_every_commit_reaches_the_disk(store: Store, path: Path) -> None:
    with store._database.read() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


def test_reopening_is_fast(store: Store, path: Path) -> None:
    start = time.process_time()
    Store(f"sqlite:///{path}").close()
    assert time.process_time() - start < 0.3


def test_busy_database_is_one_clear_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.1)
    store = Store(f"sqlite:///{path}")
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="busy"):
        store.projects.ensure("demo")
    assert store.projects.names() == []
    blocker.close()
    store.projects.ensure("demo")
    store.close()


def test_full_disk_is_one_clear_line_and_stores_nothing(store: Store, path: Path) -> None:
    with store._database.read() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 60")  # the pool hands out this connection again
    with pytest.raises(Unavailable, match="disk is full"):
        store.prompts.add("demo", [prompt(number) for number in range(3_000)])
    assert store.prompts.find("demo") == []


def test_disk_that_refuses_to_grow_is_one_clear_line(path: Path) -> None:
    code = f"""
import resource, signal, sys
from rlhf_studio.core.errors import Unavailable
from rlhf_studio.store import Store
from tests.store.examples import prompt
store = Store("sqlite:///{path}")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
try:
    store.prompts.add("demo", [prompt(number) for number in range(10_000)])
except Unavailable as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "nothing was stored" in done.stdout
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 400_000


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "nonsense", "oracle+nothing://x"])
def test_unusable_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        Store(url)


def test_file_of_something_else_is_refused(path: Path) -> None:
    path.write_text("This is no database. " * 100)
    with pytest.raises(Unavailable, match="not a SQLite database"):
        Store(f"sqlite:///{path}")


def test_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="folder"):
        Store(f"sqlite:///{tmp_path / 'file' / 'studio.db'}")


def test_database_of_a_newer_version_is_left_alone(store: Store, path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(Conflict, match="9999"):
        Store(f"sqlite:///{path}")


def test_hundred_thousand_prompts_are_stored_in_seconds(store: Store) -> None:
    prompts = [prompt(number) for number in range(100_000)]
    start = time.process_time()
    assert store.prompts.add("demo", prompts) == 100_000
    assert time.process_time() - start < 15


_NEW_YEAR = "2026-01-01 00:00:00.000000"


def _fill_answered(path: Path, count: int, open_ones: int) -> None:
    """Write `count` comparisons straight into the file, all but `open_ones` answered by ana."""
    numbers = range(10, count + 10)
    with sqlite3.connect(path) as connection:
        connection.executemany(
            f"INSERT INTO comparisons VALUES ('demo', ?, ?, 'p0', 'c0a', 'c0b', 'generated', ?, ?, '{_NEW_YEAR}')",
            ((f"x{n}", n, (n * 7919 % count) / count, n % (count // open_ones) == 0) for n in numbers),
        )
        answered = [n for n in numbers if n % (count // open_ones)]
        connection.executemany(
            "INSERT INTO preferences (id, key, project, comparison_id, annotator_id, choice, shown_order, created_at)"
            f" VALUES (?, ?, 'demo', ?, 'ana', 'a', 'ab', '{_NEW_YEAR}')",
            ((n, f"old{n}", f"x{n}") for n in answered),
        )
        connection.executemany(
            f"INSERT INTO showings VALUES ('demo', ?, 'ana', 'ab', 0, ?, '{_NEW_YEAR}')",
            ((f"x{n}", n) for n in answered),
        )
    connection.close()


def test_show_stays_fast_with_many_answered_comparisons(store: Store, path: Path) -> None:
    fill(store, 1)
    _fill_answered(path, 200_000, open_ones=2_000)

    def next_pair(number: int) -> float:
        start = time.thread_time()  # what show() costs itself, not what else this machine is busy with
        page = store.preferences.show("demo", ANA.id, 3, draw=_ab)
        seconds = time.thread_time() - start
        store.preferences.add(
            "demo", key=f"k{number}", comparison_id=page[0].comparison.id, annotator_id=ANA.id, choice="b"
        )
        return seconds

    assert statistics.median(next_pair(number) for number in range(30)) < 0.010


def _ab() -> ShownOrder:
    return "ab"
