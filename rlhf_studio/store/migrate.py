"""Bring a database to the tables of this version.

Alembic is only loaded when there is something to do, so that opening stays fast.
"""

from pathlib import Path

from sqlalchemy import Connection, column, select, table
from sqlalchemy.exc import OperationalError, ProgrammingError

from rlhf_studio.core.errors import Conflict
from rlhf_studio.store.database import Database

HEAD = "0001"
"""The newest migration; a test holds it against the folder."""

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Run the migrations that are missing, all or none, one process at a time.

    Raises Conflict when the database comes from a newer version.
    """
    if _version(database) == HEAD:
        return
    database.prepare()
    with database.write() as connection:
        _upgrade(connection, database.name)


def _version(database: Database) -> str | None:
    versions = table("alembic_version", column("version_num"))
    try:
        with database.read() as connection:
            return connection.execute(select(versions.c.version_num)).scalar()
    except (OperationalError, ProgrammingError):  # a new database has no such table
        return None


def _upgrade(connection: Connection, name: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    # ConfigParser reads % as the start of a placeholder, and a path may hold one.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise Conflict(
            f"The database {name} was written by another version of RLHF Studio ({error}). Update this one."
        ) from error
