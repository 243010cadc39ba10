"""Own HTML, safe by construction: whatever is put into a template is escaped."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime

from markupsafe import Markup

from rlhf_studio.core.errors import StudioError
from rlhf_studio.core.figures import Figure
from rlhf_studio.core.prompts import Prompt
from rlhf_studio.ui import icons
from rlhf_studio.ui.texts import Texts

EMPTY = Markup("")
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def h(template: str, /, *values: object, **named: object) -> Markup:
    """Fill a template that was written here; every value is escaped unless it is Markup already."""
    return Markup(template).format(*values, **named)


def join(parts: Iterable[str], separator: str = "") -> Markup:
    """Join parts; those that are not Markup are escaped."""
    return Markup(separator).join(parts)


def page_head(title: str, lead: str = "") -> Markup:
    """Return the heading of a page with one line on what the page is for."""
    return h('<div class="rs-head"><h1>{}</h1>{}</div>', title, h("<p>{}</p>", lead) if lead else EMPTY)


def problem(message: str | StudioError, mend: tuple[str, str] | None = None) -> Markup:
    """Return an error that stays: one sentence, and a link that mends it where there is one."""
    link = h(' <a href="{}">{}</a>', mend[1], mend[0]) if mend else EMPTY
    return h('<div class="rs-problem" role="alert">{}<p>{}{}</p></div>', icons.ALERT, str(message), link)


def note(message: str, mend: tuple[str, str] | None = None) -> Markup:
    """Return a remark that is no error, with the link that helps where there is one."""
    link = h(' <a href="{}">{}</a>', mend[1], mend[0]) if mend else EMPTY
    return h('<div class="rs-note">{}<p>{}{}</p></div>', icons.INFO, message, link)


def done(message: str, link: tuple[str, str] | None = None) -> Markup:
    """Return the word that something worked, with the next thing to do."""
    button = h(' <a class="rs-button" href="{}">{}</a>', link[1], link[0]) if link else EMPTY
    return h('<div class="rs-done" role="status">{}<p>{}</p>{}</div>', icons.CHECK, message, button)


def percent(share: float) -> str:
    """Return a share as whole percents."""
    return f"{100 * share:.0f}\u00a0%"


def number(value: float) -> str:
    """Return a number with as many digits as anybody can use."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "–"
    if abs(value) >= 1000:
        text = f"{value:,.0f}"
    elif abs(value) < 0.001:
        text = f"{value:.1e}".replace("e-0", "e-")
    else:
        text = f"{value:.3g}"
    return text.replace("-", "−", 1) if value < 0 else text


def interval(figure: Figure, *, as_percent: bool) -> str:
    """Return the 95 % interval of a figure, or a dash where one case gives none."""
    if not (math.isfinite(figure.low) and math.isfinite(figure.high)):
        return "–"
    if as_percent:
        return f"{100 * figure.low:.0f}–{100 * figure.high:.0f}\u00a0%"
    return f"{number(figure.low)} … {number(figure.high)}"


def figure_html(figure: Figure, *, as_percent: bool = True) -> Markup:
    """Return a figure with its interval; what it was measured on stands on the line below."""
    value = percent(figure.mean) if as_percent else number(figure.mean)
    on = h('<span class="rs-on">{}</span>', figure.measured_on) if figure.measured_on else EMPTY
    return h(
        '<span class="rs-figure"><b>{}</b> <span class="rs-interval">{}</span>{}</span>',
        value,
        interval(figure, as_percent=as_percent),
        on,
    )


def duration(seconds: float, t: Texts) -> str:
    """Return a length of time as people say it."""
    if seconds < 50:
        return t("{n} s", n=max(1, round(seconds)))
    if seconds < 90 * _MINUTE:
        return t("{n} min", n=max(1, round(seconds / _MINUTE)))
    return t("{n} h", n=f"{seconds / _HOUR:.1f}")


def ago(moment: datetime, t: Texts, now: datetime | None = None) -> str:
    """Return how long ago something happened; coarse, so that it does not change every second."""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < _MINUTE:
        return t("just now")
    if seconds < _HOUR:
        return t("{n} min ago", n=int(seconds // _MINUTE))
    if seconds < _DAY:
        return t("{n} h ago", n=int(seconds // _HOUR))
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def moment_html(moment: datetime, t: Texts, now: datetime | None = None) -> Markup:
    """Return how long ago, with the exact time on hover."""
    exact = moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return h('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, ago(moment, t, now))


def prompt_text(prompt: Prompt) -> str:
    """Return a prompt as one piece of text; a system turn or earlier turns are named."""
    if len(prompt.messages) == 1:
        return prompt.text
    return "\n".join(f"{message.role}: {message.content}" for message in prompt.messages)
