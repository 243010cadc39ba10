"""Prompts and preferences in and out of a project."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.core.models import STARTER_ID
from rlhf_studio.core.preferences import Annotator, AnnotatorKind, Choice, Comparison
from rlhf_studio.core.prompts import Prompt, Split
from rlhf_studio.core.settings import Settings
from rlhf_studio.models.directory import context_length, count_tokens
from rlhf_studio.preferences.export import trl_rows, write_jsonl
from rlhf_studio.preferences.files import Row, read_rows
from rlhf_studio.preferences.formats import FileKind, comparisons_of, prompts_of, recognise
from rlhf_studio.preferences.simulated import SimulatedAnnotator
from rlhf_studio.store import NewPreference, Store

_PREVIEW_ROWS = 5
_PEOPLE: tuple[AnnotatorKind, ...] = ("human",)


@dataclass(frozen=True, slots=True)
class FilePreview:
    """What a file holds and its first rows, before anything is stored."""

    kind: FileKind
    rows: int
    columns: tuple[str, ...]
    first: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import stored; `already_there` rows were left as they are."""

    kind: FileKind
    added: int
    already_there: int


class DataService:
    """Files in and out; every import is all or nothing."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store

    def preview(self, path: Path) -> FilePreview:
        """Read a whole file and check every row, without storing anything."""
        rows = read_rows(path)
        kind = recognise(path.name, rows)
        self._parse(path.name, rows, kind)
        first = tuple({key: _cell(value) for key, value in row.values.items()} for row in rows[:_PREVIEW_ROWS])
        return FilePreview(kind, len(rows), tuple(rows[0].values), first)

    def import_file(self, project: str, path: Path) -> ImportReport:
        """Store all rows of a file, or none; rows that are there already are counted and left alone.

        Preferences of a file count as those of one person named after the file.
        """
        rows = read_rows(path)
        kind = recognise(path.name, rows)
        prompts, comparisons = self._parse(path.name, rows, kind)
        self._store.projects.ensure(project)
        if kind == "prompts":
            added = self._store.prompts.add(project, prompts)
            return ImportReport(kind, added, len(rows) - added)
        added = self._store.comparisons.add(project, comparisons)
        if kind == "preferences":
            added = self._store_choices(project, path.stem, comparisons)
        return ImportReport(kind, added, len(rows) - added)

    def export_preferences(self, project: str, path: Path, *, kinds: Iterable[AnnotatorKind] = _PEOPLE) -> int:
        """Write the preferences with a side in TRL's conversational format; return how many.

        Raises InvalidInput when there are none.
        """
        if path.suffix.lower() != ".jsonl":
            raise InvalidInput(f"{path.name}: preferences are exported as .jsonl.")
        rows = trl_rows(self._store.preferences.with_comparisons(project, kinds=kinds))
        if not rows:
            raise InvalidInput("There are no preferences with a side to export yet. Vote on some pairs first.")
        write_jsonl(path, rows)
        return len(rows)

    def prompts(
        self, project: str, *, split: Split | None = None, limit: int | None = None, offset: int = 0
    ) -> list[Prompt]:
        """Return prompts in the order in which they came."""
        return self._store.prompts.find(project, split=split, limit=limit, offset=offset)

    def votes(self, project: str) -> dict[AnnotatorKind, dict[Choice, int]]:
        """Count the answers that stand, by kind of annotator and choice."""
        return {kind: self._store.preferences.counts(project, kinds=(kind,)) for kind in get_args(AnnotatorKind)}

    def simulate(self, project: str, annotator: SimulatedAnnotator, count: int, *, split: Split = "train") -> int:
        """Let a simulated annotator answer up to `count` comparisons of a split; return how many it did."""
        me = self._store.annotators.ensure(annotator.annotator)
        done = {p.comparison_id for p in self._store.preferences.current(project, kinds=("simulated",))
                if p.annotator_id == me.id}  # fmt: skip
        waiting = [c for c in self._store.comparisons.find(project, split=split) if c.id not in done]
        answers = [
            NewPreference(f"{me.id}:{c.id}"[:200], c.id, me.id, annotator.answer(c), "ab") for c in waiting[:count]
        ]
        return self._store.preferences.add_shown(project, answers)

    def _parse(self, name: str, rows: list[Row], kind: FileKind) -> tuple[list[Prompt], list[Comparison]]:
        too_long = self._length_check()
        if kind == "prompts":
            return prompts_of(name, rows, too_long=too_long), []
        return [], comparisons_of(name, rows, kind, too_long=too_long)

    def _length_check(self) -> Callable[[str], str | None]:
        """Return a check of a prompt against the starter model's context; everything passes without one."""
        starter = next((m for m in self._store.models.all(kind="base") if m.id == STARTER_ID), None)
        if starter is None or not starter.path.is_dir():
            return lambda text: None
        path, most = starter.path, context_length(starter.path)

        def check(text: str) -> str | None:
            # A token is a character or more: only a text with more characters can be too long.
            if len(text) > most and (tokens := count_tokens(path, [text])[0]) > most:
                return f"the prompt has {tokens:,} tokens; the model reads {most:,}. Shorten it."
            return None

        return check

    def _store_choices(self, project: str, name: str, comparisons: list[Comparison]) -> int:
        """Store that A, the chosen one, was preferred; doubles within the file count once."""
        who = self._store.annotators.ensure(Annotator(f"import:{name}"[:100], f"Imported from {name}", "human"))
        # A pair may be there already with its sides the other way round: ask by text which is chosen.
        rows = {}
        for comparison in comparisons:
            there = self._store.comparisons.get(project, comparison.id)
            choice: Choice = "a" if there.completion_a.text == comparison.completion_a.text else "b"
            rows[comparison.id] = NewPreference(f"{who.id}:{comparison.id}", comparison.id, who.id, choice, "ab")
        return self._store.preferences.add_shown(project, list(rows.values()))


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:200] + "…"
