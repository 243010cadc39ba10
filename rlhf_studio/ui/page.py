"""The few Gradio parts that every page is made of."""

from pathlib import Path
from typing import Any

import gradio as gr

from rlhf_studio.ui.theme import ASSETS

FAST: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""For every event: a short call on the studio, without a queue, a spinner or a public endpoint."""

_BRIDGE = Path(ASSETS / "bridge.js").read_text(encoding="utf-8")


def body(elem_id: str, *, classes: str = "") -> gr.HTML:
    """Return a place for our own HTML; forms and buttons in it raise input, submit and click."""
    return gr.HTML(
        "", js_on_load=_BRIDGE, apply_default_css=False, padding=False, elem_id=elem_id, elem_classes=classes or None
    )


def hidden_text(elem_id: str) -> gr.Textbox:
    """Return a place for what the page has to remember between two calls; it needs no server session."""
    return gr.Textbox("", visible="hidden", elem_id=elem_id, label=elem_id)


def asked(request: gr.Request, name: str) -> str:
    """Return a query parameter of the page's address."""
    return str(dict(request.query_params).get(name, ""))
