"""A studio of the same shape as the real one, with content that looks like a project's."""

import math
import random
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rlhf_studio.core.config import CompareConfig, GRPOConfig, RewardModelConfig, RewardTerm, RunConfig
from rlhf_studio.core.errors import InvalidInput, NotFound
from rlhf_studio.core.events import SampleRow
from rlhf_studio.core.figures import Figure
from rlhf_studio.core.models import ModelRecord
from rlhf_studio.core.preferences import AnnotatorKind, Choice
from rlhf_studio.core.prompts import Prompt, user_prompt
from rlhf_studio.core.runs import Estimate, RunRecord
from rlhf_studio.core.settings import settings_for
from rlhf_studio.studio.comparing import ComparisonResult, ModelResult, PromptResult
from rlhf_studio.studio.data import FilePreview, ImportReport
from rlhf_studio.studio.overview import NextStep, Overview
from rlhf_studio.studio.runs import RunView

BAD = '<img src=x onerror="alert(1)"> {{value}} ${value}'
"""What a model may say that must never run in a page."""

_NOW = datetime.now(UTC)
_PROMPTS = [
    "My neighbour plays the drums until midnight. How can I bring it up kindly?",
    "Should I buy a used car or keep repairing my old one? Give me two things to consider.",
    "I keep forgetting birthdays. What simple habit would help?",
    "室友总是半夜打游戏，声音很大，我该怎么跟他说？",
    "Explain what a hash map is to someone who cooks.",
    "Write a two-line poem about a late train.",
]
_ANSWERS = [
    "Pick a calm moment, say how the late drumming affects your sleep, and ask together for an hour that "
    "suits you both.",
    "You could talk to your neighbour. You could talk to your neighbour about the drums. You could talk about it.",
    "Set a calendar reminder one week ahead, with the gift idea written in the note.\n\n1. Add each birthday once.\n"
    "2. Let it repeat every year.",
    BAD,
]


def reward_model_run(run_id: str = "rm-1", **values: Any) -> RunRecord:
    record = RunRecord(
        run_id,
        "default",
        RewardModelConfig(),
        "finished",
        _NOW - timedelta(hours=3),
        started_at=_NOW - timedelta(hours=3),
        finished_at=_NOW - timedelta(hours=2, minutes=58),
    )
    return replace(record, **values)


def grpo_run(run_id: str = "grpo-1", **values: Any) -> RunRecord:
    record = RunRecord(
        run_id,
        "default",
        GRPOConfig(steps=40, rewards=(RewardTerm(reward="rm-1"), RewardTerm(reward="short", weight=0.5))),
        "running",
        _NOW - timedelta(minutes=9),
        started_at=_NOW - timedelta(minutes=9),
    )
    return replace(record, **values)


def compare_run(run_id: str = "compare-1", **values: Any) -> RunRecord:
    record = RunRecord(
        run_id,
        "default",
        CompareConfig(models=("starter", "grpo-1"), reward_model="rm-1", best_of=4),
        "finished",
        _NOW - timedelta(minutes=4),
        started_at=_NOW - timedelta(minutes=4),
        finished_at=_NOW - timedelta(minutes=1),
    )
    return replace(record, **values)


def curves(kind: str, steps: int) -> dict[str, list[tuple[int, float]]]:
    """Return curves that look like those of a run of this kind."""
    draw = random.Random(7)

    def curve(f: Any, noise: float) -> list[tuple[int, float]]:
        return [(i, f(i) + draw.gauss(0, noise)) for i in range(1, steps + 1)]

    if kind == "rm":
        return {
            "loss": curve(lambda i: 0.35 + 0.34 * math.exp(-i / 8), 0.03),
            "accuracy": [(i, min(1.0, max(0.0, v))) for i, v in curve(lambda i: 0.85 - 0.35 * math.exp(-i / 8), 0.08)],
            "margin": curve(lambda i: 1.4 * (1 - math.exp(-i / 10)), 0.15),
            "reward": curve(lambda i: 0.02 * i, 0.1),
            "learning_rate": curve(lambda i: 2e-4 * (1 - i / (steps + 1)), 0),
            "grad_norm": curve(lambda i: 2.0, 0.4),
        }
    return {
        "reward": curve(lambda i: 0.2 + 0.9 * (1 - math.exp(-i / 18)), 0.08),
        "rewards/rm-1/mean": curve(lambda i: 0.1 + 0.7 * (1 - math.exp(-i / 18)), 0.08),
        "rewards/short/mean": curve(lambda i: 0.3 + 0.4 * (1 - math.exp(-i / 12)), 0.05),
        "rewards/rm-1/std": curve(lambda i: 0.4, 0.05),
        "kl": curve(lambda i: 0.0009 * i, 0.002),
        "completion_length": curve(lambda i: 52 - 0.4 * i, 2.5),
        "cut_off": [(i, min(1.0, max(0.0, v))) for i, v in curve(lambda i: 0.45 - 0.007 * i, 0.05)],
        "reward_std": curve(lambda i: 0.45 - 0.004 * i, 0.03),
        "entropy": curve(lambda i: 2.1 - 0.01 * i, 0.05),
        "loss": curve(lambda i: 0.0, 0.01),
        "learning_rate": curve(lambda i: 1e-4, 0),
        "grad_norm": curve(lambda i: 0.3, 0.05),
        "no_signal": [(i, 0.0) for i in range(1, steps + 1)],
    }


class FakeRuns:
    def __init__(self, records: list[RunRecord]) -> None:
        self.records = records
        self.problems: tuple[str, ...] = ()
        self.started: list[RunConfig] = []
        self.step: int | None = None
        self._born = datetime.now(UTC)

    def estimate(self, project: str, config: RunConfig) -> Estimate:
        works_on = {
            "rm": "42 of people's preferences with a side (5 ties and 3 both-bad left out)",
            "grpo": "40 steps of 4 prompts × 8 completions, against 1 × rm-1",
            "compare": "60 held-out prompts, starter against grpo-1, scored by rm-1",
        }[config.kind]
        seconds = {"rm": 150.0 * getattr(config, "epochs", 3) / 3, "grpo": 640.0, "compare": 95.0}[config.kind]
        return Estimate(works_on, None if self.problems else seconds, self.problems)

    def start(self, project: str, config: RunConfig) -> RunRecord:
        if self.problems:
            raise InvalidInput(self.problems[0])
        self.started.append(config)
        record = RunRecord(
            f"{config.kind}-{len(self.records) + 1}", project, config, "running", datetime.now(UTC), datetime.now(UTC)
        )
        self.records.insert(0, record)
        self._born = datetime.now(UTC)
        return record

    def get(self, run_id: str) -> RunRecord:
        for record in self.records:
            if record.id == run_id:
                return record
        raise NotFound(f"There is no run {run_id!r}.")

    def all(self, project: str, *, kind: str | None = None, limit: int | None = None) -> list[RunRecord]:
        return [r for r in self.records if kind in (None, r.config.kind)][:limit]

    def cancel(self, run_id: str) -> RunRecord:
        self.records = [replace(r, cancel_requested=True) if r.id == run_id else r for r in self.records]
        return self.get(run_id)

    def view(self, run_id: str) -> RunView:
        record = self.get(run_id)
        total = {"rm": 18, "grpo": 40, "compare": 120}[record.config.kind]
        seconds = (datetime.now(UTC) - self._born).total_seconds()
        step = total if record.ended else self.step if self.step is not None else min(total - 1, 12 + int(seconds / 2))
        stages = {
            "rm": "Learning from the votes",
            "grpo": "Learning from the reward",
            "compare": "Sampling answers of grpo-1",
        }
        view = RunView(
            record,
            stages[record.config.kind],
            step,
            total,
            None if record.ended else (total - step) * 14.0,
            {"completions": [(step, step)]} if record.config.kind == "compare" else curves(record.config.kind, step),
            step if record.config.kind == "grpo" else None,
            [
                SampleRow(
                    prompt=_PROMPTS[i % 6],
                    completion=_ANSWERS[i % 4],
                    rewards={"rm-1": 0.81 - i / 5, "short": 0.4 if i else None},
                )
                for i in range(4)
            ]
            if record.config.kind == "grpo"
            else [],
            ["2 of 42 pairs are longer than max_length = 512 tokens and were left out."]
            if record.config.kind == "rm"
            else [],
        )
        if record.status == "finished" and record.config.kind == "rm":
            accuracy = {
                "mean": 0.72,
                "low": 0.55,
                "high": 0.84,
                "n": 29,
                "measured_on": "29 people's votes on prompts kept out of training",
            }
            return replace(
                view, result={"model": run_id, "pairs": 36, "too_long": 2, "held_out": 29, "accuracy": accuracy}
            )
        if record.status == "failed":
            return replace(
                view,
                failure="The machine ran out of memory. Lower batch_size and start again.",
                log=f"Traceback …\n{BAD}",
            )
        return view


class FakeOverview:
    def __init__(self, overview: Overview) -> None:
        self.overview = overview

    def of(self, project: str) -> Overview:
        return self.overview


class FakeData:
    def __init__(self) -> None:
        self.broken = False
        self.held = [
            user_prompt(text, split="eval" if i == 2 else "train", category="advice") for i, text in enumerate(_PROMPTS)
        ]
        self.counts: dict[AnnotatorKind, dict[Choice, int]] = {
            "human": {"a": 22, "b": 20, "tie": 5, "both_bad": 3, "skip": 2},
            "simulated": {"a": 80, "b": 70},
        }

    def preview(self, path: Path) -> FilePreview:
        if self.broken or "broken" in path.name:
            raise InvalidInput(
                f"{path.name}, line 3: 'rejected' is missing. Every line needs prompt, chosen and rejected."
            )
        first = tuple({"prompt": p, "chosen": _ANSWERS[i], "rejected": BAD} for i, p in enumerate(_PROMPTS[:3]))
        return FilePreview("preferences", 128, ("prompt", "chosen", "rejected"), first)

    def import_file(self, project: str, path: Path) -> ImportReport:
        self.preview(path)
        return ImportReport("comparisons", 120, 8)

    def export_preferences(self, project: str, path: Path, *, kinds: Collection[AnnotatorKind] = ("human",)) -> int:
        path.write_text("{}\n")
        return 42

    def prompts(
        self, project: str, *, split: str | None = None, limit: int | None = None, offset: int = 0
    ) -> list[Prompt]:
        return self.held[:limit]

    def votes(self, project: str) -> dict[AnnotatorKind, dict[Choice, int]]:
        return self.counts


class FakeModels:
    def __init__(self, records: list[ModelRecord]) -> None:
        self.records = records

    def all(self, kind: str | None = None, project: str | None = None) -> list[ModelRecord]:
        return [r for r in self.records if kind in (None, r.kind)]


class FakeComparing:
    def __init__(self) -> None:
        self.people: dict[str, Figure] = {}
        self.sent_to_vote = 0
        self.result = comparison()

    def latest(self, project: str) -> None:
        return None

    def of(self, run_id: str) -> ComparisonResult:
        return self.result

    def to_vote(self, project: str, run_id: str) -> int:
        self.sent_to_vote += 1
        return 60

    def human_votes(self, run_id: str) -> Mapping[str, Figure]:
        return self.people


def comparison(prompts: int = 23) -> ComparisonResult:
    on = f"{prompts} held-out prompts, by rm-1"
    names = ("starter", "grpo-1", "starter (best of 4)")
    rates = (None, Figure(0.64, 0.52, 0.75, 60, on), Figure(0.58, 0.45, 0.69, 60, on))
    models = [
        ModelResult(
            name,
            Figure(0.2 + i / 3, 0.1 + i / 3, 0.31 + i / 3, 60, on),
            Figure(61 - 8 * i, 56 - 8 * i, 66 - 8 * i, 60, on),
            Figure(0.2, 0.12, 0.32, 60, on),
            rates[i],
        )
        for i, name in enumerate(names)
    ]
    rows = [
        PromptResult(
            _PROMPTS[i % 6],
            {name: _ANSWERS[(i + j) % 4] for j, name in enumerate(names)},
            {name: 0.3 * j - 0.1 for j, name in enumerate(names)},
        )
        for i in range(prompts)
    ]
    caution = "grpo-1 learned to please rm-1, so its rewards flatter it. Vote blind on these answers."
    return ComparisonResult(models, rows, "rm-1", caution)


def model(model_id: str, kind: Any, **values: Any) -> ModelRecord:
    return ModelRecord(model_id, kind, Path("/nowhere"), _NOW, **values)


class FakeStudio:
    """`stage` is how far the project is: fresh, voted, running or done."""

    def __init__(self, stage: str = "done") -> None:
        self.settings = settings_for(Path(tempfile.mkdtemp(prefix="fake-studio-")))
        self.settings.exports_dir.mkdir()
        starter = model("starter", "base", note="SmolLM2-135M-Instruct")
        rm, policy = (
            model("rm-1", "reward_model", run_id="rm-1"),
            model("grpo-1", "policy", run_id="grpo-1", parent_id="starter"),
        )
        on = "29 people's votes on prompts kept out of training"
        fresh = Overview(
            {"train": 180, "eval": 60},
            24,
            0,
            0,
            0,
            None,
            None,
            0,
            None,
            None,
            None,
            NextStep("label", "Vote on pairs", "30 more votes with a side and a reward model can learn.", "/label"),
        )
        voted = replace(
            fresh,
            votes=52,
            decisive_votes=42,
            simulated_votes=150,
            waiting=16,
            next_step=NextStep(
                "train_rm", "Train reward model", "42 votes with a side are ready to learn from.", "/train"
            ),
        )
        running = replace(
            voted,
            reward_model=rm,
            accuracy=Figure(0.72, 0.55, 0.84, 29, on),
            runs=2,
            active_run=grpo_run(),
            next_step=NextStep("watch", "Watch the run", "grpo-1 is running.", "/train?run=grpo-1"),
        )
        done = replace(
            running,
            active_run=None,
            best_policy=policy,
            runs=3,
            win_rate=Figure(0.64, 0.52, 0.75, 60, "60 held-out prompts, by rm-1"),
            next_step=NextStep(
                "label_more", "Vote on new pairs", "Pairs of grpo-1 teach the next reward model.", "/label"
            ),
        )
        finished = reward_model_run()
        failed = reward_model_run("rm-0", status="failed", created_at=_NOW - timedelta(hours=5))
        records = {
            "fresh": [],
            "voted": [],
            "running": [grpo_run(), finished, failed],
            "done": [compare_run(), grpo_run(status="finished"), finished, failed],
        }[stage]
        models = {"fresh": [starter], "voted": [starter], "running": [starter, rm], "done": [starter, rm, policy]}[
            stage
        ]
        self.overview = FakeOverview({"fresh": fresh, "voted": voted, "running": running, "done": done}[stage])
        self.runs = FakeRuns(records)
        self.data = FakeData()
        self.models = FakeModels(models)
        self.comparing = FakeComparing()
        if stage == "fresh":
            self.runs.problems = (
                "A reward model needs at least 8 of people's preferences with a side; there are 0. Vote on 8 "
                "more pairs.",
            )
            self.data.counts = {}
