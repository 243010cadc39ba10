from pathlib import Path

import pytest

from rlhf_studio.core.settings import settings_from_environment, starter_content_dir


def test_home_and_database_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RLHF_STUDIO_HOME", str(tmp_path))
    monkeypatch.delenv("RLHF_STUDIO_DATABASE_URL", raising=False)
    settings = settings_from_environment()
    assert settings.home == tmp_path
    assert settings.database_url == f"sqlite:///{tmp_path}/studio.db"
    monkeypatch.setenv("RLHF_STUDIO_DATABASE_URL", "postgresql://somewhere/studio")
    assert settings_from_environment().database_url == "postgresql://somewhere/studio"


def test_the_starter_content_is_found() -> None:
    assert (starter_content_dir() / "prompts" / "en.jsonl").is_file()
