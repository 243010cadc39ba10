"""The pages as one Gradio app, and what the head of its document loads."""

from typing import TYPE_CHECKING

import gradio as gr

from rlhf_studio.core.settings import DEFAULT_PROJECT
from rlhf_studio.ui import compare, data, header, home, label, train
from rlhf_studio.ui.theme import THEME

if TYPE_CHECKING:
    from rlhf_studio.studio import Studio

__all__ = ["HEAD", "THEME", "build_pages"]

HEAD = '<link rel="icon" href="/assets/favicon.svg" type="image/svg+xml"><script src="/assets/pages.js"></script>'
"""Goes into `mount_gradio_app(head=...)`.

The style sheets are inside THEME, and pages.js fetches what the label page needs.
"""


def build_pages(studio: "Studio", project: str = DEFAULT_PROJECT) -> gr.Blocks:
    """Build all pages: Home at "/", then /label, /data, /train and /compare."""
    with gr.Blocks(title="RLHF Studio", analytics_enabled=False, fill_width=True) as pages:
        header.build("/")
        home.build(pages, studio, project)
    with pages.route("Label", "/label"):
        header.build("/label")
        label.build(project)
    for name, page in (("Data", data), ("Train", train), ("Compare", compare)):
        path = f"/{name.lower()}"
        with pages.route(name, path):
            header.build(path)
            page.build(pages, studio, project)
    return pages
