"""Completions: what a policy answered, and how it was sampled."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sampling:
    """How completions are drawn. `max_new_tokens` counts tokens, the end mark included."""

    temperature: float = 0.8
    top_p: float = 0.95
    max_new_tokens: int = 96


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer to a prompt.

    `truncated` is true when the token limit cut it off before the model ended it.
    `model_id` and `sampling` are None for text that was imported.
    """

    id: str
    prompt_id: str
    text: str
    model_id: str | None = None
    sampling: Sampling | None = None
    seed: int | None = None
    truncated: bool = False
