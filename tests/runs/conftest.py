"""A studio on a home of its own with a tiny model under the starter's name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rlhf_studio.core.completions import Completion
from rlhf_studio.core.preferences import Annotator, Comparison
from rlhf_studio.core.prompts import user_prompt
from rlhf_studio.core.settings import settings_for
from rlhf_studio.store import NewPreference
from rlhf_studio.studio import Studio
from tests.tiny import tiny_model


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    tiny_model(tmp_path / "tiny")
    studio = Studio(settings_for(tmp_path / "home"))
    studio.models.add(str(tmp_path / "tiny"), name="starter")
    studio.open_project("p")
    prompts = [user_prompt(f"Say something about number {n}") for n in range(40)]
    held_out = [user_prompt(f"Tell me about letter {n}", split="eval") for n in range(8)]
    studio.store.prompts.add("p", [*prompts, *held_out])
    yield studio
    studio.close()


def vote(studio: Studio, choices: str, *, kind: str = "human") -> None:
    """Add one comparison for each letter of `choices` (a, b or t for a tie) and answer it so."""
    who = studio.store.annotators.ensure(Annotator(f"{kind}-1", kind, kind))  # type: ignore[arg-type]
    prompts = studio.store.prompts.find("p", split="train")
    comparisons, answers = [], []
    for number, letter in enumerate(choices):
        prompt = prompts[number % len(prompts)]
        good, bad = (
            Completion(f"{kind}{side}{number}", prompt.id, f"the sea {number} {end}")
            for side, end in (("x", "thank you."), ("y", "the sky"))
        )
        a, b = (good, bad) if letter != "b" else (bad, good)
        comparisons.append(Comparison(f"{kind}{number}", prompt, a, b))
        choice = {"a": "a", "b": "b", "t": "tie"}[letter]
        answers.append(NewPreference(f"{kind}-key-{number}", f"{kind}{number}", who.id, choice, "ab"))  # type: ignore[arg-type]
    studio.store.comparisons.add("p", comparisons)
    studio.store.preferences.add_shown("p", answers)
