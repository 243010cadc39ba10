"""Preferences: what was shown to whom, and what they answered.

Preferences are only ever appended. What changes is bookkeeping, in the same transaction: a
showing points to its annotator's current answer, and a comparison is open until a person answered.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, insert, select, update

from rlhf_studio.core.errors import Conflict, NotAllowed, NotFound
from rlhf_studio.core.preferences import (
    AnnotatorKind,
    Choice,
    Comparison,
    ComparisonSource,
    Preference,
    Showing,
    ShownOrder,
)
from rlhf_studio.store.annotators import get_annotator
from rlhf_studio.store.comparisons import get_comparison, read_comparisons, update_open
from rlhf_studio.store.database import AnyRow, AnySelect, Database, chunks, insert_missing
from rlhf_studio.store.tables import annotators, comparisons, preferences, showings, utc_now

PREFERENCE_COLUMNS = (
    preferences.c.id, preferences.c.key, preferences.c.comparison_id, preferences.c.annotator_id,
    preferences.c.choice, preferences.c.shown_order, preferences.c.milliseconds, preferences.c.created_at,
    preferences.c.supersedes, preferences.c.strength, preferences.c.reason,
)  # fmt: skip

_PEOPLE: tuple[AnnotatorKind, ...] = ("human",)


@dataclass(frozen=True, slots=True)
class NewPreference:
    """An answer that comes with its showing: from a simulated annotator, a judge or an import."""

    key: str
    comparison_id: str
    annotator_id: str
    choice: Choice
    shown_order: ShownOrder
    milliseconds: int | None = None


class PreferenceRepository:
    """Show comparisons, store answers, take them back, read them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def show(
        self,
        project: str,
        annotator_id: str,
        count: int,
        *,
        exclude: Collection[str] = (),
        draw: Callable[[], ShownOrder],
        source: ComparisonSource | None = None,
    ) -> list[Showing]:
        """Return up to `count` comparisons to answer, none of them in `exclude`, of one `source` or of all.

        First what this annotator was shown and has not answered, with the same sides; then open
        comparisons, starter ones first, whose sides `draw` decides and the store remembers.
        Raises NotFound for an unknown annotator.
        """
        with self._database.write() as connection:
            orders = _unanswered(connection, project, annotator_id, count, exclude, source)
            new = _open_unseen(connection, project, annotator_id, count - len(orders), exclude, source)
            if new:
                get_annotator(connection, annotator_id)
                drawn: dict[str, ShownOrder] = {comparison_id: draw() for comparison_id in new}
                _insert_showings(connection, project, annotator_id, drawn)
                orders |= drawn
            found = read_comparisons(connection, project, orders)
        return [Showing(found[comparison_id], annotator_id, order) for comparison_id, order in orders.items()]

    def showing(self, project: str, annotator_id: str, comparison_id: str) -> Showing | None:
        """Return how this annotator saw a comparison; None when it was never shown."""
        with self._database.read() as connection:
            row = _showing(connection, project, annotator_id, comparison_id)
            if row is None:
                return None
            return Showing(get_comparison(connection, project, comparison_id), annotator_id, row.shown_order)

    def add(  # noqa: PLR0913 -- the columns of one answer, all but two named at the call
        self,
        project: str,
        *,
        key: str,
        comparison_id: str,
        annotator_id: str,
        choice: Choice,
        milliseconds: int | None = None,
        strength: int | None = None,
        reason: str | None = None,
    ) -> tuple[Preference, bool]:
        """Store an answer and return it with True; for a key that is stored already, that row and False.

        It is on disk when this returns. Raises NotFound for an unknown comparison, NotAllowed
        for one that was never shown to this annotator, Conflict for one that they have answered or
        for a key that belongs to something else.
        """
        with self._database.write() as connection:
            stored = _by_key(connection, key)
            if stored is not None:
                if _owner(stored) != (project, annotator_id, comparison_id) or stored.choice is None:
                    raise Conflict(f"The key {key!r} was used for something else. Draw a new one.")
                return _preference(stored), False
            showing = _showing(connection, project, annotator_id, comparison_id)
            if showing is None:
                get_comparison(connection, project, comparison_id)
                raise NotAllowed("This pair was never shown to you. Reload the page for the next one.")
            if showing.preference_id is not None:
                raise Conflict("You have already answered this pair. Undo that answer to change it.")
            row = _append(
                connection,
                project=project,
                key=key,
                comparison_id=comparison_id,
                annotator_id=annotator_id,
                choice=choice,
                shown_order=showing.shown_order,
                milliseconds=milliseconds,
                strength=strength,
                reason=reason,
            )
            _point_showing(connection, row, preference_id=row.id)
            update_open(connection, project, [comparison_id])
            return _preference(row), True

    def retract(
        self, project: str, annotator_id: str, *, key: str, vote_key: str | None = None
    ) -> tuple[Preference, Comparison]:
        """Take an answer back and return it with its comparison, which comes first in `show` again.

        It is the answer sent with `vote_key`, or this annotator's latest current one. The same
        `key` again changes nothing more. Raises NotFound when there is nothing to take back.
        """
        with self._database.write() as connection:
            stored = _by_key(connection, key)
            if stored is not None:
                if (stored.project, stored.annotator_id) != (project, annotator_id) or stored.choice is not None:
                    raise Conflict(f"The key {key!r} was used for something else. Draw a new one.")
                undone = connection.execute(_select_rows().where(preferences.c.id == stored.supersedes)).one()
            else:
                undone = _undo(connection, project, annotator_id, key, vote_key)
            return _preference(undone), get_comparison(connection, project, undone.comparison_id)

    def add_shown(self, project: str, rows: Sequence[NewPreference]) -> int:
        """Store answers together with their showings, all or nothing; return how many were new by key.

        Raises NotFound for an unknown comparison or annotator, Conflict for a second answer of one
        annotator to one comparison.
        """
        with self._database.write() as connection:
            known = _known_keys(connection, [row.key for row in rows])
            new = list({row.key: row for row in rows if row.key not in known}.values())
            if new:
                _check_known(connection, project, new)
                _insert_shown(connection, project, new)
                update_open(connection, project, {row.comparison_id for row in new})
            return len(new)

    def current(self, project: str, *, kinds: Iterable[AnnotatorKind] = _PEOPLE) -> list[Preference]:
        """Return the answers that stand, of these kinds of annotators, in the order in which they came."""
        with self._database.read() as connection:
            return _current(connection, project, kinds)

    def with_comparisons(
        self, project: str, *, kinds: Iterable[AnnotatorKind] = _PEOPLE
    ) -> list[tuple[Preference, Comparison]]:
        """Return the answers that stand, each with its comparison."""
        with self._database.read() as connection:
            answers = _current(connection, project, kinds)
            found = read_comparisons(connection, project, {answer.comparison_id for answer in answers})
        return [(answer, found[answer.comparison_id]) for answer in answers]

    def counts(
        self,
        project: str,
        *,
        annotator_id: str | None = None,
        kinds: Iterable[AnnotatorKind] | None = None,
        since: datetime | None = None,
    ) -> dict[Choice, int]:
        """Count the answers that stand by choice; every choice is there."""
        query = _standing(project, kinds, preferences.c.choice, func.count()).group_by(preferences.c.choice)
        if annotator_id is not None:
            query = query.where(showings.c.annotator_id == annotator_id)
        if since is not None:
            query = query.where(preferences.c.created_at >= since)
        counts: dict[Choice, int] = {"a": 0, "b": 0, "tie": 0, "both_bad": 0, "skip": 0}
        with self._database.read() as connection:
            counts.update((choice, count) for choice, count in connection.execute(query))
        return counts


def _preference(row: AnyRow) -> Preference:
    return Preference(*row[: len(PREFERENCE_COLUMNS)])


def _select_rows() -> AnySelect:
    return select(*PREFERENCE_COLUMNS, preferences.c.project)


def _by_key(connection: Connection, key: str) -> AnyRow | None:
    return connection.execute(_select_rows().where(preferences.c.key == key)).one_or_none()


def _owner(row: AnyRow) -> tuple[str, str, str]:
    return row.project, row.annotator_id, row.comparison_id


def _append(connection: Connection, **values: Any) -> AnyRow:
    statement = insert(preferences).values(created_at=utc_now(), **values)
    return connection.execute(statement.returning(*PREFERENCE_COLUMNS, preferences.c.project)).one()


def _standing(project: str, kinds: Iterable[AnnotatorKind] | None, *columns: Any) -> AnySelect:
    query = (
        select(*columns)
        .join_from(showings, preferences, preferences.c.id == showings.c.preference_id)
        .where(showings.c.project == project)
    )
    if kinds is None:
        return query
    return query.join(annotators, annotators.c.id == showings.c.annotator_id).where(annotators.c.kind.in_(list(kinds)))


def _current(connection: Connection, project: str, kinds: Iterable[AnnotatorKind]) -> list[Preference]:
    query = _standing(project, kinds, *PREFERENCE_COLUMNS).order_by(preferences.c.id)
    return [_preference(row) for row in connection.execute(query)]


def _showing(connection: Connection, project: str, annotator_id: str, comparison_id: str) -> AnyRow | None:
    query = select(showings.c.shown_order, showings.c.preference_id).where(
        showings.c.project == project,
        showings.c.comparison_id == comparison_id,
        showings.c.annotator_id == annotator_id,
    )
    return connection.execute(query).one_or_none()


def _unanswered(
    connection: Connection,
    project: str,
    annotator_id: str,
    count: int,
    exclude: Collection[str],
    source: ComparisonSource | None,
) -> dict[str, ShownOrder]:
    query = (
        select(showings.c.comparison_id, showings.c.shown_order)
        .where(
            showings.c.project == project,
            showings.c.annotator_id == annotator_id,
            showings.c.preference_id.is_(None),
            showings.c.comparison_id.not_in(list(exclude)),
        )
        .order_by(showings.c.position)
        .limit(count)
    )
    if source is not None:
        query = query.join(comparisons, _is_of_showing()).where(comparisons.c.source == source)
    return {row.comparison_id: row.shown_order for row in connection.execute(query)}


def _is_of_showing() -> Any:
    return (comparisons.c.project == showings.c.project) & (comparisons.c.id == showings.c.comparison_id)


def _open_unseen(
    connection: Connection,
    project: str,
    annotator_id: str,
    count: int,
    exclude: Collection[str],
    source: ComparisonSource | None,
) -> Sequence[str]:
    if count <= 0:
        return []
    seen = exists().where(
        showings.c.project == comparisons.c.project,
        showings.c.comparison_id == comparisons.c.id,
        showings.c.annotator_id == annotator_id,
    )
    query = (
        select(comparisons.c.id)
        .where(comparisons.c.project == project, comparisons.c.open, ~seen, comparisons.c.id.not_in(list(exclude)))
        .order_by(comparisons.c.draw)
        .limit(count)
    )
    if source is not None:
        query = query.where(comparisons.c.source == source)
    return connection.scalars(query).all()


def _position(connection: Connection, project: str, annotator_id: str, *, first: bool) -> int:
    """Return a place before or after all unanswered showings of an annotator."""
    end = (func.min if first else func.max)(showings.c.position)
    found = connection.scalar(
        select(end).where(
            showings.c.project == project,
            showings.c.annotator_id == annotator_id,
            showings.c.preference_id.is_(None),
        )
    )
    if found is None:
        return 0
    return int(found) - 1 if first else int(found) + 1


def _insert_showings(connection: Connection, project: str, annotator_id: str, drawn: dict[str, ShownOrder]) -> None:
    now = utc_now()
    first = _position(connection, project, annotator_id, first=False)
    connection.execute(
        insert(showings),
        [
            {
                "project": project,
                "comparison_id": comparison_id,
                "annotator_id": annotator_id,
                "shown_order": order,
                "position": position,
                "shown_at": now,
            }
            for position, (comparison_id, order) in enumerate(drawn.items(), first)
        ],
    )


def _point_showing(connection: Connection, owner: AnyRow, **values: Any) -> None:
    connection.execute(
        update(showings)
        .where(
            showings.c.project == owner.project,
            showings.c.comparison_id == owner.comparison_id,
            showings.c.annotator_id == owner.annotator_id,
        )
        .values(**values)
    )


def _undo(connection: Connection, project: str, annotator_id: str, key: str, vote_key: str | None) -> AnyRow:
    query = _standing(project, None, *PREFERENCE_COLUMNS, preferences.c.project).where(
        showings.c.annotator_id == annotator_id
    )
    if vote_key is not None:
        query = query.where(preferences.c.key == vote_key)
    undone = connection.execute(query.order_by(showings.c.preference_id.desc()).limit(1)).one_or_none()
    if undone is None:
        raise NotFound("There is no answer to take back.")
    _append(
        connection,
        project=project,
        key=key,
        comparison_id=undone.comparison_id,
        annotator_id=annotator_id,
        shown_order=undone.shown_order,
        supersedes=undone.id,
    )
    before = _position(connection, project, annotator_id, first=True)
    _point_showing(connection, undone, preference_id=None, position=before)
    update_open(connection, project, [undone.comparison_id])
    return undone


def _known_keys(connection: Connection, keys: Sequence[str]) -> set[str]:
    query = select(preferences.c.key)
    return {key for part in chunks(keys) for key in connection.scalars(query.where(preferences.c.key.in_(part)))}


def _check_known(connection: Connection, project: str, rows: Sequence[NewPreference]) -> None:
    for annotator_id in {row.annotator_id for row in rows}:
        get_annotator(connection, annotator_id)
    wanted = {row.comparison_id for row in rows}
    query = select(comparisons.c.id).where(comparisons.c.project == project)
    for part in chunks(list(wanted)):
        wanted -= set(connection.scalars(query.where(comparisons.c.id.in_(part))))
    if wanted:
        raise NotFound(f"There is no comparison {min(wanted)!r} in the project {project!r}.")


def _insert_shown(connection: Connection, project: str, rows: Sequence[NewPreference]) -> None:
    now = utc_now()
    owners = [
        {"project": project, "comparison_id": row.comparison_id, "annotator_id": row.annotator_id} for row in rows
    ]
    insert_missing(
        connection,
        showings,
        [
            {**owner, "shown_order": row.shown_order, "position": 0, "shown_at": now}
            for owner, row in zip(owners, rows, strict=True)
        ],
    )
    connection.execute(
        insert(preferences),
        [
            {
                **owner,
                "key": row.key,
                "choice": row.choice,
                "shown_order": row.shown_order,
                "milliseconds": row.milliseconds,
                "created_at": now,
            }
            for owner, row in zip(owners, rows, strict=True)
        ],
    )
    _point_new(connection, project, rows)


def _point_new(connection: Connection, project: str, rows: Sequence[NewPreference]) -> None:
    its_id = select(preferences.c.id).where(preferences.c.key == bindparam("row_key")).scalar_subquery()
    statement = (
        update(showings)
        .where(
            showings.c.project == project,
            showings.c.comparison_id == bindparam("row_comparison"),
            showings.c.annotator_id == bindparam("row_annotator"),
            showings.c.preference_id.is_(None),
        )
        .values(preference_id=its_id)
    )
    for row in rows:
        owner = {"row_key": row.key, "row_comparison": row.comparison_id, "row_annotator": row.annotator_id}
        if connection.execute(statement, owner).rowcount != 1:
            raise Conflict(f"{row.annotator_id!r} has already answered the comparison {row.comparison_id!r}.")
