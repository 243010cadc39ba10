"""The look of Gradio's own parts: system fonts, one accent colour, the same variables as our HTML."""

from pathlib import Path

import gradio as gr
from gradio.themes.utils import sizes

ASSETS = Path(__file__).parent / "assets"

LIGHT = {
    "bg": "#f7f7f5", "surface": "#ffffff", "text": "#1c1d1f", "muted": "#63666b", "line": "#e1e1dd",
    "accent": "#2f5fd0", "accent-text": "#ffffff", "danger": "#b3261e", "good": "#1c7a43",
}  # fmt: skip
DARK = {
    "bg": "#151618", "surface": "#1e2023", "text": "#e9e9e6", "muted": "#a2a5aa", "line": "#33363b",
    "accent": "#8aaeff", "accent-text": "#10131a", "danger": "#ff9d94", "good": "#7fd49b",
}  # fmt: skip

SANS = (
    "system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Helvetica Neue", "Noto Sans SC", "PingFang SC",
    "Microsoft YaHei", "sans-serif",
)  # fmt: skip
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "Noto Sans Mono", "monospace")


class StudioTheme(gr.themes.Base):  # type: ignore[misc]
    """Maps Gradio's variables onto --rs-*; theme.css travels inside Gradio's own style sheet.

    The page's background is given as plain colours too: Gradio paints it before any style sheet.
    """

    def __init__(self) -> None:
        super().__init__(
            font=SANS, font_mono=MONO, radius_size=sizes.radius_md, spacing_size=sizes.spacing_md,
            text_size=sizes.text_md,
        )  # fmt: skip
        self.name = "studio"
        self.custom_css = "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in ("theme.css", "pages.css"))
        super().set(
            body_background_fill=LIGHT["bg"],
            body_background_fill_dark=DARK["bg"],
            body_text_color=LIGHT["text"],
            body_text_color_dark=DARK["text"],
            **{f"{name}{mode}": value for name, value in _MAPPED.items() for mode in ("", "_dark")},
            **_PLAIN,
        )


_MAPPED = {
    "body_text_color_subdued": "var(--rs-muted)",
    "background_fill_primary": "var(--rs-surface)",
    "background_fill_secondary": "var(--rs-bg)",
    "border_color_primary": "var(--rs-line)",
    "border_color_accent": "var(--rs-accent)",
    "color_accent_soft": "var(--rs-tint)",
    "link_text_color": "var(--rs-accent)",
    "link_text_color_hover": "var(--rs-accent)",
    "link_text_color_active": "var(--rs-accent)",
    "link_text_color_visited": "var(--rs-accent)",
    "block_background_fill": "var(--rs-surface)",
    "block_border_color": "var(--rs-line)",
    "block_label_text_color": "var(--rs-muted)",
    "block_title_text_color": "var(--rs-text)",
    "input_background_fill": "var(--rs-surface)",
    "input_border_color": "var(--rs-line)",
    "input_border_color_focus": "var(--rs-accent)",
    "button_primary_background_fill": "var(--rs-accent)",
    "button_primary_background_fill_hover": "var(--rs-accent)",
    "button_primary_text_color": "var(--rs-accent-text)",
    "button_secondary_background_fill": "var(--rs-surface)",
    "button_secondary_background_fill_hover": "var(--rs-surface)",
    "button_secondary_border_color": "var(--rs-line)",
    "button_secondary_text_color": "var(--rs-text)",
    "error_text_color": "var(--rs-danger)",
    "error_border_color": "var(--rs-danger)",
    "error_background_fill": "var(--rs-surface)",
}
_PLAIN = {"color_accent": "var(--rs-accent)", "loader_color": "var(--rs-accent)", "layout_gap": "0px"}

THEME = StudioTheme()
