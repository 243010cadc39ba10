"""The tables, declared once.

Prompts, completions and comparisons are keyed by project and id: the same starter content may
live in several projects. `number` keeps the order in which rows came.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time, kept in UTC and always read back with its time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC. Raises ValueError for a time without a zone: nobody knows when that was."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Put the zone back that SQLite does not keep."""
        return value if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def utc_now() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


def _project(**options: Any) -> Column[str]:
    return Column("project", String, ForeignKey("projects.name"), nullable=False, **options)


def _within_project(column: str, target: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["project", column], [f"{target}.project", f"{target}.id"])


projects = Table(
    "projects",
    metadata,
    Column("name", String, primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
)

annotators = Table(
    "annotators",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

prompts = Table(
    "prompts",
    metadata,
    _project(primary_key=True),
    Column("id", String, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("messages", JSON, nullable=False),
    Column("split", String, nullable=False),
    Column("category", String, nullable=False),
    Column("columns", JSON, nullable=False),
    Index("ix_prompts_number", "project", "number"),
    Index("ix_prompts_split", "project", "split", "number"),
)

completions = Table(
    "completions",
    metadata,
    _project(primary_key=True),
    Column("id", String, primary_key=True),
    Column("prompt_id", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("model_id", String),
    Column("sampling", JSON(none_as_null=True)),
    Column("seed", BigInteger),
    Column("truncated", Boolean, nullable=False),
    _within_project("prompt_id", "prompts"),
)

comparisons = Table(
    "comparisons",
    metadata,
    _project(primary_key=True),
    Column("id", String, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("prompt_id", String, nullable=False),
    Column("completion_a_id", String, nullable=False),
    Column("completion_b_id", String, nullable=False),
    Column("source", String, nullable=False),
    Column("draw", Float, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    _within_project("prompt_id", "prompts"),
    _within_project("completion_a_id", "completions"),
    _within_project("completion_b_id", "completions"),
    Index("ix_comparisons_number", "project", "number"),
    Index("ix_comparisons_open", "project", "open", "draw"),
)

preferences = Table(
    "preferences",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String, nullable=False),
    _project(),
    Column("comparison_id", String, nullable=False),
    Column("annotator_id", String, ForeignKey("annotators.id"), nullable=False),
    Column("choice", String),
    Column("shown_order", String, nullable=False),
    Column("milliseconds", Integer),
    Column("created_at", UtcDateTime, nullable=False),
    Column("supersedes", Integer, ForeignKey("preferences.id")),
    Column("strength", Integer),
    Column("reason", Text),
    _within_project("comparison_id", "comparisons"),
    UniqueConstraint("key"),
    UniqueConstraint("supersedes"),
)

# A comparison as an annotator saw it. `preference_id` is that annotator's current answer: the primary
# key then allows no two of them. `position` orders the unanswered ones.
showings = Table(
    "showings",
    metadata,
    _project(primary_key=True),
    Column("comparison_id", String, primary_key=True),
    Column("annotator_id", String, ForeignKey("annotators.id"), primary_key=True),
    Column("shown_order", String, nullable=False),
    Column("position", Integer, nullable=False),
    Column("preference_id", Integer, ForeignKey("preferences.id")),
    Column("shown_at", UtcDateTime, nullable=False),
    _within_project("comparison_id", "comparisons"),
    Index("ix_showings_annotator", "project", "annotator_id", "preference_id", "position"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("id", String, primary_key=True),
    Column("sha256", String, nullable=False),
    _project(),
    Column("query", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("sha256"),
)

snapshot_rows = Table(
    "snapshot_rows",
    metadata,
    Column("snapshot_id", String, ForeignKey("snapshots.id"), primary_key=True),
    Column("preference_id", Integer, ForeignKey("preferences.id"), primary_key=True),
)

models = Table(
    "models",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("path", String, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("base_id", String),
    Column("parent_id", String),
    Column("run_id", String),
    Column("project", String),
    Column("note", Text, nullable=False),
    Column("metrics", JSON, nullable=False),
)

# `number` is the order of submission over all kinds, `number_of_kind` the one in the id.
runs = Table(
    "runs",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("number_of_kind", Integer, nullable=False),
    _project(),
    Column("config", JSON, nullable=False),
    Column("status", String, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("pid", Integer),
    Column("process_started", Float),
    Column("cancel_requested", Boolean, nullable=False),
    Column("background", Boolean, nullable=False),
    Column("snapshot_id", String, ForeignKey("snapshots.id")),
    UniqueConstraint("id"),
    UniqueConstraint("kind", "number_of_kind"),
    Index("ix_runs_status", "status", "number"),
)

run_events = Table(
    "run_events",
    metadata,
    Column("run_id", String, ForeignKey("runs.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String, nullable=False),
    Column("event", Text, nullable=False),
    Index("ix_run_events_kind", "run_id", "kind", "seq"),
)
