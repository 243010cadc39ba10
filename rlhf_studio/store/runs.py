"""Runs: the queue, their states and the events they report."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from rlhf_studio.core.config import RunConfig, RunKind, parse_config
from rlhf_studio.core.errors import NotFound
from rlhf_studio.core.events import Cancelled, RunEvent, StoredEvent, event_from_json
from rlhf_studio.core.runs import ENDED, RunRecord, RunStatus
from rlhf_studio.store.database import AnyRow, AnySelect, Database
from rlhf_studio.store.projects import ensure_project
from rlhf_studio.store.tables import run_events, runs, utc_now


class RunRepository:
    """Every run that was ever asked for. Several processes may work on it at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, project: str, config: RunConfig, *, background: bool = False, snapshot_id: str | None = None
    ) -> RunRecord:
        """Queue a run. Its id is its kind and a number that counts up per kind."""
        with self._database.write() as connection:
            ensure_project(connection, project)
            last = connection.scalar(select(func.max(runs.c.number_of_kind)).where(runs.c.kind == config.kind)) or 0
            run_id = f"{config.kind}-{last + 1}"
            connection.execute(
                insert(runs).values(
                    id=run_id,
                    kind=config.kind,
                    number_of_kind=last + 1,
                    project=project,
                    config=config.model_dump(mode="json"),
                    status="queued",
                    created_at=utc_now(),
                    cancel_requested=False,
                    background=background,
                    snapshot_id=snapshot_id,
                )
            )
            return _get(connection, run_id)

    def get(self, run_id: str) -> RunRecord:
        """Return a run; NotFound without one."""
        with self._database.read() as connection:
            return _get(connection, run_id)

    def all(
        self, *, project: str | None = None, kind: RunKind | None = None, limit: int | None = None
    ) -> list[RunRecord]:
        """Return runs, newest first."""
        query = select(runs).order_by(runs.c.number.desc()).limit(limit)
        if project is not None:
            query = query.where(runs.c.project == project)
        if kind is not None:
            query = query.where(runs.c.kind == kind)
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(query)]

    def running(self) -> list[RunRecord]:
        """Return the runs that have been claimed and have not ended, oldest first."""
        query = select(runs).where(runs.c.status == "running").order_by(runs.c.number)
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(query)]

    def claim_next(self) -> RunRecord | None:
        """Set the next queued run to running and return it; None when one is running or none waits.

        Background runs come after all others. Of several processes that ask at once, one gets it.
        """
        with self._database.write() as connection:
            if connection.scalar(select(runs.c.id).where(runs.c.status == "running").limit(1)):
                return None
            queued = select(runs.c.id).where(runs.c.status == "queued")
            run_id = connection.scalar(queued.order_by(runs.c.background, runs.c.number).limit(1))
            if run_id is None:
                return None
            _set(connection, run_id, status="running", started_at=utc_now())
            return _get(connection, run_id)

    def set_process(self, run_id: str, pid: int, process_started: float) -> None:
        """Note the worker process; `process_started` is in seconds since the epoch."""
        with self._database.write() as connection:
            _set(connection, run_id, pid=pid, process_started=process_started)

    def request_cancel(self, run_id: str) -> RunRecord:
        """Ask a run to end: a queued one ends at once, an ended one stays as it is."""
        with self._database.write() as connection:
            status = _get(connection, run_id).status
            if status == "queued":
                _end(connection, run_id, "cancelled", Cancelled())
            elif status == "running":
                _set(connection, run_id, cancel_requested=True)
            return _get(connection, run_id)

    def end(self, run_id: str, status: RunStatus, event: RunEvent) -> bool:
        """Append the last event and set the final status together; False when the run had ended already."""
        with self._database.write() as connection:
            if _get(connection, run_id).ended:
                return False
            _end(connection, run_id, status, event)
            return True

    def append(self, run_id: str, event: RunEvent) -> int:
        """Append an event and return its number in the run, from 1. NotFound without the run."""
        with self._database.write() as connection:
            return _append(connection, run_id, event)

    def events(self, run_id: str, *, after: int = 0, kinds: Collection[str] | None = None) -> list[StoredEvent]:
        """Return the events with a number above `after`, oldest first, of all kinds or of these."""
        query = _select_events(run_id).where(run_events.c.seq > after).order_by(run_events.c.seq)
        if kinds is not None:
            query = query.where(run_events.c.kind.in_(list(kinds)))
        with self._database.read() as connection:
            return [_stored_event(row) for row in connection.execute(query)]

    def last_event(self, run_id: str, kind: str) -> StoredEvent | None:
        """Return the newest event of a kind; None without one."""
        query = _select_events(run_id).where(run_events.c.kind == kind).order_by(run_events.c.seq.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _stored_event(row)


def _get(connection: Connection, run_id: str) -> RunRecord:
    row = connection.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no run {run_id!r}.")
    return _record(row)


def _record(row: AnyRow) -> RunRecord:
    values = dict(row._mapping)
    del values["number"], values["number_of_kind"]
    config = parse_config(values.pop("kind"), values.pop("config"))
    return RunRecord(config=config, **values)


def _set(connection: Connection, run_id: str, **values: Any) -> None:
    if not connection.execute(update(runs).where(runs.c.id == run_id).values(**values)).rowcount:
        raise NotFound(f"There is no run {run_id!r}.")


def _end(connection: Connection, run_id: str, status: RunStatus, event: RunEvent) -> None:
    if status not in ENDED:
        raise ValueError(f"{status!r} is not the end of a run")
    _append(connection, run_id, event)
    _set(connection, run_id, status=status, finished_at=utc_now())


def _append(connection: Connection, run_id: str, event: RunEvent) -> int:
    last = connection.scalar(select(func.max(run_events.c.seq)).where(run_events.c.run_id == run_id))
    if last is None and connection.scalar(select(runs.c.id).where(runs.c.id == run_id)) is None:
        raise NotFound(f"There is no run {run_id!r}.")
    seq = (last or 0) + 1
    connection.execute(
        insert(run_events).values(run_id=run_id, seq=seq, at=utc_now(), kind=event.event, event=event.model_dump_json())
    )
    return seq


def _select_events(run_id: str) -> AnySelect:
    return select(run_events.c.seq, run_events.c.at, run_events.c.event).where(run_events.c.run_id == run_id)


def _stored_event(row: AnyRow) -> StoredEvent:
    return StoredEvent(seq=row.seq, at=row.at, event=event_from_json(row.event))
