"""Run migrations on the connection, and in the transaction, that `rlhf_studio.store.migrate` holds."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
