"""Labelling: pairs to answer, votes, undo, progress."""

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.core.preferences import Annotator, Answer, ComparisonSource, Preference, Showing, ShownOrder, choice_of
from rlhf_studio.store import Store

LOCAL_ANNOTATOR = Annotator("local", "You", "human")
_MAX_PAIRS = 50
_draw = random.SystemRandom()


def draw_order() -> ShownOrder:
    """Draw which completion stands on the left."""
    return _draw.choice(("ab", "ba"))


@dataclass(frozen=True, slots=True)
class VoteReceipt:
    """The stored answer; `stored` is false when this very vote had been stored before."""

    preference: Preference
    stored: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """Answers of one annotator today and in all, open pairs, and whether new ones are being made."""

    today: int
    total: int
    waiting: int
    generating: bool


class LabelService:
    """What the label page does. The server draws the sides and trusts none that a page sends."""

    def __init__(self, store: Store, *, wanted: Callable[[str], bool]) -> None:
        """`wanted` is told that somebody labels in a project, and says whether fresh pairs are being made."""
        self._store = store
        self._wanted = wanted

    def local_annotator(self) -> Annotator:
        """Return the one person of a studio without accounts."""
        return self._store.annotators.ensure(LOCAL_ANNOTATOR)

    def pairs(
        self,
        project: str,
        annotator_id: str,
        count: int,
        have: Collection[str] = (),
        source: ComparisonSource | None = None,
    ) -> list[Showing]:
        """Return pairs to answer, of one source or of all.

        Unanswered ones that were shown before come first, with the same sides.
        """
        if not 1 <= count <= _MAX_PAIRS:
            raise InvalidInput(f"Ask for 1 to {_MAX_PAIRS} pairs at a time, not {count}.")
        self._wanted(project)
        return self._store.preferences.show(project, annotator_id, count, exclude=have, draw=draw_order, source=source)

    def vote(
        self, project: str, annotator_id: str, *, key: str, comparison_id: str, answer: Answer, milliseconds: int | None
    ) -> VoteReceipt:
        """Store an answer once, whatever is sent twice."""
        showing = self._store.preferences.showing(project, annotator_id, comparison_id)
        choice = choice_of(answer, showing.shown_order if showing else "ab")
        preference, stored = self._store.preferences.add(
            project, key=key, comparison_id=comparison_id, annotator_id=annotator_id, choice=choice,
            milliseconds=milliseconds,
        )  # fmt: skip
        return VoteReceipt(preference, stored)

    def undo(self, project: str, annotator_id: str, *, key: str, vote_key: str | None = None) -> Showing:
        """Take an answer back (the latest without `vote_key`) and return its pair to be answered again."""
        preference, comparison = self._store.preferences.retract(project, annotator_id, key=key, vote_key=vote_key)
        return Showing(comparison, annotator_id, preference.shown_order)

    def progress(self, project: str, annotator_id: str) -> Progress:
        """Return how far this annotator and the project are."""
        midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
        counts = self._store.preferences.counts
        return Progress(
            today=sum(counts(project, annotator_id=annotator_id, since=midnight).values()),
            total=sum(counts(project, annotator_id=annotator_id).values()),
            waiting=self._store.comparisons.count_waiting(project),
            generating=self._wanted(project),
        )
