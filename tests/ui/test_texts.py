import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import rlhf_studio.ui
from rlhf_studio.core.config import CONFIGS, knobs
from rlhf_studio.rewards.names import RULES
from rlhf_studio.ui import charts, circle, compare, data, forms, header, run_view, train
from rlhf_studio.ui.chinese import CHINESE
from rlhf_studio.ui.texts import Texts, language_of

UI = Path(rlhf_studio.ui.__file__).parent


@pytest.mark.parametrize(
    ("header", "language"),
    [
        *(("", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-US,en;q=0.9,zh;q=0.8", "en"), ("de,fr;q=0.8", "en")),
        *(("de, zh-TW;q=0.7, en;q=0.3", "zh"), ("zh;q=nonsense,en", "en")),
    ],
)
def test_the_language_is_the_one_the_browser_likes_better(header: str, language: str) -> None:
    assert language_of({"accept-language": header}) == language


def test_a_text_without_translation_stays_english() -> None:
    assert Texts("zh")("Something that a library says.") == "Something that a library says."
    assert Texts("zh")("{n} votes", n=3) == "3 票"
    assert Texts("en").count(1, "{n} vote", "{n} votes") == "1 vote"


def said_in_code() -> Iterator[str]:
    """Every literal in a call of a translation: t("…"), t.count(…), both("…")."""
    for path in UI.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in ("t", "both", "count"):
                    constants = [c for argument in node.args for c in ast.walk(argument) if isinstance(c, ast.Constant)]
                    yield from (c.value for c in constants if isinstance(c.value, str))


def said_in_tables() -> Iterator[str]:
    yield from (*forms.LABELS.values(), *run_view.KINDS.values(), *run_view.STATUS.values(), *RULES.values())
    yield from (text for metric in (charts.METRICS | charts.MORE).values() for text in (metric.name, metric.meaning))
    yield from (name for _, name in (*header.LINKS, *train._TABS))
    yield from (*train._BUTTONS.values(), *data._KINDS.values(), *data._WHO.values(), *data._ANSWERS.values())
    yield from (*circle._REASONS.values(), *run_view._RESULTS.values(), *(text for text, _ in run_view._NEXT.values()))
    yield from (*(text for _, text, _ in forms._MENDS), *forms._MODELS.values(), compare.TICK_TWO, compare.ONLY_ONE)


def said_by_knobs() -> Iterator[str]:
    for kind in CONFIGS.keys() - {"generate"}:
        for name, field in knobs(kind).items():
            if name != "models":
                assert field.description
                yield field.description


def test_every_text_has_its_chinese() -> None:
    texts = {*said_in_code(), *said_in_tables(), *said_by_knobs()} - {""}
    assert not texts - CHINESE.keys()


def test_translations_keep_the_places_that_are_filled_in() -> None:
    for english, chinese in CHINESE.items():
        assert places(english) == places(chinese), english


def places(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}
