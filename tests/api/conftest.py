"""The label service in memory: the same shape as `rlhf_studio.studio.labels`, for tests of the routes."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from rlhf_studio.core.completions import Completion, Sampling
from rlhf_studio.core.errors import Conflict, InvalidInput, NotFound
from rlhf_studio.core.preferences import Annotator, Answer, Comparison, Preference, Showing, choice_of
from rlhf_studio.core.prompts import user_prompt


@dataclass(frozen=True)
class Receipt:
    preference: Preference
    stored: bool


@dataclass(frozen=True)
class Progress:
    today: int
    total: int
    waiting: int
    generating: bool


class FakeLabels:
    """Shows every second pair in the order "ba"; knows one project, "default"."""

    def __init__(self, pairs: Collection[tuple[str, str, str]], *, generating: bool = False) -> None:
        self.generating = generating
        self.rows: list[Preference] = []
        self.undone: set[str] = set()
        self.showings: dict[str, Showing] = {}
        for i, (text, a, b) in enumerate(pairs):
            prompt = user_prompt(text)
            left = Completion(f"secret-completion-{i}-a", prompt.id, a, "secret-model", Sampling(), 1)
            right = replace(left, id=f"secret-completion-{i}-b", text=b, model_id="secret-other-model")
            comparison = Comparison(f"pair{i:03}", prompt, left, right, "starter")
            self.showings[comparison.id] = Showing(comparison, "local", "ba" if i % 2 else "ab")

    def local_annotator(self) -> Annotator:
        return Annotator("local", "You")

    def _open(self) -> list[Showing]:
        answered = {row.comparison_id for row in self.current()}
        return [showing for id, showing in self.showings.items() if id not in answered]

    def current(self) -> list[Preference]:
        return [row for row in self.rows if row.key not in self.undone]

    def _check(self, project: str) -> None:
        if project != "default":
            raise NotFound(f"There is no project {project!r}.")

    def pairs(
        self, project: str, annotator_id: str, count: int, have: Collection[str] = (), source: str | None = None
    ) -> list[Showing]:
        self._check(project)
        wanted = [s for s in self._open() if source is None or s.comparison.source == source]
        return [showing for showing in wanted if showing.comparison.id not in have][:count]

    def vote(
        self, project: str, annotator_id: str, *, key: str, comparison_id: str, answer: Answer, milliseconds: int | None
    ) -> Receipt:
        self._check(project)
        for row in self.rows:
            if row.key == key:
                return Receipt(row, False)
        if comparison_id not in self.showings:
            raise NotFound(f"There is no comparison {comparison_id!r}.")
        if any(row.comparison_id == comparison_id for row in self.current()):
            raise Conflict("This pair has your answer already.")
        order = self.showings[comparison_id].shown_order
        now = datetime.now(UTC)
        row = Preference(
            len(self.rows) + 1, key, comparison_id, annotator_id, choice_of(answer, order), order, milliseconds, now
        )
        self.rows.append(row)
        return Receipt(row, True)

    def undo(self, project: str, annotator_id: str, *, key: str, vote_key: str | None = None) -> Showing:
        self._check(project)
        current = self.current()
        row = next((row for row in self.rows if row.key == vote_key), current[-1] if not vote_key and current else None)
        if row is None:
            raise InvalidInput("There is no vote to take back.")
        self.undone.add(row.key)
        return self.showings[row.comparison_id]

    def progress(self, project: str, annotator_id: str) -> Progress:
        self._check(project)
        votes = len(self.current())
        return Progress(votes, votes, len(self._open()), self.generating)


@pytest.fixture
def labels() -> FakeLabels:
    return FakeLabels([(f"Question {i}?", f"**First** answer {i}", f"Second answer {i}") for i in range(8)])


@pytest.fixture
def studio(labels: FakeLabels) -> SimpleNamespace:
    return SimpleNamespace(labels=labels)
