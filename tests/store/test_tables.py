from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import sqlite

from rlhf_studio.store.tables import UtcDateTime


def test_time_is_kept_in_utc() -> None:
    noon_in_tokyo = datetime(2026, 1, 2, 12, tzinfo=timezone(timedelta(hours=9)))
    stored = UtcDateTime().process_bind_param(noon_in_tokyo, sqlite.dialect())
    assert stored is not None
    assert stored.isoformat() == "2026-01-02T03:00:00+00:00"
    read = UtcDateTime().process_result_value(stored.replace(tzinfo=None), sqlite.dialect())
    assert read == noon_in_tokyo
    assert read.tzinfo is UTC


def test_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 2), sqlite.dialect())
