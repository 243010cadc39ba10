import re

import pytest

from rlhf_studio.ui.theme import ASSETS, DARK, LIGHT, THEME

CSS = (ASSETS / "theme.css").read_text(encoding="utf-8")
OURS = ("theme.css", "pages.css", "pages.js", "bridge.js")


def block(start: str) -> dict[str, str]:
    inside = CSS.split(start, 1)[1].split("}", 1)[0]
    return dict(re.findall(r"--rs-([\w-]+): (#\w+);", inside))


@pytest.mark.parametrize(
    ("start", "colours"),
    [(":root {", LIGHT), (':root:not([data-theme="light"]) {', DARK), (':root[data-theme="dark"] {', DARK)],
)
def test_the_style_sheet_has_the_colours_of_the_theme(start: str, colours: dict[str, str]) -> None:
    assert block(start).items() >= colours.items()


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_text_is_readable_on_every_ground(colours: dict[str, str]) -> None:
    for text in ("text", "muted", "accent", "danger", "good"):
        for ground in ("bg", "surface"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    assert contrast(colours["accent-text"], colours["accent"]) >= 4.5


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_nothing_comes_from_another_host() -> None:
    for name in OURS:
        assert not re.search(r"https?://|@import|@font-face", (ASSETS / name).read_text(encoding="utf-8")), name
    assert not THEME._stylesheets and "@font-face" not in THEME._get_theme_css()


def test_our_style_sheet_travels_in_gradios() -> None:
    assert "--rs-accent" in THEME._get_theme_css() and ".rs-circle" in THEME._get_theme_css()
