"""Comparisons, the preferences that people give on them, and the frozen sets that runs train on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from rlhf_studio.core.completions import Completion
from rlhf_studio.core.prompts import Prompt

Choice = Literal["a", "b", "tie", "both_bad", "skip"]
Answer = Literal["left", "right", "tie", "both_bad", "skip"]
ShownOrder = Literal["ab", "ba"]
AnnotatorKind = Literal["human", "judge", "simulated"]
ComparisonSource = Literal["starter", "generated", "imported", "arena"]

_OTHER_SIDE: dict[Choice, Choice] = {"a": "b", "b": "a"}


@dataclass(frozen=True, slots=True)
class Annotator:
    """Who answers. Only `human` annotators are people; the other kinds are always marked."""

    id: str
    name: str
    kind: AnnotatorKind = "human"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two completions of one prompt, A and B. Which stands on which side is drawn when shown."""

    id: str
    prompt: Prompt
    completion_a: Completion
    completion_b: Completion
    source: ComparisonSource = "generated"

    def swap(self) -> "Comparison":
        """Return the same comparison with A and B exchanged."""
        return replace(self, completion_a=self.completion_b, completion_b=self.completion_a)


@dataclass(frozen=True, slots=True)
class Showing:
    """A comparison as one annotator sees it; `shown_order` "ba" puts B on the left."""

    comparison: Comparison
    annotator_id: str
    shown_order: ShownOrder

    @property
    def left(self) -> Completion:
        return self.comparison.completion_a if self.shown_order == "ab" else self.comparison.completion_b

    @property
    def right(self) -> Completion:
        return self.comparison.completion_b if self.shown_order == "ab" else self.comparison.completion_a


@dataclass(frozen=True, slots=True)
class Preference:
    """One answer of one annotator, as stored: append-only.

    A row that `supersedes` another replaces it; a row without `choice` takes the superseded
    answer back (undo). `key` is drawn by the sender and makes a repeated send harmless.
    """

    id: int
    key: str
    comparison_id: str
    annotator_id: str
    choice: Choice | None
    shown_order: ShownOrder
    milliseconds: int | None
    created_at: datetime
    supersedes: int | None = None
    strength: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """A preference as reward-model training reads it."""

    prompt: Prompt
    chosen: Completion
    rejected: Completion
    preference_id: int
    annotator_id: str


@dataclass(frozen=True, slots=True)
class PreferenceSnapshot:
    """The frozen set of preferences that a run trained on; `sha256` is over its rows."""

    id: str
    sha256: str
    query: Mapping[str, Any]
    preference_ids: tuple[int, ...] = field(default=())


def choice_of(answer: Answer, shown_order: ShownOrder) -> Choice:
    """Translate what was pressed on the page into A or B by the order the server stored."""
    if answer == "left":
        return "a" if shown_order == "ab" else "b"
    if answer == "right":
        return "b" if shown_order == "ab" else "a"
    return answer


def other_side(choice: Choice) -> Choice:
    """Return the choice that the same opinion becomes after `Comparison.swap`."""
    return _OTHER_SIDE.get(choice, choice)
