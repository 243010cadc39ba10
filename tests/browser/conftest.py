"""A real server in a process of its own, and a real browser that may speak to no other host."""

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from tests.browser.find_browser import find_browser

COMMAND = str(Path(sys.executable).parent / "rlhf-studio")
STARTED_WITHIN = 90.0
# The bars that are about time measure it themselves; everything else may wait for a busy machine.
expect.set_options(timeout=20_000)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Server:
    """`rlhf-studio serve` on a home of its own; kill() is kill -9, start() again is a restart."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        return {**os.environ, "RLHF_STUDIO_HOME": str(self.home), "HF_HUB_OFFLINE": "1"}

    def start(self) -> None:
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [COMMAND, "serve", "--port", str(self.port)], stdout=log, stderr=subprocess.STDOUT,
                env=self.environment(),
            )  # fmt: skip
        end = time.monotonic() + STARTED_WITHIN
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(self.url, timeout=5):
                return
            log_text = (self.home / "server.log").read_text(errors="replace")
            assert self._process.poll() is None, f"the server ended:\n{log_text}"
            assert time.monotonic() < end, f"no page after {STARTED_WITHIN} s:\n{log_text}"
            time.sleep(0.1)

    def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def run(self, *arguments: str) -> None:
        """Run a command on the server's home; it must succeed."""
        done = subprocess.run(
            [COMMAND, *arguments], env=self.environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def query(self, sql: str, *values: object) -> list[dict[str, Any]]:
        with contextlib.closing(sqlite3.connect(self.home / "studio.db", timeout=20)) as database:
            database.row_factory = sqlite3.Row
            rows = [dict(row) for row in database.execute(sql, values)]
            database.commit()
            return rows


@pytest.fixture(scope="session")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve the starter's comparisons, with no model, so that nothing is generated behind them."""
    server = Server(tmp_path_factory.mktemp("studio"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(one_server: Server) -> Server:
    """Return the server with all votes of earlier tests gone."""
    if one_server._process is None:
        one_server.start()
    for statement in (
        "DELETE FROM snapshot_rows", "DELETE FROM snapshots", "UPDATE showings SET preference_id = NULL",
        "DELETE FROM showings", "DELETE FROM preferences", "DELETE FROM comparisons WHERE source != 'starter'",
        "UPDATE comparisons SET open = 1",
    ):  # fmt: skip
        one_server.query(statement)
    return one_server


@pytest.fixture
def studio_url(server: Server) -> str:
    return server.url


@pytest.fixture
def stored_votes(server: Server) -> Callable[[], list[dict[str, Any]]]:
    """Return a function that reads every preference row, oldest first."""
    sql = """SELECT p.key, p.comparison_id, p.choice, p.shown_order, p.annotator_id, s.preference_id = p.id AS current
             FROM preferences p JOIN showings s ON s.comparison_id = p.comparison_id
             AND s.annotator_id = p.annotator_id AND s.project = p.project ORDER BY p.id"""
    return lambda: [{**row, "current": bool(row["current"])} for row in server.query(sql)]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                # Not by a route in Playwright: its handler would wait while a test sleeps.
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
            ],
        )
        yield browser
        browser.close()


def guarded_page(browser: Browser, **options: Any) -> Page:
    """Open a page whose requests to any other host are blocked, and kept in `page.blocked`."""
    context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, "locale": "en-US", **options})
    page = context.new_page()
    blocked: list[str] = []
    page.blocked = blocked  # type: ignore[attr-defined]

    def watch(request: Request) -> None:
        if urlsplit(request.url).hostname not in ("127.0.0.1", "localhost", None):
            blocked.append(request.url)

    page.on("request", watch)
    return page


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = guarded_page(browser)
    yield page
    assert page.blocked == [], "the page asked another host"  # type: ignore[attr-defined]
    page.context.close()
