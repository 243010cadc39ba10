"""Comparisons of a project, with their prompts and completions."""

import random
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, FromClause, and_, exists, func, not_, select, update

from rlhf_studio.core.completions import Completion, Sampling
from rlhf_studio.core.errors import InvalidInput, NotFound
from rlhf_studio.core.preferences import Comparison, ComparisonSource
from rlhf_studio.core.prompts import Split
from rlhf_studio.store.database import AnyRow, AnySelect, Database, chunks, insert_missing
from rlhf_studio.store.projects import ensure_project
from rlhf_studio.store.prompts import PROMPT_COLUMNS, insert_prompts, next_number, read_prompt
from rlhf_studio.store.tables import annotators, comparisons, completions, prompts, showings, utc_now

_A = completions.alias("a")
_B = completions.alias("b")


def _completion_columns(table: FromClause) -> Sequence[Any]:
    names = ("id", "prompt_id", "text", "model_id", "sampling", "seed", "truncated")
    return [table.c[name] for name in names]


def select_comparisons(project: str) -> AnySelect:
    """Return the query whose rows `read_comparison` understands."""
    own = comparisons.c.project
    return (
        select(comparisons.c.id, comparisons.c.source, *PROMPT_COLUMNS)
        .add_columns(*_completion_columns(_A), *_completion_columns(_B))
        .join(prompts, and_(prompts.c.project == own, prompts.c.id == comparisons.c.prompt_id))
        .join(_A, and_(_A.c.project == own, _A.c.id == comparisons.c.completion_a_id))
        .join(_B, and_(_B.c.project == own, _B.c.id == comparisons.c.completion_b_id))
        .where(own == project)
    )


def read_comparison(row: AnyRow) -> Comparison:
    """Make a comparison of a row of `select_comparisons`."""
    return Comparison(row[0], read_prompt(row[2:7]), _completion(row[7:14]), _completion(row[14:21]), row[1])


def _completion(values: Sequence[Any]) -> Completion:
    identity, prompt_id, text, model_id, sampling, seed, truncated = values
    return Completion(identity, prompt_id, text, model_id, Sampling(**sampling) if sampling else None, seed, truncated)


def read_comparisons(connection: Connection, project: str, ids: Collection[str]) -> dict[str, Comparison]:
    """Return the comparisons of these ids; ids without one are left out."""
    query = select_comparisons(project)
    found: dict[str, Comparison] = {}
    for part in chunks(list(ids)):
        for row in connection.execute(query.where(comparisons.c.id.in_(part))):
            found[row[0]] = read_comparison(row)
    return found


def get_comparison(connection: Connection, project: str, comparison_id: str) -> Comparison:
    """Return a comparison; NotFound without one."""
    found = read_comparisons(connection, project, [comparison_id])
    if not found:
        raise NotFound(f"There is no comparison {comparison_id!r} in the project {project!r}.")
    return found[comparison_id]


def update_open(connection: Connection, project: str, ids: Collection[str]) -> None:
    """Close the comparisons that a person has answered and open the others.

    Judges and simulated annotators close nothing: their answers must not empty people's queue.
    """
    answered = exists(
        select(showings.c.preference_id)
        .join(annotators, annotators.c.id == showings.c.annotator_id)
        .where(
            showings.c.project == comparisons.c.project,
            showings.c.comparison_id == comparisons.c.id,
            showings.c.preference_id.is_not(None),
            annotators.c.kind == "human",
        )
        .correlate(comparisons)
    )
    statement = update(comparisons).where(comparisons.c.project == project).values(open=not_(answered))
    for part in chunks(list(ids)):
        connection.execute(statement.where(comparisons.c.id.in_(part)))


# What somebody just asked votes for comes first, then the starter's pairs, then the rest.
_FIRST: dict[str, int] = {"arena": 2, "starter": 1}


class ComparisonRepository:
    """Pairs of completions that annotators are asked about."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, project: str, comparisons: Sequence[Comparison]) -> int:
        """Store what is new of these comparisons, their prompts and completions; return how many comparisons were.

        All or nothing. Raises InvalidInput for a completion of another prompt.
        """
        for comparison in comparisons:
            _check_prompt(comparison)
        with self._database.write() as connection:
            ensure_project(connection, project)
            insert_prompts(connection, project, list({c.prompt.id: c.prompt for c in comparisons}.values()))
            both = [completion for c in comparisons for completion in (c.completion_a, c.completion_b)]
            _insert_completions(connection, project, both)
            return _insert_comparisons(connection, project, comparisons)

    def get(self, project: str, comparison_id: str) -> Comparison:
        with self._database.read() as connection:
            return get_comparison(connection, project, comparison_id)

    def find(
        self,
        project: str,
        *,
        source: ComparisonSource | None = None,
        split: Split | None = None,
        limit: int | None = None,
    ) -> list[Comparison]:
        """Return comparisons in the order in which they were stored."""
        query = select_comparisons(project).order_by(comparisons.c.number).limit(limit)
        if source is not None:
            query = query.where(comparisons.c.source == source)
        if split is not None:
            query = query.where(prompts.c.split == split)
        with self._database.read() as connection:
            return [read_comparison(row) for row in connection.execute(query)]

    def count(self, project: str) -> int:
        query = select(func.count()).select_from(comparisons).where(comparisons.c.project == project)
        with self._database.read() as connection:
            return connection.scalar(query) or 0

    def count_waiting(self, project: str, *, source: ComparisonSource | None = None) -> int:
        """Return how many comparisons no person has answered, of one source or of all."""
        query = select(func.count()).where(comparisons.c.project == project, comparisons.c.open)
        if source is not None:
            query = query.where(comparisons.c.source == source)
        with self._database.read() as connection:
            return connection.scalar(query) or 0


def _check_prompt(comparison: Comparison) -> None:
    for completion in (comparison.completion_a, comparison.completion_b):
        if completion.prompt_id != comparison.prompt.id:
            raise InvalidInput(
                f"The comparison {comparison.id!r} asks about the prompt {comparison.prompt.id!r}, "
                f"but its completion {completion.id!r} answers {completion.prompt_id!r}."
            )


def _insert_completions(connection: Connection, project: str, new: Sequence[Completion]) -> None:
    rows = [
        {
            "project": project,
            "id": completion.id,
            "prompt_id": completion.prompt_id,
            "text": completion.text,
            "model_id": completion.model_id,
            "sampling": asdict(completion.sampling) if completion.sampling else None,
            "seed": completion.seed,
            "truncated": completion.truncated,
        }
        for completion in new
    ]
    insert_missing(connection, completions, rows)


def _insert_comparisons(connection: Connection, project: str, new: Sequence[Comparison]) -> int:
    now = utc_now()
    rows = [
        {
            "project": project,
            "id": comparison.id,
            "number": number,
            "prompt_id": comparison.prompt.id,
            "completion_a_id": comparison.completion_a.id,
            "completion_b_id": comparison.completion_b.id,
            "source": comparison.source,
            # Below zero: the starter comparisons come before all others, on one index.
            "draw": random.random() - _FIRST.get(comparison.source, 0),
            "open": True,
            "created_at": now,
        }
        for number, comparison in enumerate(new, next_number(connection, comparisons, project))
    ]
    return insert_missing(connection, comparisons, rows)
