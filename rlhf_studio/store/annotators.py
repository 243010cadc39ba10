"""Annotators: people, judges and simulated ones."""

from sqlalchemy import Connection, select

from rlhf_studio.core.errors import Conflict, NotFound
from rlhf_studio.core.preferences import Annotator
from rlhf_studio.store.database import AnyRow, Database, insert_missing
from rlhf_studio.store.tables import annotators, utc_now

_COLUMNS = (annotators.c.id, annotators.c.name, annotators.c.kind)


def _annotator(row: AnyRow) -> Annotator:
    return Annotator(row.id, row.name, row.kind)


def get_annotator(connection: Connection, annotator_id: str) -> Annotator:
    """Return an annotator; NotFound without one."""
    row = connection.execute(select(*_COLUMNS).where(annotators.c.id == annotator_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no annotator {annotator_id!r}.")
    return _annotator(row)


class AnnotatorRepository:
    """Who has answered or may answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ensure(self, annotator: Annotator) -> Annotator:
        """Return the annotator of this id, storing it when new; its name stays as first given.

        Raises Conflict when it is stored with another kind: what people said must stay apart.
        """
        with self._database.write() as connection:
            insert_missing(
                connection,
                annotators,
                [{"id": annotator.id, "name": annotator.name, "kind": annotator.kind, "created_at": utc_now()}],
            )
            stored = get_annotator(connection, annotator.id)
        if stored.kind != annotator.kind:
            raise Conflict(f"The annotator {annotator.id!r} is {stored.kind} and cannot become {annotator.kind}.")
        return stored

    def get(self, annotator_id: str) -> Annotator:
        with self._database.read() as connection:
            return get_annotator(connection, annotator_id)

    def all(self) -> list[Annotator]:
        """Return the annotators, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(*_COLUMNS).order_by(annotators.c.created_at, annotators.c.id))
            return [_annotator(row) for row in rows]
