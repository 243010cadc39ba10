"""The registry of models."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rlhf_studio.core.errors import Conflict, InvalidInput
from rlhf_studio.core.models import STARTER_ID, ModelKind, ModelRecord
from rlhf_studio.core.settings import Settings
from rlhf_studio.models.directory import check_model_directory
from rlhf_studio.models.hub import fetch_from_hub
from rlhf_studio.models.starter import ensure_starter
from rlhf_studio.store import Store

STARTER_NOTE = "SmolLM2-135M-Instruct, dequantised from 4-bit Q4_1"


class ModelService:
    """Add, list and remove models."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store

    def add(
        self, source: str, *, name: str | None = None, report: Callable[[str], None] = lambda line: None
    ) -> ModelRecord:
        """Register a base model: `starter`, a directory, or a Hugging Face id. A repeat changes nothing.

        Raises InvalidInput for a directory that cannot be used and Unavailable without a network.
        """
        if source == STARTER_ID:
            path, model_id, note = ensure_starter(self._settings.models_dir, report), STARTER_ID, STARTER_NOTE
        elif (path := Path(source).expanduser().absolute()).is_dir():
            model_id, note = name or path.name, ""
        elif source.startswith((".", "/", "~")):
            raise InvalidInput(f"There is no directory {source}.")
        else:
            path, model_id, note = fetch_from_hub(source, self._settings.models_dir), name or source, source
        check_model_directory(path)
        known = {m.id: m for m in self._store.models.all()}
        if model_id in known:
            if known[model_id].path != path:
                raise Conflict(f"There is another model {model_id!r} already. Choose another name with --name.")
            return known[model_id]
        record = ModelRecord(model_id, "base", path, datetime.now(UTC), note=note)
        self._store.models.add(record)
        return record

    def all(self, *, kind: ModelKind | None = None, project: str | None = None) -> list[ModelRecord]:
        """Return the models, oldest first. With a project: its own, and the bases."""
        models = self._store.models.all(kind=kind)
        return [m for m in models if project is None or m.project in (None, project)]

    def get(self, model_id: str) -> ModelRecord:
        """Return one model; NotFound says which there are."""
        return self._store.models.get(model_id)

    def remove(self, model_id: str) -> None:
        """Forget a model that nothing depends on, and delete its files where the studio made them.

        Raises Conflict with the models that depend on it.
        """
        record = self.get(model_id)
        dependent = [m.id for m in self._store.models.all() if model_id in (m.base_id, m.parent_id)]
        if dependent:
            raise Conflict(f"{model_id} is what {', '.join(dependent)} rest on. Remove those first.")
        self._store.models.remove(model_id)
        if record.path.is_relative_to(self._settings.home):
            shutil.rmtree(record.path, ignore_errors=True)
