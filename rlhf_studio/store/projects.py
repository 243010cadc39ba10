"""Projects: the names under which everything else is kept."""

from sqlalchemy import Connection, select

from rlhf_studio.store.database import Database, insert_missing
from rlhf_studio.store.tables import projects, utc_now


def ensure_project(connection: Connection, name: str) -> None:
    """Store a project's name unless it is there."""
    insert_missing(connection, projects, [{"name": name, "created_at": utc_now()}])


class ProjectRepository:
    """The names of projects. Adding prompts, comparisons or runs to a new name makes the project too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ensure(self, name: str) -> None:
        with self._database.write() as connection:
            ensure_project(connection, name)

    def names(self) -> list[str]:
        """Return the names, oldest project first."""
        with self._database.read() as connection:
            return list(connection.scalars(select(projects.c.name).order_by(projects.c.created_at, projects.c.name)))
