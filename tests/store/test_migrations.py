from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from rlhf_studio.store import Store
from rlhf_studio.store.migrate import HEAD, MIGRATIONS
from rlhf_studio.store.tables import metadata


def test_migrations_make_the_declared_tables(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'studio.db'}")
    with store._database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    store.close()


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_no_migration_imports_the_tables() -> None:
    for script in (MIGRATIONS / "versions").glob("*.py"):
        assert "rlhf_studio.store" not in script.read_text().split("revision =")[0].partition('"""\n')[2]
