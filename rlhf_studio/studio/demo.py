"""The whole loop without a person: a simulated annotator with a written taste and noise.

Generate pairs, label, train a reward model, align, compare; every step is the same call that
the pages make. What the taste says without its noise is the judge at the end, since nothing
was trained on that.
"""

import json
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rlhf_studio import __version__
from rlhf_studio.core.config import CompareConfig, GenerateConfig, GRPOConfig, RewardModelConfig, RewardTerm, RunConfig
from rlhf_studio.core.errors import Conflict
from rlhf_studio.core.events import Failed, Metrics, Stage, Warning
from rlhf_studio.core.figures import Figure
from rlhf_studio.core.models import STARTER_ID
from rlhf_studio.core.runs import RunRecord
from rlhf_studio.evaluation.intervals import mean
from rlhf_studio.evaluation.win_rate import win_rate
from rlhf_studio.preferences.simulated import SimulatedAnnotator, taste_named
from rlhf_studio.studio.comparing import ComparisonResult
from rlhf_studio.studio.models import STARTER_NOTE
from rlhf_studio.studio.report import write_report
from rlhf_studio.studio.starter import add_starter_content
from rlhf_studio.studio.studio import Studio

Report = Callable[[str], None]
_POLL_SECONDS = 0.5
_SPARE_PROMPTS = 1.15
"""More prompts than labels: pairs with two equal answers and ties give no label."""


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What a demo does. `held_out` counts prompts that no training sees; completions end at `max_new_tokens`."""

    model: str = STARTER_ID
    taste: str = "concise"
    noise: float = 0.25
    seed: int = 0
    labels: int = 200
    steps: int = 20
    held_out: int = 100
    best_of: int = 16
    max_new_tokens: int = 48


def run_demo(studio: Studio, plan: DemoPlan, *, out: Path, json_file: Path | None, report: Report) -> dict[str, Any]:
    """Run the loop, write `out`/report.html and the JSON, and return its figures.

    Raises Conflict with its cause when a run does not finish.
    """
    began = time.monotonic()
    project = f"demo {datetime.now(UTC):%Y-%m-%d %H.%M.%S} seed {plan.seed}"
    studio.open_project(project)
    add_starter_content(studio.store, project, comparisons=False)
    if plan.model == STARTER_ID:
        studio.models.add(STARTER_ID, report=report)
    annotator = SimulatedAnnotator(taste_named(plan.taste), plan.noise, plan.seed)
    report(f"Taste {plan.taste!r}: {annotator.taste.description} {plan.noise:.0%} of the votes are wrong on purpose.")
    oracle = SimulatedAnnotator(annotator.taste, 0.0, plan.seed)
    stages = _Stages(studio, project, report)

    stages.run("pairs to label", GenerateConfig(
        model=plan.model, prompts=round(plan.labels * _SPARE_PROMPTS), temperature=1.0,
        max_new_tokens=plan.max_new_tokens, seed=plan.seed,
    ))  # fmt: skip
    stages.run("pairs to measure on", GenerateConfig(
        model=plan.model, prompts=plan.held_out, split="eval", temperature=1.0, max_new_tokens=plan.max_new_tokens,
        seed=plan.seed,
    ))  # fmt: skip
    labels = studio.data.simulate(project, annotator, plan.labels)
    studio.data.simulate(project, oracle, plan.held_out, split="eval")
    report(f"{labels} votes by the simulated annotator")
    rm = stages.run("reward model", RewardModelConfig(
        model=plan.model, annotators="simulated", held_out=0.1, seed=plan.seed,
    ))  # fmt: skip
    grpo = stages.run("alignment", GRPOConfig(
        model=plan.model, rewards=(RewardTerm(reward=rm.id),), steps=plan.steps, prompts_per_step=2, learning_rate=1e-3,
        max_new_tokens=plan.max_new_tokens, seed=plan.seed,
    ))  # fmt: skip
    compared = stages.run("comparison", CompareConfig(
        models=(plan.model, grpo.id), reward_model=rm.id, prompts=plan.held_out, best_of=plan.best_of,
        temperature=1.0, max_new_tokens=plan.max_new_tokens, seed=plan.seed,
    ))  # fmt: skip

    judge = studio.models.get(rm.id).metrics["accuracy_by_annotator"]
    reward_model = {
        "accuracy_noiseless": judge[oracle.annotator.id]["mean"],
        "noiseless_pairs": judge[oracle.annotator.id],
        "held_out_votes": judge.get(annotator.annotator.id),
    }
    figures = {"plan": asdict(plan), "taste": annotator.taste.description, "labels": labels}
    figures |= {"reward_model": reward_model} | _figures(studio.comparing.of(compared.id), plan, annotator, grpo.id)
    figures["curves"] = {name: studio.runs.view(record.id).curves for name, record in (("rm", rm), ("grpo", grpo))}
    figures |= {"stage_seconds": stages.seconds, "seconds": round(time.monotonic() - began, 1)}
    figures |= {"peak_memory_mb": max(stages.peak_memory_mb), "project": project}
    out.mkdir(parents=True, exist_ok=True)
    write_report(out / "report.html", figures)
    if json_file is not None:
        json_file.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for line in _summary(figures, out):
        report(line)
    return figures


class _Stages:
    """Runs one config after the other and reports on each."""

    def __init__(self, studio: Studio, project: str, report: Report) -> None:
        self._studio = studio
        self._project = project
        self._report = report
        self.seconds: dict[str, float] = {}
        self.peak_memory_mb: list[int] = []

    def run(self, name: str, config: RunConfig) -> RunRecord:
        began = time.monotonic()
        estimate = self._studio.runs.estimate(self._project, config)
        about = f" (about {estimate.seconds / 60:.0f} min)" if estimate.seconds else ""
        self._report(f"== {name}: {estimate.works_on}{about}")
        record = self._studio.runs.start(self._project, config)
        record = self._follow(record)
        self.seconds[name] = round(time.monotonic() - began, 1)
        view = self._studio.runs.view(record.id)
        if record.status != "finished":
            raise Conflict(f"The demo stopped: {record.id} {record.status}. {view.failure}".strip())
        self.peak_memory_mb.append(int(view.result.get("peak_memory_mb", 0)))
        self._report(f"   {name} took {self.seconds[name]:.0f} s")
        return record

    def _follow(self, record: RunRecord) -> RunRecord:
        after, total, shown_step = 0, None, 0
        while True:
            self._studio.supervisor.tick()
            record = self._studio.runs.get(record.id)
            for stored in self._studio.runs.events(record.id, after=after):
                after = stored.seq
                match stored.event:
                    case Stage(text=text, total_steps=steps):
                        total = steps or total
                        self._report(f"   {text}")
                    case Metrics(step=step, values=values) if (
                        step in (1, total) or step >= shown_step + (total or 0) / 10
                    ):
                        shown_step = step
                        shown = ("loss", "accuracy", "reward", "kl", "completion_length", "pairs", "completions")
                        figures = "  ".join(f"{k} {values[k]:.3g}" for k in shown if k in values)
                        self._report(f"   step {step} of {total or '?'}  {figures}")
                    case Warning(plain_words=words):
                        self._report(f"   note: {words}")
                    case Failed(cause=cause):
                        self._report(f"   failed: {cause}")
            if record.ended:
                return record
            time.sleep(_POLL_SECONDS)


def _figures(result: ComparisonResult, plan: DemoPlan, annotator: SimulatedAnnotator, aligned: str) -> dict[str, Any]:
    """Judge the compared answers by the taste itself."""
    texts = {m.model: [row.completions[m.model] for row in result.prompts] for m in result.models}
    on = f"{len(result.prompts)} held-out prompts, by the taste without noise"
    best = f"{plan.model} (best of {plan.best_of})"

    def beats(ours: str, theirs: str) -> Figure:
        pairs = zip(texts[ours], texts[theirs], strict=True)
        advantages = [annotator.taste.advantage(a, b) for a, b in pairs]
        return win_rate(advantages, [0.0] * len(advantages), measured_on=on)

    rates = {
        "aligned_vs_starter": beats(aligned, plan.model),
        "best_of_n_vs_starter": beats(best, plan.model),
        "aligned_vs_best_of_n": beats(aligned, best),
    }
    tastes = {model: [annotator.taste.score(text) for text in row] for model, row in texts.items()}
    return {
        "win_rate": {name: asdict(figure) for name, figure in rates.items()},
        "taste_score": {name: asdict(mean(values, measured_on=on)) for name, values in tastes.items()},
        "tokens": {m.model: asdict(m.tokens) for m in result.models},
        "samples": [asdict(row) for row in result.prompts[:8]],
        "machine": {"system": platform.platform(), "python": platform.python_version()},
        "version": __version__,
        "model": STARTER_NOTE if plan.model == STARTER_ID else plan.model,
    }


def _summary(figures: Mapping[str, Any], out: Path) -> list[str]:
    def show(figure: Mapping[str, Any]) -> str:
        return f"{figure['mean']:.0%} [{figure['low']:.0%}, {figure['high']:.0%}] (n = {figure['n']})"

    rates = figures["win_rate"]
    return [
        f"Reward model, noiseless held-out pairs:  {show(figures['reward_model']['noiseless_pairs'])}",
        f"Aligned against starter, by the taste:   {show(rates['aligned_vs_starter'])}",
        f"Best-of-n against starter, the baseline: {show(rates['best_of_n_vs_starter'])}",
        f"{figures['seconds'] / 60:.1f} minutes, at most {figures['peak_memory_mb']:,} MB of memory",
        f"Report: {out / 'report.html'}",
    ]
