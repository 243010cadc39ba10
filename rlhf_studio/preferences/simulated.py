"""Simulated annotators: a taste written as a rule, and noise.

They stand in for people in demos, tests and studies, are always marked as simulated, and
never mix with people's preferences unless asked for by name.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from rlhf_studio.core.errors import InvalidInput, NotFound
from rlhf_studio.core.preferences import Annotator, Choice, Comparison, other_side

_LIST_ITEM = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s", re.MULTILINE)
_SENTENCE_END = (".", "!", "?", '"', ")", "。", "！", "？")


@dataclass(frozen=True, slots=True)
class Taste:
    """What an annotator likes: `score` is higher for the better text.

    Scores that lie no further apart than `indifference` are a tie: nobody counts single words.
    """

    name: str
    description: str
    score: Callable[[str], float]
    indifference: float = 0.0

    def advantage(self, text: str, other: str) -> float:
        """Return how much better `text` is than `other`: 0 for a tie, negative when it is worse."""
        difference = self.score(text) - self.score(other)
        return 0.0 if abs(difference) <= self.indifference else difference


def _concise(text: str) -> float:
    finished = text.rstrip().endswith(_SENTENCE_END)
    return (2.0 if finished else 0.0) - len(text.split()) / 20 - 0.5 * bool(_LIST_ITEM.search(text))


def _warm(text: str) -> float:
    words = re.findall(r"[\w']+", text.lower())
    you = sum(word in ("you", "your", "you're", "you'll") for word in words)
    return 2.0 * text.rstrip().endswith(("!", "?")) + min(you, 3) - len(words) / 40


TASTES: dict[str, Taste] = {
    taste.name: taste
    for taste in (
        Taste(
            "concise",
            "An answer that comes to its end within the limit is worth 2 points, every 20 words cost 1, "
            "a list costs 0.5. Less than 0.3 apart is a tie.",
            _concise,
            indifference=0.3,
        ),
        Taste("warm", "Ends with ! or ? (2 points), says you (up to 3 points), every 40 words cost 1.", _warm),
    )
}


@dataclass(frozen=True, slots=True)
class SimulatedAnnotator:
    """Answers by a taste, and with probability `noise` says the opposite of what it likes."""

    taste: Taste
    noise: float = 0.0
    seed: int = 0

    @property
    def annotator(self) -> Annotator:
        name = f"{self.taste.name}, {self.noise:.0%} noise, seed {self.seed}"
        return Annotator(f"simulated:{self.taste.name}:{self.noise:g}:{self.seed}", name, "simulated")

    def answer(self, comparison: Comparison) -> Choice:
        """Answer one comparison; the same one always gets the same answer."""
        advantage = self.taste.advantage(comparison.completion_a.text, comparison.completion_b.text)
        if advantage == 0:
            return "tie"
        better: Choice = "a" if advantage > 0 else "b"
        flips = random.Random(f"{self.seed} {comparison.id}").random() < self.noise
        return other_side(better) if flips else better


def taste_named(name: str) -> Taste:
    """Return a built-in taste; NotFound says which there are."""
    if name not in TASTES:
        raise NotFound(f"There is no simulated taste {name!r}. Choose one of: {', '.join(TASTES)}.")
    return TASTES[name]


def simulated_annotator(spec: str) -> SimulatedAnnotator:
    """Read `simulated:TASTE[:NOISE[:SEED]]`; InvalidInput says what is wrong with it."""
    kind, _, rest = spec.partition(":")
    name, _, more = rest.partition(":")
    noise_text, _, seed_text = more.partition(":")
    if kind != "simulated" or not name:
        raise InvalidInput(f"{spec!r} is no annotator. Write simulated:TASTE, with a taste of: {', '.join(TASTES)}.")
    try:
        noise, seed = float(noise_text or 0), int(seed_text or 0)
    except ValueError as error:
        raise InvalidInput(f"{spec!r}: NOISE is a share from 0 to 0.5, SEED a whole number.") from error
    if not 0 <= noise <= 0.5:
        raise InvalidInput(f"{spec!r}: NOISE is a share from 0 to 0.5.")
    return SimulatedAnnotator(taste_named(name), noise, seed)
