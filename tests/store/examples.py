"""Small prompts, comparisons and annotators to store."""

from datetime import UTC, datetime
from pathlib import Path

from rlhf_studio.core.completions import Completion, Sampling
from rlhf_studio.core.models import ModelRecord
from rlhf_studio.core.preferences import Annotator, Choice, Comparison, ComparisonSource
from rlhf_studio.core.prompts import Message, Prompt, Split
from rlhf_studio.store import Store

ANA = Annotator("ana", "Ana")
BO = Annotator("bo", "Bo")
ROBOT = Annotator("robot", "Robot", "simulated")


def prompt(number: int, split: Split = "train") -> Prompt:
    messages = (Message("system", "Be kind."), Message("user", f"Frage {number} — 问题?"))
    return Prompt(f"p{number}", messages, split, "demo", {"answer": number})


def comparison(number: int, source: ComparisonSource = "generated", split: Split = "train") -> Comparison:
    asked = prompt(number, split)
    sampled = Completion(f"c{number}a", asked.id, f"good {number}", "starter", Sampling(0.5, 0.9, 8), 2**40, True)
    imported = Completion(f"c{number}b", asked.id, f"bad {number}")
    return Comparison(f"x{number}", asked, sampled, imported, source)


def model(name: str, **changes: object) -> ModelRecord:
    values = {"id": name, "kind": "policy", "path": Path("/models") / name, "created_at": datetime.now(UTC)}
    return ModelRecord(**(values | changes))  # type: ignore[arg-type]


def fill(store: Store, count: int = 4) -> None:
    """Store `count` open comparisons in the project "demo", and three annotators."""
    for annotator in (ANA, BO, ROBOT):
        store.annotators.ensure(annotator)
    store.comparisons.add("demo", [comparison(number) for number in range(count)])


def show_and_vote(store: Store, annotator: Annotator, key: str, choice: Choice = "a") -> str:
    """Vote on the next comparison and return its id."""
    (showing,) = store.preferences.show("demo", annotator.id, 1, draw=lambda: "ab")
    store.preferences.add(
        "demo", key=key, comparison_id=showing.comparison.id, annotator_id=annotator.id, choice=choice
    )
    return showing.comparison.id
