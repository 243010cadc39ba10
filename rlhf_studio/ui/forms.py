"""Forms of run configs, rendered from the knobs' own declarations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from markupsafe import Markup
from pydantic.fields import FieldInfo

from rlhf_studio.core.config import RunConfig, knobs, parse_config
from rlhf_studio.core.errors import StudioError
from rlhf_studio.core.models import ModelRecord
from rlhf_studio.core.runs import Estimate
from rlhf_studio.rewards.names import RULES
from rlhf_studio.ui import icons
from rlhf_studio.ui.html import EMPTY, duration, h, join, note, problem
from rlhf_studio.ui.texts import Texts

LABELS = {
    "model": "Model",
    "rewards": "Reward",
    "models": "Models",
    "reward_model": "Scored by",
    "prompts": "Prompts",
    "epochs": "Passes over the votes",
    "steps": "Steps",
    "group_size": "Group size",
    "beta": "KL weight (beta)",
    "learning_rate": "Learning rate",
    "batch_size": "Batch size",
    "lora_rank": "Adapter rank",
    "max_length": "Longest pair",
    "held_out": "Held-out share",
    "annotators": "Whose votes",
    "seed": "Seed",
    "prompts_per_step": "Prompts a step",
    "temperature": "Temperature",
    "max_new_tokens": "Longest completion",
    "best_of": "Best of",
    "per_prompt": "Completions a prompt",
    "split": "Split",
}
"""Plain names of the knobs; each keeps its declared description beside it."""

FIRST = ("models", "model", "rewards", "reward_model")
"""What a run works with: always in view and above the knobs."""

_NEVER = {"compare": {"models"}}
_IN_VIEW = {"compare": {"best_of"}}


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a list to choose from; `group` puts it under a heading."""

    value: str
    label: str
    group: str = ""


def model_options(records: Sequence[ModelRecord]) -> list[Option]:
    """Offer models by their registry ids."""
    return [Option(m.id, f"{m.id} · {m.note}" if m.note else m.id) for m in records]


def reward_options(reward_models: Sequence[ModelRecord], t: Texts) -> list[Option]:
    """Offer the newest reward model first, then each one, then the rules."""
    newest = reward_models[-1].id if reward_models else t("none yet")
    learned = [Option(m.id, m.id, t("Reward models")) for m in reversed(reward_models)]
    rules = [Option(name, f"{name} · {t(words)}", t("Rules")) for name, words in RULES.items()]
    return [Option("", t("Newest reward model ({id})", id=newest)), *learned, *rules]


def scorer_options(reward_models: Sequence[ModelRecord], t: Texts) -> list[Option]:
    """Offer the reward models that can score a comparison."""
    if not reward_models:
        return [Option("", t("No reward model yet: lengths only"))]
    newest = t("Newest reward model ({id})", id=reward_models[-1].id)
    return [Option("", newest), *(Option(m.id, m.id) for m in reversed(reward_models))]


def config_of(kind: str, raw: Mapping[str, Any]) -> RunConfig:
    """Read what a form sent; only declared knobs count. Raises InvalidInput."""
    values: dict[str, Any] = {}
    for name, field in knobs(kind).items():
        if name not in raw:
            continue
        value = raw[name]
        if name == "rewards":
            values[name] = [{"reward": value}] if value else []
        elif value == "" and type(None) in get_args(field.annotation):
            values[name] = None
        elif get_origin(field.annotation) is Literal:
            values[name] = next((choice for choice in get_args(field.annotation) if str(choice) == value), value)
        else:
            values[name] = value
    return parse_config(kind, values)


def values_of(config: RunConfig) -> dict[str, Any]:
    """Return a config as a form holds it."""
    values = config.model_dump()
    if "rewards" in values:
        values["rewards"] = values["rewards"][0]["reward"] if values["rewards"] else ""
    return values


def defaults(kind: str) -> dict[str, Any]:
    """Return each knob's default."""
    return {name: field.get_default() for name, field in knobs(kind).items() if not field.is_required()}


def form_html(
    kind: str,
    values: Mapping[str, Any],
    options: Mapping[str, Sequence[Option]],
    t: Texts,
    *,
    above: str = EMPTY,
    hidden: bool = False,
) -> Markup:
    """Return the form of a run kind: what it works with, its few knobs, the others folded."""
    shown: list[Markup] = []
    folded: list[Markup] = []
    for name, field in _ordered(kind):
        row = _row(kind, name, field, values.get(name), options.get(name), t)
        (shown if _in_view(kind, name, field) else folded).append(row)
    return h(
        '<form id="rs-form-{kind}" class="rs-form" novalidate{hidden}>{above}{shown}'
        '<details class="rs-fold" data-fold="advanced-{kind}"><summary>{chevron}{advanced}</summary>'
        "<div>{folded}</div></details></form>",
        kind=kind,
        hidden=Markup(" hidden") if hidden else EMPTY,
        above=above,
        shown=join(shown),
        chevron=icons.CHEVRON,
        advanced=t("Advanced"),
        folded=join(folded),
    )


def estimate_html(
    kind: str, estimate: Estimate | StudioError, button: str, t: Texts, *, error: str = "", stamp: int = 0
) -> Markup:
    """Return what the run works on, how long it takes, what stands in its way, and the start button.

    What is still missing is a remark; only what somebody did wrong looks like an error. `stamp` makes
    the reply to a press of the button differ from what was there, so that the page draws it.
    """
    if isinstance(estimate, StudioError):
        facts, waits, error, blocked = EMPTY, [], error or str(estimate), True
    else:
        facts, waits = _facts(estimate, t), [line for line in estimate.problems if line != error]
        blocked = bool(estimate.problems)
    return h(
        '<div class="rs-estimate" data-stamp="{}">{}{}{}'
        '<button class="rs-button rs-primary" type="submit" form="rs-form-{}"{}>{}</button></div>',
        stamp,
        facts,
        join(note(t(line), mend(line, t)) for line in waits),
        problem(t(error), mend(error, t)) if error else EMPTY,
        kind,
        Markup(" disabled") if blocked else EMPTY,
        button,
    )


def _facts(estimate: Estimate, t: Texts) -> Markup:
    rows = []
    if estimate.works_on:
        rows.append((t("Works on"), estimate.works_on))
    if not estimate.problems and estimate.seconds is None:
        rows.append((t("Takes"), t("not measured on this machine yet")))
    elif not estimate.problems and estimate.seconds is not None:
        rows.append((t("Takes"), t("about {time} on this machine", time=duration(estimate.seconds, t))))
    return h('<dl class="rs-facts">{}</dl>', join(h("<div><dt>{}</dt><dd>{}</dd></div>", *row) for row in rows))


def mend(line: str, t: Texts) -> tuple[str, str] | None:
    """Return the link that mends a problem, by what its sentence asks for."""
    for words, text, route in _MENDS:
        if words in line:
            return t(text), route
    return None


_MENDS = (
    ("Vote on", "Vote now", "/label"),
    ("Data page", "Open Data", "/data"),
    ("Train one first", "Train a reward model", "/train?kind=rm"),
)


def settings_html(config: RunConfig, t: Texts) -> Markup:
    """Return every knob of a run with its value, folded."""
    rows = join(
        h("<div><dt>{}</dt><dd>{}</dd></div>", t(LABELS.get(name, name)), _plain(value))
        for name, value in config.model_dump().items()
        if name != "kind"
    )
    return h(
        '<details class="rs-fold" data-fold="settings"><summary>{}{}</summary><dl class="rs-facts rs-settings">{}</dl>'
        "</details>",
        icons.CHEVRON,
        t("Settings of this run"),
        rows,
    )


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_plain(item) for item in value) or "–"
    if isinstance(value, dict):
        return f"{value['weight']:g} × {value['reward']}"
    if isinstance(value, float):
        return f"{value:g}"
    return "–" if value is None else str(value)


def _ordered(kind: str) -> list[tuple[str, FieldInfo]]:
    fields = [(name, field) for name, field in knobs(kind).items() if name not in _NEVER.get(kind, ())]
    return sorted(fields, key=lambda pair: FIRST.index(pair[0]) if pair[0] in FIRST else len(FIRST))


def _in_view(kind: str, name: str, field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    basic = isinstance(extra, dict) and extra.get("advanced") is False
    return basic or name in FIRST or name in _IN_VIEW.get(kind, ())


def _row(kind: str, name: str, field: FieldInfo, value: object, options: Sequence[Option] | None, t: Texts) -> Markup:
    """Return label, hint and widget of one knob: a list, a few choices, or a number within its bounds."""
    field_id = f"rs-{kind}-{name}"
    unit = str(field.json_schema_extra.get("unit", "")) if isinstance(field.json_schema_extra, dict) else ""
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    wide = bool(options) or bool(choices)
    if unit in LABELS.get(name, name).lower():
        unit = ""
    if options:
        widget = _select(field_id, name, str(value or ""), options)
    elif choices:
        widget = _choices(field_id, name, str(value), [str(choice) for choice in choices], t)
    else:
        widget = _number(field_id, name, field, value)
    label = h('<span id="{}-label" class="rs-label">{}</span>', field_id, t(_label(kind, name)))
    if not choices:
        label = h('<label for="{}">{}</label>', field_id, label)
    hint = EMPTY if options else h('<p class="rs-hint" id="{}-hint">{}</p>', field_id, t(field.description or ""))
    return h(
        '<div class="rs-row{}"><div>{}{}</div><div class="rs-widget">{}{}</div>'
        '<p class="rs-field-error" data-error-of="{id}" aria-live="polite"></p></div>',
        " rs-wide" if wide else "",
        label,
        hint,
        widget,
        h('<span class="rs-unit">{}</span>', t(unit)) if unit else EMPTY,
        id=field_id,
    )


def _label(kind: str, name: str) -> str:
    """Return a knob's plain name; a model is called by what it is for."""
    return _MODELS.get(kind, "Model") if name == "model" else LABELS.get(name, name)


_MODELS = {"rm": "Model that learns to score", "grpo": "Policy to start from"}


def _select(field_id: str, name: str, value: str, options: Sequence[Option]) -> Markup:
    parts: list[Markup] = []
    group = ""
    for option in options:
        if option.group != group:
            parts += [Markup("</optgroup>")] if group else []
            parts += [h('<optgroup label="{}">', option.group)] if option.group else []
            group = option.group
        chosen = Markup(" selected") if option.value == value else EMPTY
        parts.append(h('<option value="{}"{}>{}</option>', option.value, chosen, option.label))
    parts += [Markup("</optgroup>")] if group else []
    return h('<select id="{}" name="{}">{}</select>', field_id, name, join(parts))


def _choices(field_id: str, name: str, value: str, choices: Sequence[str], t: Texts) -> Markup:
    return h(
        '<div class="rs-choices" role="radiogroup" aria-labelledby="{}-label">{}</div>',
        field_id,
        join(
            h(
                '<label><input type="radio" name="{}" value="{}"{}><span>{}</span></label>',
                name,
                choice,
                Markup(" checked") if choice == value else EMPTY,
                t(choice),
            )
            for choice in choices
        ),
    )


def _number(field_id: str, name: str, field: FieldInfo, value: object) -> Markup:
    bounds = {k: getattr(m, k) for m in field.metadata for k in ("ge", "gt", "le", "lt") if hasattr(m, k)}
    low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
    whole = field.annotation is int
    limits = join(h(' {}="{}"', limit, bound) for limit, bound in (("min", low), ("max", high)) if bound is not None)
    return h(
        '<input id="{id}" name="{}" type="number" inputmode="{}" step="{}"{} required value="{}" autocomplete="off" '
        'aria-describedby="{id}-hint">',
        name,
        "numeric" if whole else "decimal",
        "1" if whole else "any",
        limits,
        _value(value),
        id=field_id,
    )


def _value(value: object) -> str:
    if isinstance(value, float):
        text = f"{value:.10f}".rstrip("0").rstrip(".")
        return text if float(text or 0) == value else repr(value)
    return "" if value is None else str(value)
