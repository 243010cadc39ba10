"""What a row of an imported file means: a prompt, a pair to vote on, or a preference.

Recognised by its columns: `prompt` alone; `prompt`, `a`, `b`; `prompt`, `chosen`, `rejected`
(TRL's preference format, plain strings or lists of messages). Ids come from the content, so
that a repeated import makes no doubles.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

from rlhf_studio.core.completions import Completion
from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.core.preferences import Comparison
from rlhf_studio.core.prompts import Message, Prompt, Role, Split, prompt_id
from rlhf_studio.preferences.files import Row

FileKind = Literal["prompts", "comparisons", "preferences"]
_PAIR_COLUMNS: dict[FileKind, tuple[str, str]] = {"comparisons": ("a", "b"), "preferences": ("chosen", "rejected")}
_OWN_COLUMNS = frozenset({"prompt", "split", "category", "a", "b", "chosen", "rejected"})


def recognise(name: str, rows: Sequence[Row]) -> FileKind:
    """Say what the file holds, by the columns of its first row."""
    columns = rows[0].values.keys()
    if "prompt" in columns:
        for kind, pair in _PAIR_COLUMNS.items():
            if all(column in columns for column in pair):
                return kind
        if not {"chosen", "rejected", "a", "b"} & columns:
            return "prompts"
    raise InvalidInput(
        f"{name}: columns {', '.join(columns)} are not known. A file holds prompt (prompts), prompt, a, b (pairs to "
        "vote on) or prompt, chosen, rejected (preferences)."
    )


def prompts_of(name: str, rows: Sequence[Row], *, too_long: Callable[[str], str | None]) -> list[Prompt]:
    """Read every row as a prompt; further columns are kept for rewards by rule.

    `too_long` says what is wrong with a text that no model could read, or None.
    """
    return [_prompt(name, row, too_long) for row in rows]


def comparisons_of(
    name: str, rows: Sequence[Row], kind: FileKind, *, too_long: Callable[[str], str | None]
) -> list[Comparison]:
    """Read every row as a comparison. Of a preference, completion A is the chosen one."""
    return [_comparison(name, row, _PAIR_COLUMNS[kind], too_long) for row in rows]


def _prompt(name: str, row: Row, too_long: Callable[[str], str | None]) -> Prompt:
    messages = _messages(name, row, "prompt", "user")
    split: Split = row.values.get("split") or "train"
    if split not in get_args(Split):
        raise InvalidInput(f'{name}, line {row.line}: split is "train" or "eval", not {split!r}.')
    problem = too_long("\n".join(m.content for m in messages))
    if problem:
        raise InvalidInput(f"{name}, line {row.line}: {problem}")
    columns = {key: value for key, value in row.values.items() if key not in _OWN_COLUMNS}
    return Prompt(prompt_id(messages), messages, split, str(row.values.get("category") or ""), columns)


def _comparison(name: str, row: Row, pair: tuple[str, str], too_long: Callable[[str], str | None]) -> Comparison:
    prompt = _prompt(name, row, too_long)
    texts = [_messages(name, row, column, "assistant")[-1].content for column in pair]
    if texts[0] == texts[1]:
        raise InvalidInput(f"{name}, line {row.line}: {pair[0]} and {pair[1]} are the same text.")
    a, b = (Completion(_id(prompt.id, text), prompt.id, text) for text in texts)
    return Comparison(_id(prompt.id, *sorted(texts)), prompt, a, b, "imported")


def _messages(name: str, row: Row, column: str, role: Role) -> tuple[Message, ...]:
    value: Any = row.values.get(column)
    where = f"{name}, line {row.line}"
    if isinstance(value, str):
        value = [{"role": role, "content": value}]
    try:
        messages = tuple(Message(m["role"], m["content"]) for m in value)
    except (TypeError, KeyError) as error:
        raise InvalidInput(f"{where}: {column} must be a text or a list of role and content.") from error
    if not messages or not isinstance(messages[-1].content, str) or not messages[-1].content.strip():
        raise InvalidInput(f"{where}: the {column} is empty.")
    if any(m.role not in get_args(Role) or not isinstance(m.content, str) for m in messages):
        raise InvalidInput(f"{where}: a message's role is one of {', '.join(get_args(Role))}, its content a text.")
    if messages[-1].role != role:
        raise InvalidInput(f"{where}: the last message of {column} must be the {role}'s.")
    return messages


def _id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
