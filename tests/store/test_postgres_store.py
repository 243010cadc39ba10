"""The contract on PostgreSQL; needs psycopg and RLHF_STUDIO_TEST_POSTGRES (a URL of a server to make databases on)."""

import os
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, make_url

from rlhf_studio.core.errors import Unavailable
from rlhf_studio.store import Store
from tests.store.contract import StoreContract

SERVER = os.environ.get("RLHF_STUDIO_TEST_POSTGRES", "")

if not SERVER:
    pytest.skip("RLHF_STUDIO_TEST_POSTGRES names no server", allow_module_level=True)


class TestPostgresStore(StoreContract):
    @pytest.fixture
    def database_url(self) -> Iterator[str]:
        name = f"rlhf_studio_{uuid.uuid4().hex[:12]}"
        server = create_engine(SERVER, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        server.dispose()

    def test_server_that_is_away_is_one_clear_line(self) -> None:
        with pytest.raises(Unavailable, match="server cannot be used"):
            Store(make_url(SERVER).set(port=1).render_as_string(hide_password=False))
