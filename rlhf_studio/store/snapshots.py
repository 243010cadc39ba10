"""Snapshots: the frozen sets of preferences that runs train on.

Preferences, prompts and completions never change once stored, so a snapshot keeps references;
its sha256 is over the content, so that anybody can tell two training sets apart.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from rlhf_studio.core.errors import NotFound
from rlhf_studio.core.preferences import Comparison, PreferencePair, PreferenceSnapshot
from rlhf_studio.store.comparisons import read_comparisons
from rlhf_studio.store.database import Database, chunks, insert_missing
from rlhf_studio.store.tables import preferences, snapshot_rows, snapshots, utc_now


class SnapshotRepository:
    """Freeze preferences and read them back as training reads them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, project: str, query: Mapping[str, Any], preference_ids: Sequence[int]) -> PreferenceSnapshot:
        """Freeze these preferences; the same ones again give the snapshot that is there, with its first query.

        Raises NotFound for an id that this project does not have.
        """
        ids = sorted(set(preference_ids))
        with self._database.write() as connection:
            sha256 = _sha256(connection, project, ids)
            snapshot_id = f"snapshot-{sha256[:12]}"
            row = {
                "id": snapshot_id,
                "sha256": sha256,
                "project": project,
                "query": dict(query),
                "created_at": utc_now(),
            }
            if insert_missing(connection, snapshots, [row]) and ids:
                rows = [{"snapshot_id": snapshot_id, "preference_id": preference_id} for preference_id in ids]
                connection.execute(insert(snapshot_rows), rows)
            return _get(connection, snapshot_id)

    def get(self, snapshot_id: str) -> PreferenceSnapshot:
        """Return a snapshot; NotFound without one."""
        with self._database.read() as connection:
            return _get(connection, snapshot_id)

    def pairs(self, snapshot_id: str) -> list[PreferencePair]:
        """Return the rows that chose a side, as chosen and rejected completions. Ties and skips are left out."""
        with self._database.read() as connection:
            _get(connection, snapshot_id)
            query = (
                select(
                    preferences.c.id,
                    preferences.c.project,
                    preferences.c.comparison_id,
                    preferences.c.choice,
                    preferences.c.annotator_id,
                )
                .join(snapshot_rows, snapshot_rows.c.preference_id == preferences.c.id)
                .where(snapshot_rows.c.snapshot_id == snapshot_id, preferences.c.choice.in_(["a", "b"]))
                .order_by(preferences.c.id)
            )
            rows = connection.execute(query).all()
            if not rows:
                return []
            found = read_comparisons(connection, rows[0].project, {row.comparison_id for row in rows})
        return [_pair(found[row.comparison_id], row.choice, row.id, row.annotator_id) for row in rows]


def _pair(comparison: Comparison, choice: str, preference_id: int, annotator_id: str) -> PreferencePair:
    chosen_first = comparison if choice == "a" else comparison.swap()
    return PreferencePair(
        comparison.prompt, chosen_first.completion_a, chosen_first.completion_b, preference_id, annotator_id
    )


def _get(connection: Connection, snapshot_id: str) -> PreferenceSnapshot:
    row = connection.execute(select(snapshots).where(snapshots.c.id == snapshot_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no snapshot {snapshot_id!r}.")
    query = select(snapshot_rows.c.preference_id).where(snapshot_rows.c.snapshot_id == snapshot_id)
    ids = connection.scalars(query.order_by(snapshot_rows.c.preference_id)).all()
    return PreferenceSnapshot(row.id, row.sha256, row.query, tuple(ids))


def _sha256(connection: Connection, project: str, ids: Sequence[int]) -> str:
    digest = hashlib.sha256(json.dumps(project).encode())
    for line in _content(connection, project, ids):
        digest.update(json.dumps(line, ensure_ascii=False, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()


def _content(connection: Connection, project: str, ids: Sequence[int]) -> Iterator[list[Any]]:
    """Give what each row says: who chose what between which texts."""
    columns = (preferences.c.id, preferences.c.comparison_id, preferences.c.annotator_id, preferences.c.choice)
    rows = {}
    for part in chunks(ids):
        query = select(*columns).where(preferences.c.project == project, preferences.c.id.in_(part))
        rows.update({row.id: row for row in connection.execute(query)})
    found = read_comparisons(connection, project, {row.comparison_id for row in rows.values()})
    for preference_id in ids:
        if preference_id not in rows:
            raise NotFound(f"There is no preference {preference_id} in the project {project!r}.")
        row = rows[preference_id]
        pair = found[row.comparison_id]
        yield [
            preference_id,
            row.annotator_id,
            row.choice,
            pair.id,
            [[message.role, message.content] for message in pair.prompt.messages],
            [[completion.id, completion.text] for completion in (pair.completion_a, pair.completion_b)],
        ]
