"""Line charts as inline SVG: small, drawn on the server, readable without a script."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from rlhf_studio.ui import icons
from rlhf_studio.ui.html import EMPTY, h, join, number, percent
from rlhf_studio.ui.texts import Texts

Point = tuple[int, float]
MOST_POINTS = 200
_MOST_HOVERS = 60
_WIDTH, _HEIGHT = 300.0, 100.0


@dataclass(frozen=True, slots=True)
class Metric:
    """How people call a metric and what it tells; shares are shown in percent, from 0 to 100."""

    name: str
    meaning: str
    share: bool = False


METRICS: dict[str, Metric] = {
    "reward": Metric("Reward", "The mean score of the sampled answers. It should rise."),
    "accuracy": Metric(
        "Accuracy in training", "How often the chosen answer scores higher in the pairs it learns from.", True
    ),
    "margin": Metric("Margin", "How much higher the chosen answer scores than the rejected one."),
    "kl": Metric(
        "KL", "How far the policy has moved from where it started. It grows as the policy learns; a jump is a warning."
    ),
    "completion_length": Metric("Answer length", "Mean length of the sampled answers, in tokens."),
    "cut_off": Metric("Cut off", "Share of the answers that hit the length limit before they ended.", True),
    "reward_std": Metric(
        "Spread of rewards", "How much the answers differ in score. Near zero there is nothing to learn from."
    ),
    "entropy": Metric("Entropy", "How freely the policy draws words. A fall to zero means it always says the same."),
    "loss": Metric("Loss", "How far the model is from what it should learn. For a reward model it should fall."),
}
"""The curves that are always in view, in this order."""

_REWARD_MODEL_ORDER = ("loss", "accuracy", "margin", "reward")

MORE: dict[str, Metric] = {
    "learning_rate": Metric("Learning rate", "The size of a learning step."),
    "no_signal": Metric("Groups without signal", "Share of the groups whose answers all got the same reward.", True),
    "grad_norm": Metric("Gradient norm", "The size of the raw update. Jumps are a sign of an unstable run."),
}


def curves_html(curves: Mapping[str, Sequence[Point]], total_steps: int | None, t: Texts) -> Markup:
    """Return all charts of a run: the telling ones in a grid, the others folded."""
    shown, more = ordered(curves)
    charts = join(chart_html(key, curves[key], total_steps, t) for key in shown)
    rest = join(chart_html(key, curves[key], total_steps, t) for key in more)
    fold = (
        h(
            '<details class="rs-fold" data-fold="curves"><summary>{}{}</summary><div class="rs-charts">{}'
            "</div></details>",
            icons.CHEVRON,
            t("More curves"),
            rest,
        )
        if rest
        else EMPTY
    )
    return h('<div class="rs-charts">{}</div>{}', charts, fold) if charts else fold


def ordered(curves: Mapping[str, Sequence[Point]]) -> tuple[list[str], list[str]]:
    """Return the metrics to show and those to fold. Single rewards are shown only when there are several."""
    parts = sorted(key for key in curves if key.startswith("rewards/") and key.endswith("/mean"))
    order = _REWARD_MODEL_ORDER if "accuracy" in curves else tuple(METRICS)
    shown = [key for key in order if curves.get(key)]
    if len(parts) > 1:
        place = shown.index("reward") + 1 if "reward" in shown else 0
        shown[place:place] = parts
    known = {*shown, *MORE}
    more = [key for key in MORE if curves.get(key)] + sorted(k for k in curves if k not in known and curves[k])
    return shown, more


def metric_of(key: str, t: Texts) -> Metric:
    """Return how to call a metric; an unknown one keeps its own name."""
    metric = METRICS.get(key) or MORE.get(key)
    if metric:
        return Metric(t(metric.name), t(metric.meaning), metric.share)
    if key.startswith("rewards/"):
        name, _, kind = key.removeprefix("rewards/").rpartition("/")
        what = t("Mean of this reward alone.") if kind == "mean" else t("Spread of this reward alone.")
        return Metric(f"{name or key} · {t(kind)}" if kind != "mean" else name, what)
    return Metric(key, "")


def downsample(points: Sequence[Point], limit: int = MOST_POINTS) -> list[Point]:
    """Thin a curve out to at most `limit` points: each stretch keeps its lowest and highest one.

    Spikes survive, and so do the first and the last point.
    """
    if len(points) <= limit:
        return list(points)
    middle = points[1:-1]
    buckets = max(1, (limit - 2) // 2)
    kept = [points[0]]
    for i in range(buckets):
        bucket = middle[i * len(middle) // buckets : (i + 1) * len(middle) // buckets]
        if bucket:
            extremes = {min(bucket, key=lambda p: p[1]), max(bucket, key=lambda p: p[1])}
            kept += sorted(extremes)
    return [*kept, points[-1]]


def y_range(values: Sequence[float], *, share: bool) -> tuple[float, float]:
    """Return the lower and upper end of the axis, on round numbers; shares go from 0 to 1."""
    if share:
        return 0.0, 1.0
    low, high = min(values), max(values)
    if low == high:
        pad = abs(low) * 0.1 or 1.0
        low, high = low - pad, high + pad
    step = _round_step(high - low)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def _round_step(span: float) -> float:
    """Return a round number near a third of the span."""
    power = 10.0 ** math.floor(math.log10(span / 3))
    return float(next(m for m in (1, 2, 5, 10) if m * power >= span / 3) * power)


def chart_html(key: str, points: Sequence[Point], total_steps: int | None, t: Texts) -> Markup:
    """Return one curve with its axes; each step says its value on hover."""
    metric = metric_of(key, t)
    thin = downsample(points)
    low, high = y_range([value for _, value in points], share=metric.share)
    last_step = max(total_steps or 0, thin[-1][0], 2)
    shown = percent if metric.share else number

    def place(point: Point) -> tuple[float, float]:
        x = (point[0] - 1) / (last_step - 1) * _WIDTH if point[0] >= 1 else 0.0
        return x, _HEIGHT - (point[1] - low) / (high - low) * _HEIGHT

    places = [place(point) for point in thin]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    x, y = places[-1]
    summary = t(
        "{name}: {first} at step {start}, {last} at step {end}",
        name=metric.name,
        first=shown(thin[0][1]),
        start=thin[0][0],
        last=shown(thin[-1][1]),
        end=thin[-1][0],
    )
    return h(
        '<figure class="rs-chart"><figcaption><span title="{meaning}">{name}</span><b>{last}</b></figcaption>'
        '<div class="rs-plot"><svg viewBox="0 0 {w:g} {hh:g}" preserveAspectRatio="none" role="img" '
        'aria-label="{summary}">'
        '<path class="rs-grid" d="M0 0H{w:g}M0 {mid:g}H{w:g}M0 {hh:g}H{w:g}"/><polyline class="rs-line" '
        'points="{line}"/>'
        '{hovers}</svg><i style="left:{dx:.2f}%;top:{dy:.2f}%"></i>'
        "<span>{top}</span><span>{bottom}</span></div>"
        '<div class="rs-steps"><span>1</span><span>{step}</span><span>{end}</span></div></figure>',
        meaning=metric.meaning,
        name=metric.name,
        last=shown(points[-1][1]),
        w=_WIDTH,
        hh=_HEIGHT,
        mid=_HEIGHT / 2,
        summary=summary,
        line=line,
        hovers=_hovers(thin, places, shown, t),
        dx=100 * x / _WIDTH,
        dy=100 * y / _HEIGHT,
        top=shown(high),
        bottom=shown(low),
        step=t("step"),
        end=last_step,
    )


def _hovers(
    points: Sequence[Point], places: Sequence[tuple[float, float]], shown: Callable[[float], str], t: Texts
) -> Markup:
    """Return unseen slices, one around each point, whose title is the point's value."""
    stride = math.ceil(len(points) / _MOST_HOVERS)
    picked = sorted({*range(0, len(points), stride), len(points) - 1})
    slices = []
    for n, i in enumerate(picked):
        left = 0.0 if n == 0 else (places[picked[n - 1]][0] + places[i][0]) / 2
        right = _WIDTH if n == len(picked) - 1 else (places[i][0] + places[picked[n + 1]][0]) / 2
        title = t("step {step}: {value}", step=points[i][0], value=shown(points[i][1]))
        slices.append(
            h(
                '<rect x="{:.1f}" width="{:.1f}" height="{:g}"><title>{}</title></rect>',
                left,
                max(0.1, right - left),
                _HEIGHT,
                title,
            )
        )
    return h('<g class="rs-hovers">{}</g>', join(slices))


def interval_bar(mean: float, low: float, high: float) -> Markup:
    """Return a win rate on a line from 0 to 100 % with its interval and the 50 % mark."""
    return h(
        '<span class="rs-bar" aria-hidden="true"><i class="rs-half"></i><i class="rs-span" '
        'style="left:{:.1f}%;width:{:.1f}%">'
        '</i><i class="rs-dot" style="left:{:.1f}%"></i></span>',
        100 * low,
        100 * (high - low),
        100 * mean,
    )
