"""The label page: an empty shell that assets/label.js fills.

Votes must not wait for a round trip, so this page has no Gradio events: the script talks to
/api/v1/label itself, paints first and saves behind.
"""

from html import escape

import gradio as gr

from rlhf_studio.core.settings import DEFAULT_PROJECT

# A section, since Gradio's page has its <main> already.
_SKELETON = '<div class="lb-skeleton" aria-hidden="true"><i></i><i></i><i></i></div>'


def build(project: str = DEFAULT_PROJECT) -> None:
    """Add the page's only component. Call it inside the page's route."""
    gr.HTML(
        f'<section id="label-app" data-project="{escape(project)}" aria-busy="true">{_SKELETON}</section>',
        js_on_load=None,
        apply_default_css=False,
        elem_classes="lb-html",
    )
