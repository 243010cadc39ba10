"""Sending only what changed: a page keeps a short mark of each part that it shows."""

import hashlib
from collections.abc import Sequence

import gradio as gr


def mark(html: str) -> str:
    """Return a short mark of a part's content."""
    return hashlib.blake2s(html.encode(), digest_size=6).hexdigest()


def changed(parts: Sequence[str], marks: str) -> tuple[list[object], str]:
    """Return each part, or `gr.skip()` where the page shows it already, and the new marks."""
    before = marks.split()
    now = [mark(part) for part in parts]
    same = [i < len(before) and before[i] == m for i, m in enumerate(now)]
    return [gr.skip() if s else str(part) for part, s in zip(parts, same, strict=True)], " ".join(now)
