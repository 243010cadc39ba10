"""Models: the records of bases, policies and reward models."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, select, update

from rlhf_studio.core.errors import Conflict, NotFound
from rlhf_studio.core.models import ModelKind, ModelRecord
from rlhf_studio.store.database import AnyRow, Database, insert_missing
from rlhf_studio.store.tables import models


class ModelRepository:
    """The registry of models. It keeps records only; the weights are files."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, record: ModelRecord) -> None:
        """Store a model's record; Conflict when its id is taken."""
        row = {column.name: getattr(record, column.name) for column in models.c}
        row |= {"path": str(record.path), "metrics": dict(record.metrics)}
        with self._database.write() as connection:
            if not insert_missing(connection, models, [row]):
                raise Conflict(f"There is already a model {record.id!r}.")

    def get(self, model_id: str) -> ModelRecord:
        """Return a model's record; NotFound, with the ids there are, without one."""
        with self._database.read() as connection:
            row = connection.execute(select(models).where(models.c.id == model_id)).one_or_none()
            if row is None:
                raise _missing(connection, model_id)
        return _record(row)

    def all(self, *, kind: ModelKind | None = None, project: str | None = None) -> list[ModelRecord]:
        """Return records, oldest first, of every project without `project`."""
        query = select(models).order_by(models.c.created_at, models.c.id)
        if kind is not None:
            query = query.where(models.c.kind == kind)
        if project is not None:
            query = query.where(models.c.project == project)
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(query)]

    def remove(self, model_id: str) -> None:
        """Forget a model; its files stay. NotFound without one."""
        with self._database.write() as connection:
            if not connection.execute(delete(models).where(models.c.id == model_id)).rowcount:
                raise _missing(connection, model_id)

    def set_metrics(self, model_id: str, metrics: Mapping[str, Any]) -> None:
        """Replace a model's metrics; NotFound without one."""
        statement = update(models).where(models.c.id == model_id).values(metrics=dict(metrics))
        with self._database.write() as connection:
            if not connection.execute(statement).rowcount:
                raise _missing(connection, model_id)


def _record(row: AnyRow) -> ModelRecord:
    values = dict(row._mapping)
    return ModelRecord(**(values | {"path": Path(values["path"])}))


def _missing(connection: Connection, model_id: str) -> NotFound:
    ids = connection.scalars(select(models.c.id).order_by(models.c.created_at, models.c.id)).all()
    there = f"There are: {', '.join(ids)}." if ids else "There is none yet."
    return NotFound(f"There is no model {model_id!r}. {there}")
