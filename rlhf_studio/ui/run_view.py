"""One run on a page: progress, curves, samples, result, settings. Train and Compare share it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from markupsafe import Markup

from rlhf_studio.core.events import SampleRow
from rlhf_studio.core.figures import Figure
from rlhf_studio.core.runs import RunRecord
from rlhf_studio.ui import icons
from rlhf_studio.ui.charts import curves_html
from rlhf_studio.ui.forms import settings_html
from rlhf_studio.ui.html import EMPTY, duration, figure_html, h, join, moment_html, note, number, problem
from rlhf_studio.ui.texts import Texts

if TYPE_CHECKING:
    from rlhf_studio.studio.runs import RunView

KINDS = {"rm": "Reward model", "grpo": "GRPO", "compare": "Comparison", "generate": "Completions"}
STATUS = {
    "queued": "Waiting",
    "running": "Running",
    "finished": "Finished",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
_NEXT = {"rm": ("Align with GRPO", "/train?kind=grpo"), "grpo": ("Compare the models", "/compare")}
_RESULTS = {
    "accuracy": "Accuracy",
    "pairs": "Votes it learned from",
    "held_out": "Votes kept out to measure",
    "too_long": "Pairs left out as too long",
    "trained_against": "Trained against",
    "win_rate": "Win rate",
    "reward": "Reward",
    "peak_memory_mb": "Memory at most (MB)",
}
_NOT_RESULTS = frozenset({"model", "models", "prompts", "measured_by", "caution", "last_step"})


def progress_html(view: "RunView", t: Texts, now: datetime | None = None) -> Markup:
    """Return the head of a run: what it is, how far it is, and the way out."""
    record = view.record
    cancel = EMPTY
    if not record.ended:
        cancel = h(
            '<button type="button" class="rs-button" data-action="cancel" data-run="{}"{}>{}</button>',
            record.id,
            Markup(" disabled") if record.cancel_requested else EMPTY,
            t("Cancel"),
        )
    return h(
        '<section class="rs-run" aria-labelledby="rs-run-title" data-run="{id}"><div class="rs-run-head">'
        '<h2 id="rs-run-title">{id}</h2>{pill}<span class="rs-muted">{kind} · {when}</span>{cancel}'
        "</div>{bar}{warnings}"
        "{failure}{result}</section>",
        id=record.id,
        pill=status_html(record, t),
        kind=t(KINDS[record.config.kind]),
        when=moment_html(record.created_at, t, now),
        cancel=cancel,
        bar=_bar(view, t),
        warnings=join(note(words) for words in view.warnings),
        failure=_failure(view, t),
        result=_result(view, t),
    )


def details_html(view: "RunView", t: Texts) -> Markup:
    """Return what a run has shown so far: curves, sampled completions, and its settings."""
    curves = curves_html({k: v for k, v in view.curves.items() if k not in _COUNTERS}, view.total_steps, t)
    if not curves and not view.record.ended:
        curves = h('<p class="rs-empty-line">{}</p>', t("Curves appear with the first step."))
    return h(
        '<div class="rs-details">{}{}{}</div>',
        curves,
        samples_html(view.samples, view.samples_step, t),
        settings_html(view.record.config, t),
    )


_COUNTERS = frozenset({"completions"})
"""Metrics that only count work done: the progress bar shows them already."""


def status_html(record: RunRecord, t: Texts) -> Markup:
    """Return a run's status as a word with a dot."""
    return h('<span class="rs-status rs-{}">{}</span>', record.status, t(STATUS[record.status]))


def runs_html(runs: Sequence[RunRecord], chosen: str | None, t: Texts, now: datetime | None = None) -> Markup:
    """Return the list of runs, newest first, each a link to its page."""
    if not runs:
        return EMPTY
    rows = join(
        h(
            '<li><a href="{}"{}><span class="rs-dot-{}" aria-hidden="true"></span><b>{}</b><span>{}</span>'
            '<span class="rs-hidden">{}</span>{}</a></li>',
            run_route(run),
            Markup(' aria-current="true"') if run.id == chosen else EMPTY,
            run.status,
            run.id,
            t(KINDS[run.config.kind]),
            t(STATUS[run.status]),
            moment_html(run.created_at, t, now),
        )
        for run in runs
    )
    return h('<section class="rs-runs"><h2>{}</h2><ul>{}</ul></section>', t("Runs"), rows)


def run_route(run: RunRecord) -> str:
    """Return the page that shows a run."""
    return f"{'/compare' if run.config.kind == 'compare' else '/train'}?run={run.id}"


def samples_html(rows: Sequence[SampleRow], step: int | None, t: Texts) -> Markup:
    """Return sampled completions with what each reward gave them."""
    if not rows:
        return EMPTY
    cards = join(
        h(
            '<article class="rs-sample"><p class="rs-sample-prompt">{}</p><p class="rs-text">{}</p>{}</article>',
            row.prompt,
            row.completion,
            _rewards(row.rewards, t),
        )
        for row in rows
    )
    return h(
        '<section class="rs-samples"><h3>{}</h3>{}</section>', t("Sampled answers of step {step}", step=step), cards
    )


def _rewards(rewards: Mapping[str, float | None], t: Texts) -> Markup:
    items = join(
        h("<div><dt>{}</dt><dd>{}</dd></div>", name, t("does not apply") if value is None else number(value))
        for name, value in rewards.items()
    )
    return h('<dl class="rs-rewards">{}</dl>', items) if items else EMPTY


def _bar(view: "RunView", t: Texts) -> Markup:
    """Return stage, step and time left over a bar; without a known end the bar only shows that work goes on."""
    record = view.record
    if record.ended and record.status != "cancelled":
        return EMPTY
    stage = t("Ending at the next step") if record.cancel_requested and not record.ended else t(view.stage)
    facts = []
    if view.total_steps:
        facts.append(t("step {n} of {total}", n=f"{view.step:,}", total=f"{view.total_steps:,}"))
    if view.seconds_left is not None and not record.cancel_requested:
        facts.append(t("about {time} left", time=duration(view.seconds_left, t)))
    share = min(1.0, view.step / view.total_steps) if view.total_steps else None
    width = f"{100 * share:.1f}" if share is not None else "0"
    busy = Markup(" rs-busy") if share is None and record.status == "running" else EMPTY
    value = h(' aria-valuenow="{:.0f}"', 100 * share) if share is not None else EMPTY
    bar = h(
        '<div class="rs-progress{}" role="progressbar" aria-label="{}" aria-valuemin="0" aria-valuemax="100"{}>'
        '<i style="width:{}%"></i></div>',
        busy,
        t("Progress"),
        value,
        width,
    )
    return h('<p class="rs-stage"><b>{}</b><span>{}</span></p>{}', stage, " · ".join(facts), bar)


def _failure(view: "RunView", t: Texts) -> Markup:
    if view.record.status != "failed":
        return EMPTY
    log = (
        h(
            '<details class="rs-fold" data-fold="log"><summary>{}{}</summary><pre class="rs-log" tabindex="0">{}</pre>'
            "</details>",
            icons.CHEVRON,
            t("Log"),
            view.log,
        )
        if view.log
        else EMPTY
    )
    return h("{}{}", problem(view.failure or t("The run ended without saying why.")), log)


def _result(view: "RunView", t: Texts) -> Markup:
    """Return the figures of a finished run and the step that follows it."""
    if view.record.status != "finished":
        return EMPTY
    rows = join(
        h("<div><dt>{}</dt><dd>{}</dd></div>", t(_RESULTS.get(name, name)), shown)
        for name, value in sorted(view.result.items(), key=lambda item: _place(item[0]))
        if name not in _NOT_RESULTS and (shown := result_value(name, value))
    )
    facts = h('<dl class="rs-facts rs-result">{}</dl>', rows) if rows else EMPTY
    following = _NEXT.get(view.record.config.kind)
    button = (
        h('<a class="rs-button rs-primary" href="{}">{}{}</a>', following[1], t(following[0]), icons.ARROW)
        if following
        else EMPTY
    )
    return h("{}{}", facts, button)


def _place(name: str) -> int:
    return list(_RESULTS).index(name) if name in _RESULTS else len(_RESULTS)


def result_value(name: str, value: object) -> Markup:
    """Return one figure of a result; EMPTY for what is no figure, and for a count of nothing left out."""
    if isinstance(value, Mapping):
        if {"mean", "low", "high", "n"} <= value.keys():
            return figure_html(Figure(**value), as_percent=name in ("accuracy", "win_rate"))
        return EMPTY
    if isinstance(value, list | tuple):
        return h("{}", ", ".join(str(item) for item in value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return EMPTY if name == "too_long" and value == 0 else h("{}", number(value))
    return h("{}", value) if isinstance(value, str) and value else EMPTY
