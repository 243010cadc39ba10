"""Compare: models side by side on held-out prompts, by a reward model and blindly by people."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import Markup

from rlhf_studio.core.config import CompareConfig
from rlhf_studio.core.errors import StudioError
from rlhf_studio.core.figures import Figure
from rlhf_studio.core.models import STARTER_ID
from rlhf_studio.core.runs import Estimate, RunRecord
from rlhf_studio.ui import forms
from rlhf_studio.ui.boundary import attempt
from rlhf_studio.ui.charts import interval_bar
from rlhf_studio.ui.html import EMPTY, figure_html, h, interval, join, note, number, page_head, percent, problem
from rlhf_studio.ui.page import FAST, asked, body, hidden_text
from rlhf_studio.ui.polling import changed
from rlhf_studio.ui.run_view import progress_html, runs_html
from rlhf_studio.ui.texts import Texts, texts_for

if TYPE_CHECKING:
    from rlhf_studio.core.models import ModelRecord
    from rlhf_studio.studio import Studio
    from rlhf_studio.studio.comparing import ComparisonResult, ModelResult, PromptResult

PAGE = 10
TICK_TWO = "Tick at least two models."
ONLY_ONE = "There is only one model yet. Train one first, then compare."
_RUNS_SHOWN = 8
_GO = "(route) => { if (route) location.assign(route); }"
_SHOW_RUN = """(id) => { if (id) history.replaceState(null, "", `/compare?run=${id}`); }"""
_TO_ANSWERS = """() => document.getElementById("rs-answers")?.scrollIntoView({block: "start"})"""


def build(pages: gr.Blocks, studio: "Studio", project: str) -> None:
    """Put the page together: the form on the left, the newest result beside it."""
    with gr.Column(elem_classes="rs-split", elem_id="rs-main"):
        with gr.Column(elem_classes="rs-left"):
            form = body("rs-compare-form")
            start = body("rs-compare-start", classes="rs-start")
            runs = body("rs-compare-runs", classes="rs-last")
        with gr.Column(elem_classes="rs-right"):
            progress = body("rs-compare-progress")
            result = body("rs-compare-result")
    run_id, marks, route = (
        hidden_text("rs-compare-run"),
        hidden_text("rs-compare-marks"),
        hidden_text("rs-compare-route"),
    )
    timer = gr.Timer(1.5, active=False)
    shown = [progress, result, runs, run_id, marks, timer]

    def load(request: gr.Request) -> tuple[object, ...]:
        t = texts_for(request)
        wanted = asked(request, "run")
        values = prefilled(studio, project, wanted)
        return (
            form_html(studio, project, values, t),
            start_html(studio, project, values, t),
            *_send(run_parts(studio, project, wanted, t), ""),
        )

    def look(shown_run: str, before: str, request: gr.Request) -> tuple[object, ...]:
        return _send(run_parts(studio, project, shown_run, texts_for(request)), before)

    def change(request: gr.Request, event: gr.EventData) -> str:
        return start_html(studio, project, event._data, texts_for(request))

    def submit(shown_run: str, request: gr.Request, event: gr.EventData) -> tuple[object, ...]:
        t = texts_for(request)
        raw: Mapping[str, Any] = event._data
        run = attempt(lambda: studio.runs.start(project, forms.config_of("compare", raw)))
        error = str(run) if isinstance(run, StudioError) else ""
        chosen = shown_run if isinstance(run, StudioError) else run.id
        return start_html(studio, project, raw, t, error=error), *_send(run_parts(studio, project, chosen, t), "")

    def cancel(shown_run: str, request: gr.Request, event: gr.EventData) -> tuple[object, ...]:
        t = texts_for(request)
        cancelled = attempt(lambda: studio.runs.cancel(str(event._data.get("run", ""))))
        parts = run_parts(studio, project, shown_run, t)
        if isinstance(cancelled, StudioError):
            parts = (parts[0], problem(cancelled) + parts[1], *parts[2:])
        return _send(parts, "")

    def act(shown_run: str, request: gr.Request, event: gr.EventData) -> tuple[object, object]:
        """Turn the pages of answers, or go and vote on them."""
        t = texts_for(request)
        if event._data.get("action") == "vote":
            added = attempt(lambda: studio.comparing.to_vote(project, shown_run))
            if isinstance(added, StudioError):
                return result_html(studio, shown_run, t, error=str(added)), ""
            return gr.skip(), "/label?source=arena"
        page = str(event._data.get("page", "0"))
        return result_html(studio, shown_run, t, page=int(page) if page.isdecimal() else 0), ""

    pages.load(load, None, [form, start, *shown], **FAST)
    timer.tick(look, [run_id, marks], shown, **FAST)
    form.input(change, None, [start], trigger_mode="always_last", **FAST)
    form.submit(submit, [run_id], [start, *shown], **FAST).then(None, [run_id], None, js=_SHOW_RUN)
    progress.click(cancel, [run_id], shown, **FAST)
    turned = result.click(act, [run_id], [result, route], **FAST)
    turned.then(None, [route], None, js=_GO)


Parts = tuple[str, str, str, str, bool]
"""Run id, progress, result, list of runs, and whether there is something to wait for."""


def prefilled(studio: "Studio", project: str, run_id: str) -> dict[str, Any]:
    """Return the form's values: those of the run in the address, else the starter against the best policy."""
    run = attempt(lambda: studio.runs.get(run_id)) if run_id else None
    if isinstance(run, RunRecord) and isinstance(run.config, CompareConfig):
        return {**forms.values_of(run.config), "models": list(run.config.models)}
    return {**forms.defaults("compare"), "models": proposed(studio, project)}


def proposed(studio: "Studio", project: str) -> list[str]:
    """Return the models that are ticked on a fresh page."""
    bases = [model.id for model in studio.models.all(kind="base")]
    policies = studio.models.all(kind="policy", project=project)
    first = STARTER_ID if STARTER_ID in bases else next(iter(bases), None)
    return [m for m in (first, policies[-1].id if policies else None) if m]


def form_html(studio: "Studio", project: str, values: Mapping[str, Any], t: Texts) -> str:
    """Return the form; the models are ticked."""
    models = [*studio.models.all(kind="base"), *studio.models.all(kind="policy", project=project)]
    scorers = forms.scorer_options(studio.models.all(kind="reward_model", project=project), t)
    above = _models_html(models, values["models"], t)
    return h(
        "{}{}", page_head(t("Compare")), forms.form_html("compare", values, {"reward_model": scorers}, t, above=above)
    )


def _models_html(models: Sequence["ModelRecord"], ticked: Sequence[str], t: Texts) -> Markup:
    boxes = join(
        h(
            '<label><input type="checkbox" name="models" value="{}"{}><span>{}{}</span></label>',
            model.id,
            Markup(" checked") if model.id in ticked else EMPTY,
            model.id,
            h(" <small>{}</small>", model.note or t("policy" if model.kind == "policy" else "base model")),
        )
        for model in models
    )
    return h(
        '<fieldset class="rs-row rs-ticks"><legend class="rs-label">{}</legend><p class="rs-hint">{}</p>{}</fieldset>',
        t("Models"),
        t("The first one is what the others are measured against."),
        boxes,
    )


def start_html(studio: "Studio", project: str, raw: Mapping[str, Any], t: Texts, *, error: str = "") -> str:
    """Return the estimate with the start button."""
    if len(raw.get("models", ())) < 2:
        found: Estimate | StudioError = Estimate("", None, [TICK_TWO if len(studio.models.all()) > 1 else ONLY_ONE])
    else:
        found = attempt(lambda: studio.runs.estimate(project, forms.config_of("compare", raw)))
    return forms.estimate_html(
        "compare", found, t("Compare"), t, error=error, stamp=time.time_ns() if "form" in raw else 0
    )


def run_parts(studio: "Studio", project: str, wanted: str, t: Texts) -> Parts:
    """Return the wanted comparison, or the newest one."""
    runs = studio.runs.all(project, kind="compare")
    run_id = wanted or (runs[0].id if runs else "")
    listed = runs_html(runs[:_RUNS_SHOWN], run_id, t) if len(runs) > 1 else EMPTY
    if not run_id:
        return "", _empty_html(t), EMPTY, listed, False
    view = attempt(lambda: studio.runs.view(run_id))
    if isinstance(view, StudioError):
        return "", problem(view), EMPTY, listed, False
    result = result_html(studio, run_id, t) if view.record.status == "finished" else EMPTY
    return run_id, progress_html(view, t), result, listed, not view.record.ended


def _send(parts: Parts, before: str) -> tuple[object, ...]:
    run_id, progress, result, runs, live = parts
    html, marks = changed([progress, result, runs], before)
    return (*html, run_id, marks, gr.Timer(active=live))


def _empty_html(t: Texts) -> Markup:
    return h(
        '<div class="rs-empty"><h2>{}</h2><p>{}</p></div>',
        t("Nothing compared yet"),
        t("Comparing answers held-out prompts with each model, so that you see whether training made it better."),
    )


def result_html(studio: "Studio", run_id: str, t: Texts, *, page: int = 0, error: str = "") -> str:
    """Return the table of figures and the answers side by side."""
    result = attempt(lambda: studio.comparing.of(run_id))
    if isinstance(result, StudioError):
        return problem(result)
    people = attempt(lambda: studio.comparing.human_votes(run_id))
    votes: Mapping[str, Figure] = {} if isinstance(people, StudioError) else people
    return h(
        '<div class="rs-result-page">{}{}{}<div class="rs-actions">'
        '<button type="button" class="rs-button" data-action="vote">{}</button>'
        '<span class="rs-muted">{}</span></div>{}</div>',
        table_html(result, votes, t),
        note(t(result.caution)) if result.caution else EMPTY,
        problem(error) if error else EMPTY,
        t("Vote blind on these pairs"),
        t("You see the answers without the models' names."),
        answers_html(result, page, t),
    )


def table_html(result: "ComparisonResult", people: Mapping[str, Figure], t: Texts) -> Markup:
    """Return the figures of the models under each other, numbers on the right, each with its interval.

    Each cell also carries its column's name: a narrow screen shows one list a model.
    """
    first = result.models[0].model if result.models else ""
    scored = result.measured_by is not None
    columns: list[tuple[str, Callable[[ModelResult], Markup]]] = []
    if scored:
        columns.append((t("Reward"), lambda m: _figure(m.reward, as_percent=False)))
        columns.append((t("Win rate"), lambda m: _rate(m.win_rate, m.model == first, t)))
    if people:
        columns.append((t("Win rate by people"), lambda m: _rate(people.get(m.model), m.model == first, t)))
    columns.append((t("Tokens"), lambda m: _figure(m.tokens, as_percent=False)))
    columns.append((t("Cut off"), lambda m: _figure(m.cut_off, as_percent=True)))
    heads = join(h('<th scope="col" class="rs-num">{}</th>', name) for name, _ in columns)
    rows = join(
        h(
            '<tr><th scope="row">{}</th>{}</tr>',
            model.model,
            join(h('<td class="rs-num" data-label="{}">{}</td>', name, cell(model)) for name, cell in columns),
        )
        for model in result.models
    )
    return h(
        '<div class="rs-scroll"><table class="rs-table rs-compare"><caption>{}</caption>'
        '<thead><tr><th scope="col">{}</th>{}</tr></thead><tbody>{}</tbody></table></div>',
        " ".join(_caption(result, people, first, t)),
        t("Model"),
        heads,
        rows,
    )


def _caption(result: "ComparisonResult", people: Mapping[str, Figure], first: str, t: Texts) -> list[str]:
    """Say what the figures were measured on, by whom, and against what."""
    on = next((f.measured_on for m in result.models for f in (m.reward, m.tokens) if f is not None), "")
    caption = [t("Measured on {on}; ranges are 95 % intervals.", on=on)]
    if result.measured_by is not None or people:
        caption.append(t("Win rates are against {first}.", first=first))
    if people:
        voted = next((f.measured_on for f in people.values() if f.measured_on), t("blind votes on these pairs"))
        caption.append(t("By people: {on}.", on=voted))
    return caption


def _figure(figure: Figure | None, *, as_percent: bool) -> Markup:
    if figure is None:
        return Markup("–")
    value = percent(figure.mean) if as_percent else number(figure.mean)
    return h('{}<span class="rs-interval">{}</span>', value, interval(figure, as_percent=as_percent))


def _rate(figure: Figure | None, is_first: bool, t: Texts) -> Markup:
    if figure is None:
        return h('<span class="rs-muted">{}</span>', t("the measure") if is_first else "–")
    return h(
        '<span class="rs-rate">{}{}</span>',
        interval_bar(figure.mean, figure.low, figure.high),
        figure_html(Figure(figure.mean, figure.low, figure.high, figure.n)),
    )


def answers_html(result: "ComparisonResult", page: int, t: Texts) -> Markup:
    """Return ten prompts, each with its answers side by side."""
    last = max(0, (len(result.prompts) - 1) // PAGE)
    page = min(max(page, 0), last)
    shown = result.prompts[page * PAGE : (page + 1) * PAGE]
    rows = join(_prompt_html(row, t) for row in shown)
    return h(
        '<section class="rs-answers" id="rs-answers"><h3>{}</h3>{}{}</section>',
        t("Answers"),
        rows,
        _pager(page, last, len(result.prompts), t) if last else EMPTY,
    )


def _prompt_html(row: "PromptResult", t: Texts) -> Markup:
    best = max((r for r in row.rewards.values() if r is not None), default=None)
    answers = join(
        h(
            '<div class="rs-answer"><p class="rs-answer-head"><b>{}</b>{}</p><p class="rs-text">{}</p></div>',
            model,
            _reward(row.rewards.get(model), best, t),
            text,
        )
        for model, text in row.completions.items()
    )
    return h(
        '<article class="rs-prompt"><p class="rs-text rs-asked">{}</p><div class="rs-side-by-side">{}</div></article>',
        row.prompt,
        answers,
    )


def _reward(reward: float | None, best: float | None, t: Texts) -> Markup:
    if reward is None:
        return EMPTY
    return h('<span class="{}">{} {}</span>', "rs-best" if reward == best else "rs-muted", t("reward"), number(reward))


def _pager(page: int, last: int, total: int, t: Texts) -> Markup:
    def button(to: int, text: str) -> Markup:
        off = EMPTY if 0 <= to <= last else Markup(" disabled")
        return h(
            '<button type="button" class="rs-button" data-action="page" data-page="{}"{}>{}</button>', to, off, text
        )

    where = t("{start}–{end} of {total}", start=page * PAGE + 1, end=min(total, (page + 1) * PAGE), total=total)
    return h(
        '<nav class="rs-pager" aria-label="{}">{}<span>{}</span>{}</nav>',
        t("Pages of answers"),
        button(page - 1, t("Previous")),
        where,
        button(page + 1, t("Next")),
    )
