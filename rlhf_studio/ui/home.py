"""Home: where the project's circle stands, and the one next step."""

from typing import TYPE_CHECKING

import gradio as gr

from rlhf_studio.ui.boundary import attempt
from rlhf_studio.ui.circle import circle_html
from rlhf_studio.ui.html import h, page_head, problem
from rlhf_studio.ui.page import FAST, body, hidden_text
from rlhf_studio.ui.polling import changed
from rlhf_studio.ui.texts import Texts, texts_for

if TYPE_CHECKING:
    from rlhf_studio.studio import Studio


def build(pages: gr.Blocks, studio: "Studio", project: str) -> None:
    """Put the home page together; it looks again every three seconds and redraws what changed."""
    picture = body("rs-home")
    marks = hidden_text("rs-home-marks")
    timer = gr.Timer(3)

    def look(before: str, request: gr.Request) -> tuple[object, str]:
        parts, after = changed([home_html(studio, project, texts_for(request))], before)
        return parts[0], after

    pages.load(look, [marks], [picture, marks], **FAST)
    timer.tick(look, [marks], [picture, marks], **FAST)


def home_html(studio: "Studio", project: str, t: Texts) -> str:
    """Return the page."""
    overview = attempt(lambda: studio.overview.of(project))
    if isinstance(overview, Exception):
        return h('<div class="rs-page">{}</div>', problem(overview))
    run = overview.active_run
    active = attempt(lambda: studio.runs.view(run.id)) if run else None
    return h(
        '<div class="rs-page" id="rs-main" tabindex="-1">{}{}</div>',
        page_head(
            t("From votes to a better model"),
            t("Vote on pairs of answers. A reward model learns your taste, and the policy learns to please it."),
        ),
        circle_html(overview, None if isinstance(active, Exception) else active, t),
    )
