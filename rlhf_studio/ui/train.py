"""Train: start a reward model or GRPO with one press, and watch the run."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import gradio as gr
from markupsafe import Markup

from rlhf_studio.core.errors import StudioError
from rlhf_studio.core.runs import RunRecord
from rlhf_studio.ui import forms
from rlhf_studio.ui.boundary import attempt
from rlhf_studio.ui.html import EMPTY, h, page_head, problem
from rlhf_studio.ui.page import FAST, asked, body, hidden_text
from rlhf_studio.ui.polling import changed
from rlhf_studio.ui.run_view import details_html, progress_html, runs_html
from rlhf_studio.ui.texts import Texts, texts_for

if TYPE_CHECKING:
    from rlhf_studio.studio import Studio

Kind = Literal["rm", "grpo"]
_TABS: tuple[tuple[Kind, str], ...] = (("rm", "Reward model"), ("grpo", "GRPO"))
_BUTTONS: dict[str, str] = {"rm": "Train reward model", "grpo": "Start GRPO"}
_RUNS_SHOWN = 12
_SHOW_RUN = """(id) => {
  if (!id) return;
  history.replaceState(null, "", `/train?run=${id}`);
  if (innerWidth < 900) document.getElementById("rs-train-progress").scrollIntoView({block: "start"});
}"""


@dataclass(frozen=True, slots=True)
class RunParts:
    """The run side of the page; `live` while there is something to wait for."""

    run_id: str
    progress: str
    details: str
    runs: str
    live: bool


def build(pages: gr.Blocks, studio: "Studio", project: str) -> None:
    """Put the page together: the form on the left, the runs and the chosen one beside it."""
    with gr.Column(elem_classes="rs-split", elem_id="rs-main"):
        with gr.Column(elem_classes="rs-left"):
            form = body("rs-train-form")
            start = body("rs-train-start", classes="rs-start")
            runs = body("rs-train-runs", classes="rs-last")
        with gr.Column(elem_classes="rs-right"):
            progress = body("rs-train-progress")
            details = body("rs-train-details")
    run_id, marks = hidden_text("rs-train-run"), hidden_text("rs-train-marks")
    timer = gr.Timer(1.5, active=False)
    shown = [progress, details, runs, run_id, marks, timer]

    def load(request: gr.Request) -> tuple[object, ...]:
        t = texts_for(request)
        parts = run_parts(studio, project, asked(request, "run"), t)
        kind, values = prefilled(studio, asked(request, "kind"), asked(request, "run"))
        return (
            form_html(studio, project, kind, values, t),
            start_html(studio, project, kind, values, t),
            *_send(parts, ""),
        )

    def look(shown_run: str, before: str, request: gr.Request) -> tuple[object, ...]:
        return _send(run_parts(studio, project, shown_run, texts_for(request)), before)

    def change(request: gr.Request, event: gr.EventData) -> str:
        kind, raw = sent(event)
        return start_html(studio, project, kind, raw, texts_for(request))

    def submit(shown_run: str, request: gr.Request, event: gr.EventData) -> tuple[object, ...]:
        t = texts_for(request)
        kind, raw = sent(event)
        run = attempt(lambda: studio.runs.start(project, forms.config_of(kind, raw)))
        error = str(run) if isinstance(run, StudioError) else ""
        chosen = shown_run if isinstance(run, StudioError) else run.id
        return start_html(studio, project, kind, raw, t, error=error), *_send(run_parts(studio, project, chosen, t), "")

    def act(shown_run: str, request: gr.Request, event: gr.EventData) -> tuple[object, ...]:
        cancelled = attempt(lambda: studio.runs.cancel(str(event._data.get("run", ""))))
        parts = run_parts(studio, project, shown_run, texts_for(request))
        if isinstance(cancelled, StudioError):
            parts = RunParts(parts.run_id, problem(cancelled) + parts.progress, parts.details, parts.runs, parts.live)
        return _send(parts, "")

    pages.load(load, None, [form, start, *shown], **FAST)
    timer.tick(look, [run_id, marks], shown, **FAST)
    form.input(change, None, [start], trigger_mode="always_last", **FAST)
    form.submit(submit, [run_id], [start, *shown], **FAST).then(None, [run_id], None, js=_SHOW_RUN)
    progress.click(act, [run_id], shown, **FAST)


def sent(event: gr.EventData) -> tuple[Kind, Mapping[str, Any]]:
    """Read the kind and the fields that a form sent."""
    raw: Mapping[str, Any] = event._data
    return ("grpo" if raw.get("form") == "rs-form-grpo" else "rm"), raw


def prefilled(studio: "Studio", kind: str, run_id: str) -> tuple[Kind, dict[str, Any]]:
    """Return which form is open and its values: those of the run in the address, else the defaults."""
    run = attempt(lambda: studio.runs.get(run_id)) if run_id else None
    if isinstance(run, RunRecord) and run.config.kind in ("rm", "grpo") and kind in ("", run.config.kind):
        return ("grpo" if run.config.kind == "grpo" else "rm"), forms.values_of(run.config)
    return ("grpo" if kind == "grpo" else "rm"), {}


def form_html(studio: "Studio", project: str, kind: Kind, values: Mapping[str, Any], t: Texts) -> str:
    """Return the choice between the kinds and both forms, of which one is in view."""
    bases = studio.models.all(kind="base")
    policies = studio.models.all(kind="policy", project=project)
    reward_models = studio.models.all(kind="reward_model", project=project)
    options: dict[str, dict[str, list[forms.Option]]] = {
        "rm": {"model": forms.model_options(bases)},
        "grpo": {"model": forms.model_options([*bases, *policies]), "rewards": forms.reward_options(reward_models, t)},
    }
    tabs = Markup("").join(
        h(
            '<a href="/train?kind={k}" data-action="kind" data-form="rs-form-{k}" aria-current="{c}">{name}</a>',
            k=k,
            c="true" if k == kind else "false",
            name=t(name),
        )
        for k, name in _TABS
    )
    both = Markup("").join(
        forms.form_html(k, {**forms.defaults(k), **(values if k == kind else {})}, options[k], t, hidden=k != kind)
        for k, _ in _TABS
    )
    return h('{}<nav class="rs-seg" aria-label="{}">{}</nav>{}', page_head(t("Train")), t("What to train"), tabs, both)


def start_html(studio: "Studio", project: str, kind: Kind, raw: Mapping[str, Any], t: Texts, *, error: str = "") -> str:
    """Return the estimate of a form's run with the start button."""
    found = attempt(lambda: studio.runs.estimate(project, forms.config_of(kind, raw)))
    return forms.estimate_html(kind, found, t(_BUTTONS[kind]), t, error=error, stamp=time.time_ns() if raw else 0)


def run_parts(studio: "Studio", project: str, wanted: str, t: Texts) -> RunParts:
    """Return the wanted run as the page shows it, the newest one without any, and the list of runs."""
    runs = [run for run in studio.runs.all(project) if not run.background]
    run_id = wanted or next((run.id for run in runs if run.config.kind in ("rm", "grpo")), "")
    listed = runs_html(runs[:_RUNS_SHOWN], run_id, t)
    if not run_id:
        return RunParts("", _empty_html(t), EMPTY, listed, live=False)
    view = attempt(lambda: studio.runs.view(run_id))
    if isinstance(view, StudioError):
        return RunParts("", problem(view), EMPTY, listed, live=False)
    return RunParts(run_id, progress_html(view, t), details_html(view, t), listed, live=not view.record.ended)


def _send(parts: RunParts, before: str) -> tuple[object, ...]:
    html, marks = changed([parts.progress, parts.details, parts.runs], before)
    return (*html, parts.run_id, marks, gr.Timer(active=parts.live))


def _empty_html(t: Texts) -> Markup:
    return h(
        '<div class="rs-empty"><h2>{}</h2><p>{}</p></div>',
        t("No runs yet"),
        t("The run that you start appears here, with its curves and what the model says as it learns."),
    )
