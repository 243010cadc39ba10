"""Rewards by rule, in TRL's calling convention."""

from collections.abc import Callable, Sequence
from typing import Any

from rlhf_studio.rewards.names import RULES

RewardFunction = Callable[..., list[float | None]]

_SHORT_WORDS, _LONG_WORDS = 20, 80


def text_of(completion: Any) -> str:
    """Return the text of a completion, given as a string or as messages."""
    return completion if isinstance(completion, str) else str(completion[-1]["content"])


def short(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float | None]:
    """Give 1 for up to 20 words, falling in a straight line to 0 at 80 words."""
    words = [len(text_of(c).split()) for c in completions]
    return [min(1.0, max(0.0, (_LONG_WORDS - n) / (_LONG_WORDS - _SHORT_WORDS))) for n in words]


def finished(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float | None]:
    """Give 1 for an answer that ends with a full stop, question mark or exclamation mark, else 0."""
    return [1.0 if text_of(c).rstrip().endswith((".", "!", "?", "。", "！", "？")) else 0.0 for c in completions]


RULE_FUNCTIONS: dict[str, RewardFunction] = {"short": short, "finished": finished}
assert RULE_FUNCTIONS.keys() == RULES.keys()
