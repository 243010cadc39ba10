"""The engine and its transactions: the one place that knows which database is underneath.

SQLite is opened so that a committed transaction survives a killed process and a power cut
(WAL, synchronous=FULL). Writers take the write lock when they begin, so a transaction that
reads and then writes can trust what it read: on SQLite with BEGIN IMMEDIATE, on PostgreSQL
with one advisory lock.
"""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection, Engine, Row, Select, Table, create_engine, event, func, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, TimeoutError

from rlhf_studio.core.errors import InvalidInput, Unavailable

T = TypeVar("T")
AnyRow: TypeAlias = Row[*tuple[Any, ...]]
AnySelect: TypeAlias = Select[*tuple[Any, ...]]

BUSY_SECONDS = 10
_POSTGRES_WRITE_LOCK = 0x524C4846
_INSERTS: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_PLAIN_WORDS = {
    "is locked": f"The database is busy: another process has held it for {BUSY_SECONDS} s. Try again in a moment.",
    "database or disk is full": "The disk is full, so nothing was stored. Free some space and try again.",
    "disk i/o error": "The disk could not be read or written (disk I/O error), so nothing was stored.",
    "unable to open database file": "The database file cannot be opened. Check that its folder can be written to.",
    "readonly database": "The database file cannot be written to. Check its permissions and its folder's.",
    "file is not a database": "The database file is not a SQLite database. Move it away or name another one.",
    "malformed": "The database file is damaged. Restore it from a backup.",
}


class Database:
    """One database. `read` and `write` are the only ways to it and turn its failures into plain words."""

    def __init__(self, url: str) -> None:
        self._engine = _sqlite_engine(url) if url.startswith("sqlite") else _engine(url)
        if self._engine.dialect.name == "sqlite":
            self._reader: Engine = self._engine
            self._writer: Engine = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        else:
            self._reader = self._engine.execution_options(isolation_level="REPEATABLE READ")
            self._writer = self._engine

    @property
    def name(self) -> str:
        """The database as messages may show it, without a password."""
        return self._engine.url.render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database throughout."""
        with _plain_failures(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection that holds the write lock; commit at the end, roll back on any exception.

        Raises Unavailable when the lock is not free in time or the disk refuses.
        """
        with _plain_failures(), self._writer.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(_POSTGRES_WRITE_LOCK)))
            yield connection

    def prepare(self) -> None:
        """Switch a SQLite file to WAL; the file remembers it."""
        if self._engine.dialect.name != "sqlite":
            return
        deadline = time.monotonic() + BUSY_SECONDS
        with _plain_failures():
            while not _switched_to_wal(self._engine, last_try=time.monotonic() > deadline):
                time.sleep(0.02)

    def close(self) -> None:
        self._engine.dispose()


def insert_missing(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows that break no unique constraint, leave out the others, return how many went in."""
    if not rows:
        return 0
    statement = _INSERTS[connection.dialect.name](table).on_conflict_do_nothing()
    statement = statement.execution_options(preserve_rowcount=True)
    return int(connection.execute(statement, [dict(row) for row in rows]).rowcount)


def chunks(values: Sequence[T], size: int = 5_000) -> Iterator[Sequence[T]]:
    """Cut a long list of ids into pieces that a statement can carry as parameters."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _engine(url: str) -> Engine:
    try:
        return create_engine(url, pool_pre_ping=True)
    except (ArgumentError, ModuleNotFoundError) as error:
        raise InvalidInput(f"The database URL cannot be used: {error}") from error


def _sqlite_engine(url: str) -> Engine:
    path = make_url(url).database
    if not path or path == ":memory:":
        raise InvalidInput("The store needs a file: sqlite:///path/to/studio.db")
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"Cannot make the folder of the database {path}: {error.strerror}.") from error
    # isolation_level None: Python's driver would otherwise begin transactions by itself, and too late.
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "isolation_level": None}, max_overflow=-1)
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _configure(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def _switched_to_wal(engine: Engine, *, last_try: bool) -> bool:
    """Try once. SQLite does not wait for the lock here, so a second process that opens has to ask again."""
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA journal_mode = WAL")
        return True
    except sqlite3.OperationalError as error:
        if "locked" in str(error) and not last_try:
            return False
        raise OperationalError("PRAGMA journal_mode = WAL", None, error) from error
    finally:
        raw.close()


@contextmanager
def _plain_failures() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        message = str(error.orig)
        for sign, words in _PLAIN_WORDS.items():
            if sign in message.lower():
                raise Unavailable(words) from error
        # SQLite has no connection to lose: there, any other OperationalError is a bug and keeps its traceback.
        if isinstance(error, OperationalError) and not isinstance(error.orig, sqlite3.OperationalError):
            raise Unavailable(f"The database server cannot be used now: {message.splitlines()[0]}") from error
        raise
    except TimeoutError as error:
        raise Unavailable("The database has too many connections in use. Try again in a moment.") from error
