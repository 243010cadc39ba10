"""Prompts of a project, in the order in which they came."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Table, func, select

from rlhf_studio.core.prompts import Message, Prompt, Split
from rlhf_studio.store.database import Database, chunks, insert_missing
from rlhf_studio.store.projects import ensure_project
from rlhf_studio.store.tables import prompts

PROMPT_COLUMNS = (prompts.c.id, prompts.c.messages, prompts.c.split, prompts.c.category, prompts.c.columns)


def read_prompt(row: Sequence[Any]) -> Prompt:
    """Make a prompt of the values of PROMPT_COLUMNS."""
    identity, messages, split, category, columns = row
    return Prompt(identity, tuple(Message(role, content) for role, content in messages), split, category, columns)


def next_number(connection: Connection, table: Table, project: str) -> int:
    """Return the number after the last row of a project; the write lock keeps it free."""
    last = connection.scalar(select(func.max(table.c.number)).where(table.c.project == project))
    return 1 if last is None else last + 1


def insert_prompts(connection: Connection, project: str, new: Sequence[Prompt]) -> int:
    """Insert the prompts that are missing, in order; return how many."""
    first = next_number(connection, prompts, project)
    rows = [
        {
            "project": project,
            "id": prompt.id,
            "number": number,
            "messages": [[message.role, message.content] for message in prompt.messages],
            "split": prompt.split,
            "category": prompt.category,
            "columns": dict(prompt.columns),
        }
        for number, prompt in enumerate(new, first)
    ]
    return insert_missing(connection, prompts, rows)


class PromptRepository:
    """What policies are asked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, project: str, prompts: Sequence[Prompt]) -> int:
        """Store the prompts whose ids are new, all or nothing; return how many were."""
        with self._database.write() as connection:
            ensure_project(connection, project)
            return insert_prompts(connection, project, prompts)

    def find(
        self, project: str, *, split: Split | None = None, limit: int | None = None, offset: int = 0
    ) -> list[Prompt]:
        """Return prompts in the order in which they were stored."""
        query = select(*PROMPT_COLUMNS).where(prompts.c.project == project).order_by(prompts.c.number)
        if split is not None:
            query = query.where(prompts.c.split == split)
        with self._database.read() as connection:
            return [read_prompt(row) for row in connection.execute(query.limit(limit).offset(offset))]

    def get(self, project: str, ids: Collection[str]) -> dict[str, Prompt]:
        """Return the prompts of these ids; ids without a prompt are left out."""
        query = select(*PROMPT_COLUMNS).where(prompts.c.project == project)
        found: dict[str, Prompt] = {}
        with self._database.read() as connection:
            for part in chunks(list(ids)):
                rows = connection.execute(query.where(prompts.c.id.in_(part)))
                found.update((row.id, read_prompt(row)) for row in rows)
        return found

    def counts(self, project: str) -> dict[Split, int]:
        """Return how many prompts each split has; both splits are always there."""
        query = select(prompts.c.split, func.count()).where(prompts.c.project == project).group_by(prompts.c.split)
        counts: dict[Split, int] = {"train": 0, "eval": 0}
        with self._database.read() as connection:
            counts.update((split, count) for split, count in connection.execute(query))
        return counts
