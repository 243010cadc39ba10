"""Prompts: what a policy is asked."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["system", "user", "assistant"]
Split = Literal["train", "eval"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation that ends with the user's turn.

    `columns` holds what rewards by rule need (`answer`, ...); `split` says whether training
    may see the prompt: a prompt of the eval split is only ever used to measure.
    """

    id: str
    messages: tuple[Message, ...]
    split: Split = "train"
    category: str = ""
    columns: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The last user turn, for lists and tables."""
        return self.messages[-1].content


def prompt_id(messages: Sequence[Message]) -> str:
    """Return the id that these messages always get, so that a repeated import makes no double."""
    content = json.dumps([[m.role, m.content] for m in messages], ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def user_prompt(text: str, *, split: Split = "train", category: str = "") -> Prompt:
    """Make a prompt of a single user turn."""
    messages = (Message("user", text),)
    return Prompt(prompt_id(messages), messages, split, category)
