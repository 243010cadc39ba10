"""Where this studio keeps its things."""

import os
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_dir

DEFAULT_PROJECT = "default"


@dataclass(frozen=True, slots=True)
class Settings:
    """Folders and the database of one studio."""

    home: Path
    database_url: str

    @property
    def models_dir(self) -> Path:
        return self.home / "models"

    @property
    def runs_dir(self) -> Path:
        return self.home / "runs"

    @property
    def exports_dir(self) -> Path:
        return self.home / "exports"


def settings_for(home: Path) -> Settings:
    """Return the settings of a studio in `home`, with its own SQLite file."""
    return Settings(home=home, database_url=f"sqlite:///{home / 'studio.db'}")


def settings_from_environment() -> Settings:
    """Read RLHF_STUDIO_HOME and RLHF_STUDIO_DATABASE_URL; both have defaults."""
    home = Path(os.environ.get("RLHF_STUDIO_HOME") or user_data_dir("rlhf-studio", appauthor=False)).expanduser()
    settings = settings_for(home.absolute())
    url = os.environ.get("RLHF_STUDIO_DATABASE_URL")
    return Settings(settings.home, url) if url else settings


def starter_content_dir() -> Path:
    """Return the folder of the starter prompts and comparisons (in the clone, or in the wheel)."""
    package = Path(__file__).resolve().parent.parent
    in_wheel = package / "data"
    return in_wheel if in_wheel.is_dir() else package.parent / "data"
