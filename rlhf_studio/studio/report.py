"""The demo's report: one HTML file with its figures, curves and samples, that can be mailed."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 420, 150, 44, 20
_STYLE = """
body{font:16px/1.55 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c1d1f;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2.2rem}table{border-collapse:collapse;width:100%}
td,th{padding:.4rem .6rem;border-bottom:1px solid #e1e1dd;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.muted{color:#63666b}
.curves{display:flex;flex-wrap:wrap;gap:1rem}svg text{font-size:11px;fill:#63666b}figure{margin:0}
@media(prefers-color-scheme:dark){body{background:#151618;color:#e9e9e6}td,th{border-color:#33363b}.muted{color:#a2a5aa}}
"""


def write_report(path: Path, figures: Mapping[str, Any]) -> None:
    """Write the report of a demo's figures."""
    path.write_text(report_html(figures), encoding="utf-8")


def report_html(figures: Mapping[str, Any]) -> str:
    """Return the report as a page that needs nothing from anywhere."""
    plan, rates, rm = figures["plan"], figures["win_rate"], figures["reward_model"]
    rows = [
        ("Votes used", f"{figures['labels']:,}, {plan['noise']:.0%} of them wrong on purpose", ""),
        ("Reward model, noiseless held-out pairs", _percent(rm["noiseless_pairs"]), _on(rm["noiseless_pairs"])),
        ("Reward model, held-out votes", _percent(rm["held_out_votes"]), _on(rm["held_out_votes"])),
        ("Aligned beats the starter", _percent(rates["aligned_vs_starter"]), _on(rates["aligned_vs_starter"])),
        (f"Baseline: best of {plan['best_of']} beats the starter", _percent(rates["best_of_n_vs_starter"]),
         _on(rates["best_of_n_vs_starter"])),
        ("Aligned beats the baseline", _percent(rates["aligned_vs_best_of_n"]), _on(rates["aligned_vs_best_of_n"])),
        *((f"Length of {name}", f"{f['mean']:.0f} tokens [{f['low']:.0f}, {f['high']:.0f}]", _on(f))
          for name, f in figures["tokens"].items()),
        *((f"Time: {name}", f"{seconds:.0f} s", "") for name, seconds in figures["stage_seconds"].items()),
        ("Time in all", f"{figures['seconds'] / 60:.1f} min", figures["machine"]["system"]),
        ("Peak memory", f"{figures['peak_memory_mb']:,} MB", "the largest of the runs"),
    ]  # fmt: skip
    table = "".join(
        f'<tr><td>{escape(name)}</td><td class="n">{escape(value)}</td><td class="muted">{escape(on)}</td></tr>'
        for name, value, on in rows
    )
    curves = figures["curves"]
    charts = "".join(
        [
            _chart("Reward model: loss", curves["rm"].get("loss", [])),
            _chart("Reward model: accuracy while learning", curves["rm"].get("accuracy", [])),
            _chart("GRPO: reward", curves["grpo"].get("reward", [])),
            _chart("GRPO: KL from the starter", curves["grpo"].get("kl", [])),
            _chart("GRPO: completion length", curves["grpo"].get("completion_length", [])),
        ]
    )
    samples = "".join(_sample(row) for row in figures["samples"])
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>RLHF Studio demo</title><style>{_STYLE}</style>'
        f"<h1>The whole loop, with a simulated annotator</h1><p>{escape(figures['model'])}. Taste: "
        f"{escape(figures['taste'])} Seed {plan['seed']}. All votes are simulated; no person took part. "
        "Intervals are 95 %.</p>"
        f"<table>{table}</table><h2>Curves</h2><div class='curves'>{charts}</div><h2>Answers</h2>{samples}</html>\n"
    )


def _percent(figure: Mapping[str, Any] | None) -> str:
    if figure is None:
        return "not measured"
    return f"{figure['mean']:.0%} [{figure['low']:.0%}, {figure['high']:.0%}]"


def _on(figure: Mapping[str, Any] | None) -> str:
    return str(figure["measured_on"]) if figure else ""


def _chart(title: str, points: Sequence[Sequence[float]]) -> str:
    if len(points) < 2:
        return ""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    low, high = min(ys), max(ys)
    span = (high - low) or 1.0

    def place(x: float, y: float) -> str:
        px = _LEFT + (x - xs[0]) / ((xs[-1] - xs[0]) or 1) * (_WIDTH - _LEFT - 8)
        return f"{px:.1f},{8 + (high - y) / span * (_HEIGHT - _BOTTOM - 8):.1f}"

    line = " ".join(place(x, y) for x, y in zip(xs, ys, strict=True))
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg width="{_WIDTH}" height="{_HEIGHT}" role="img">'
        f'<text x="0" y="14">{high:.3g}</text><text x="0" y="{_HEIGHT - _BOTTOM}">{low:.3g}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 4}">step {xs[0]:g}</text>'
        f'<text x="{_WIDTH - 8}" y="{_HEIGHT - 4}" text-anchor="end">step {xs[-1]:g}</text>'
        f'<polyline points="{line}" fill="none" stroke="#2f5fd0" stroke-width="1.5"/></svg></figure>'
    )


def _sample(row: Mapping[str, Any]) -> str:
    answers = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(text)}</td></tr>" for name, text in row["completions"].items()
    )
    return f"<h3>{escape(row['prompt'])}</h3><table>{answers}</table>"
