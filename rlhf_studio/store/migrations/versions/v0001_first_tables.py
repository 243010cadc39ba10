"""The first tables.

Revision 0001. It repeats what store/tables.py declares, so that later changes there leave it as it was.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "annotators",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_annotators"),
    )
    op.create_table(
        "models",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("base_id", sa.String()),
        sa.Column("parent_id", sa.String()),
        sa.Column("run_id", sa.String()),
        sa.Column("project", sa.String()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_models"),
    )
    op.create_table(
        "projects",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_projects"),
    )
    op.create_table(
        "prompts",
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("messages", sa.JSON(), nullable=False),
        sa.Column("split", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name="fk_prompts_project"),
        sa.PrimaryKeyConstraint("project", "id", name="pk_prompts"),
    )
    op.create_index("ix_prompts_number", "prompts", ["project", "number"])
    op.create_index("ix_prompts_split", "prompts", ["project", "split", "number"])
    op.create_table(
        "snapshots",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name="fk_snapshots_project"),
        sa.PrimaryKeyConstraint("id", name="pk_snapshots"),
        sa.UniqueConstraint("sha256", name="uq_snapshots_sha256"),
    )
    op.create_table(
        "completions",
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("prompt_id", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("model_id", sa.String()),
        sa.Column("sampling", sa.JSON(none_as_null=True)),
        sa.Column("seed", sa.BigInteger()),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project", "prompt_id"], ["prompts.project", "prompts.id"], name="fk_completions_project_prompt_id"
        ),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name="fk_completions_project"),
        sa.PrimaryKeyConstraint("project", "id", name="pk_completions"),
    )
    op.create_table(
        "runs",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number_of_kind", sa.Integer(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("pid", sa.Integer()),
        sa.Column("process_started", sa.Float()),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("background", sa.Boolean(), nullable=False),
        sa.Column("snapshot_id", sa.String()),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name="fk_runs_project"),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"], name="fk_runs_snapshot_id"),
        sa.PrimaryKeyConstraint("number", name="pk_runs"),
        sa.UniqueConstraint("id", name="uq_runs_id"),
        sa.UniqueConstraint("kind", "number_of_kind", name="uq_runs_kind_number_of_kind"),
    )
    op.create_index("ix_runs_status", "runs", ["status", "number"])
    op.create_table(
        "comparisons",
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("prompt_id", sa.String(), nullable=False),
        sa.Column("completion_a_id", sa.String(), nullable=False),
        sa.Column("completion_b_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("draw", sa.Float(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project", "completion_a_id"],
            ["completions.project", "completions.id"],
            name="fk_comparisons_project_completion_a_id",
        ),
        sa.ForeignKeyConstraint(
            ["project", "completion_b_id"],
            ["completions.project", "completions.id"],
            name="fk_comparisons_project_completion_b_id",
        ),
        sa.ForeignKeyConstraint(
            ["project", "prompt_id"], ["prompts.project", "prompts.id"], name="fk_comparisons_project_prompt_id"
        ),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name="fk_comparisons_project"),
        sa.PrimaryKeyConstraint("project", "id", name="pk_comparisons"),
    )
    op.create_index("ix_comparisons_number", "comparisons", ["project", "number"])
    op.create_index("ix_comparisons_open", "comparisons", ["project", "open", "draw"])
    op.create_table(
        "run_events",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_events_run_id"),
        sa.PrimaryKeyConstraint("run_id", "seq", name="pk_run_events"),
    )
    op.create_index("ix_run_events_kind", "run_events", ["run_id", "kind", "seq"])
    op.create_table(
        "preferences",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("comparison_id", sa.String(), nullable=False),
        sa.Column("annotator_id", sa.String(), nullable=False),
        sa.Column("choice", sa.String()),
        sa.Column("shown_order", sa.String(), nullable=False),
        sa.Column("milliseconds", sa.Integer()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("supersedes", sa.Integer()),
        sa.Column("strength", sa.Integer()),
        sa.Column("reason", sa.Text()),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotators.id"], name="fk_preferences_annotator_id"),
        sa.ForeignKeyConstraint(
            ["project", "comparison_id"],
            ["comparisons.project", "comparisons.id"],
            name="fk_preferences_project_comparison_id",
        ),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name="fk_preferences_project"),
        sa.ForeignKeyConstraint(["supersedes"], ["preferences.id"], name="fk_preferences_supersedes"),
        sa.PrimaryKeyConstraint("id", name="pk_preferences"),
        sa.UniqueConstraint("key", name="uq_preferences_key"),
        sa.UniqueConstraint("supersedes", name="uq_preferences_supersedes"),
    )
    op.create_table(
        "showings",
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("comparison_id", sa.String(), nullable=False),
        sa.Column("annotator_id", sa.String(), nullable=False),
        sa.Column("shown_order", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("preference_id", sa.Integer()),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotators.id"], name="fk_showings_annotator_id"),
        sa.ForeignKeyConstraint(["preference_id"], ["preferences.id"], name="fk_showings_preference_id"),
        sa.ForeignKeyConstraint(
            ["project", "comparison_id"],
            ["comparisons.project", "comparisons.id"],
            name="fk_showings_project_comparison_id",
        ),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name="fk_showings_project"),
        sa.PrimaryKeyConstraint("project", "comparison_id", "annotator_id", name="pk_showings"),
    )
    op.create_index("ix_showings_annotator", "showings", ["project", "annotator_id", "preference_id", "position"])
    op.create_table(
        "snapshot_rows",
        sa.Column("snapshot_id", sa.String(), nullable=False),
        sa.Column("preference_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["preference_id"], ["preferences.id"], name="fk_snapshot_rows_preference_id"),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"], name="fk_snapshot_rows_snapshot_id"),
        sa.PrimaryKeyConstraint("snapshot_id", "preference_id", name="pk_snapshot_rows"),
    )


def downgrade() -> None:
    """Refuse: it would delete every answer that people gave."""
    raise NotImplementedError("There is nothing before the first tables. Delete the database file instead.")
