"""Preferences out of the studio, in TRL's conversational preference format."""

import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rlhf_studio.core.errors import Unavailable
from rlhf_studio.core.preferences import Comparison, Preference


def trl_rows(preferences: Iterable[tuple[Preference, Comparison]]) -> list[dict[str, Any]]:
    """Return one row with `prompt`, `chosen`, `rejected` (lists of messages) for each answer with a side."""
    rows = []
    for preference, comparison in preferences:
        if preference.choice not in ("a", "b"):
            continue
        ordered = comparison if preference.choice == "a" else comparison.swap()
        rows.append({
            "prompt": [{"role": m.role, "content": m.content} for m in comparison.prompt.messages],
            "chosen": [{"role": "assistant", "content": ordered.completion_a.text}],
            "rejected": [{"role": "assistant", "content": ordered.completion_b.text}],
        })  # fmt: skip
    return rows


def write_jsonl(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows to `path`, whole or not at all; Unavailable when the disk will not take them."""
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="utf-8", delete=False) as file:
            temporary = file.name
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise Unavailable(f"{path} could not be written: {error.strerror}.") from error
