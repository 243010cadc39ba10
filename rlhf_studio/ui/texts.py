"""The texts of the pages: English stands in the code, its Chinese in one table (`chinese.py`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import gradio as gr

from rlhf_studio.ui.chinese import CHINESE

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Texts:
    """Call it with an English text to get that text in the reader's language.

    A text without a translation stays English: what services and libraries say is never lost.
    """

    language: Language = "en"

    def __call__(self, english: str, /, **values: object) -> str:
        text = CHINESE.get(english, english) if self.language == "zh" else english
        return text.format(**values) if values else text

    def count(self, n: int, one: str, many: str) -> str:
        """Return `one` or `many` with `{n}` filled in."""
        return self(one if n == 1 else many, n=f"{n:,}")


def texts_for(request: gr.Request | None) -> Texts:
    """Choose the language that the browser asks for first."""
    return Texts(language_of(request.headers if request is not None else {}))


def language_of(headers: Mapping[str, str]) -> Language:
    """Read Accept-Language: the better placed of English and Chinese, English without either."""
    weighed: list[tuple[float, Language]] = []
    for part in headers.get("accept-language", "").lower().split(","):
        tag, _, quality = part.strip().partition(";q=")
        if tag.startswith(("en", "zh")):
            weighed.append((_quality(quality), "zh" if tag.startswith("zh") else "en"))
    return max(weighed, key=lambda pair: pair[0])[1] if weighed else "en"


def _quality(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
