"""The picture on the home page: the circle from prompts to a policy and back, with the next step in it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from rlhf_studio.core.figures import Figure
from rlhf_studio.core.runs import RunRecord
from rlhf_studio.ui import icons
from rlhf_studio.ui.html import figure_html, h, join
from rlhf_studio.ui.run_view import run_route
from rlhf_studio.ui.texts import Texts

if TYPE_CHECKING:
    from rlhf_studio.studio.overview import NextStep, Overview
    from rlhf_studio.studio.runs import RunView

_SIZE, _RADIUS = 400.0, 176.0
_ANGLES = (-120, -60, 0, 60, 120, 180)
_GAP = 10.5
"""Degrees of the ring that a station covers on each side."""
_RUNS_AT = {"generate": 1, "rm": 4, "grpo": 5, "compare": 5}


@dataclass(frozen=True, slots=True)
class Station:
    """One station: `reached` when there is something, `progress` (0 to 1) while a run works on it."""

    name: str
    href: str
    icon: Markup
    facts: Sequence[Markup | str]
    reached: bool
    progress: float | None = None


def stations(overview: "Overview", active: "RunView | None", t: Texts) -> list[Station]:
    """Return the six stations with their state in words."""
    train, held_out = overview.prompts.get("train", 0), overview.prompts.get("eval", 0)
    pairs = overview.waiting + overview.votes + overview.simulated_votes
    votes: list[str] = (
        [t("{n} prefer one side", n=f"{overview.decisive_votes:,}")] if overview.votes else [t("none yet")]
    )
    if overview.simulated_votes:
        votes.append(t("{n} simulated, kept apart", n=f"{overview.simulated_votes:,}"))
    model, policy = overview.reward_model, overview.best_policy
    prompts = t("{train} to learn from, {held_out} held out", train=f"{train:,}", held_out=f"{held_out:,}")
    here = [
        Station(
            t("Prompts"),
            "/data",
            icons.PROMPTS,
            [prompts if train + held_out else t("none yet")],
            bool(train + held_out),
        ),
        Station(
            t("Completions"),
            "/data",
            icons.COMPLETIONS,
            [t("two answers to each prompt") if pairs else t("made when you label")],
            bool(pairs),
        ),
        Station(
            t("Pairs waiting"),
            "/label",
            icons.PAIRS,
            [t("{n} to vote on", n=f"{overview.waiting:,}") if overview.waiting else t("none now")],
            bool(overview.waiting),
        ),
        Station(
            t.count(overview.votes, "{n} vote", "{n} votes") if overview.votes else t("Votes"),
            "/label",
            icons.VOTES,
            votes,
            bool(overview.votes),
        ),
        Station(
            t("Reward model"),
            f"/train?run={model.run_id}" if model and model.run_id else "/train?kind=rm",
            icons.REWARD_MODEL,
            _model_facts(model.id if model else None, t("accuracy"), overview.accuracy, t),
            model is not None,
        ),
        Station(
            t("Policy"),
            f"/train?run={policy.run_id}" if policy and policy.run_id else "/train?kind=grpo",
            icons.POLICY,
            _model_facts(policy.id if policy else None, t("win rate"), overview.win_rate, t),
            policy is not None,
        ),
    ]
    if overview.active_run is not None:
        place = _RUNS_AT[overview.active_run.config.kind]
        here[place] = _with_run(here[place], overview.active_run, active, t)
    return here


def _model_facts(model_id: str | None, what: str, figure: Figure | None, t: Texts) -> list[Markup | str]:
    if model_id is None:
        return [t("none yet")]
    if figure is not None:
        return [model_id, h("{} {}", what, figure_html(figure))]
    return [model_id, t("not measured yet")]


def _with_run(station: Station, run: RunRecord, view: "RunView | None", t: Texts) -> Station:
    share = min(1.0, view.step / view.total_steps) if view and view.total_steps else 0.0
    words = t("waiting its turn") if run.status == "queued" else t("running")
    if view and view.total_steps and run.status == "running":
        words = t("step {n} of {total}", n=view.step, total=view.total_steps)
    line = h('<span class="rs-live">{}: {}</span>', run.id, words)
    return Station(
        station.name, run_route(run), station.icon, [line, *(station.facts[:1] if station.reached else ())], True, share
    )


def circle_html(overview: "Overview", active: "RunView | None", t: Texts) -> Markup:
    """Return the whole picture. On a narrow screen style sheets make a vertical path of it."""
    here = stations(overview, active, t)
    return h(
        '<div class="rs-circle">{}{}<ol class="rs-stations">{}</ol></div>',
        next_html(overview.next_step, overview, t),
        _ring(here),
        join(_station(i, s) for i, s in enumerate(here)),
    )


def next_html(step: "NextStep", overview: "Overview", t: Texts) -> Markup:
    """Return the one next step: a big button and the reason for it."""
    return h(
        '<section class="rs-next"><p class="rs-eyebrow">{}</p><a class="rs-button rs-primary rs-big" href="{}">{}{}</a>'
        "<p>{}</p></section>",
        t("Next step"),
        step.route,
        t(step.title),
        icons.ARROW,
        _reason(step, overview, t),
    )


def _reason(step: "NextStep", overview: "Overview", t: Texts) -> str:
    """Return the service's sentence; in Chinese one of our own, by the kind of step."""
    if t.language == "en":
        return step.reason
    return t(_REASONS[step.kind])


_REASONS = {
    "label": "A few more votes with a side and a reward model can learn.",
    "train_rm": "The votes are ready to learn from.",
    "align": "The reward model can now teach the policy.",
    "compare": "See whether the new policy is really better.",
    "watch": "A run is under way.",
    "label_more": "Pairs of the new policy teach the next reward model.",
}


def _station(place: int, station: Station) -> Markup:
    classes = f"rs-at-{place + 1}" + (" rs-reached" if station.reached else "") + _live(station)
    return h(
        '<li class="rs-station {}"><a href="{}"><span class="rs-node">{}</span><span class="rs-words"><b>{}'
        "</b>{}</span></a></li>",
        classes,
        station.href,
        station.icon,
        station.name,
        join(h('<span class="rs-fact">{}</span>', fact) for fact in station.facts),
    )


def _live(station: Station) -> str:
    return " rs-pulse" if station.progress is not None else ""


def _ring(here: Sequence[Station]) -> Markup:
    """Return the ring: one arc to each station, in colour once the station is reached."""
    arcs = []
    for i, angle in enumerate(_ANGLES):
        target = here[(i + 1) % len(here)]
        back = i == len(here) - 1
        reached = here[i].reached and (back or target.reached) and target.progress is None
        start, end = angle + _GAP, angle + 60 - _GAP
        arcs.append(h('<path class="{}" d="{}"/>', "rs-arc rs-reached" if reached else "rs-arc", _arc(start, end)))
        if target.progress:
            arcs.append(
                h('<path class="rs-arc rs-growing" d="{}"/>', _arc(start, start + (end - start) * target.progress))
            )
        arcs.append(h('<path class="{}" d="{}"/>', "rs-tip rs-reached" if reached else "rs-tip", _tip(end)))
    return h(
        '<svg class="rs-ring" viewBox="0 0 {s:g} {s:g}" aria-hidden="true" focusable="false">{arcs}</svg>',
        s=_SIZE,
        arcs=join(arcs),
    )


def _at(angle: float, radius: float = _RADIUS) -> tuple[float, float]:
    radians = math.radians(angle)
    return _SIZE / 2 + radius * math.cos(radians), _SIZE / 2 + radius * math.sin(radians)


def _arc(start: float, end: float) -> str:
    (x0, y0), (x1, y1) = _at(start), _at(end)
    return f"M{x0:.1f} {y0:.1f}A{_RADIUS:g} {_RADIUS:g} 0 0 1 {x1:.1f} {y1:.1f}"


def _tip(angle: float) -> str:
    """Return an arrow head on the ring that points clockwise."""
    (x0, y0), (x1, y1), (x2, y2) = _at(angle - 2, _RADIUS + 5), _at(angle), _at(angle - 2, _RADIUS - 5)
    return f"M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"
