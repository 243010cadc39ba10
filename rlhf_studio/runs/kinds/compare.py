"""Put models side by side on held-out prompts and score them with a reward model."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rlhf_studio.core.completions import Completion
from rlhf_studio.core.config import CompareConfig, sampling_of
from rlhf_studio.core.events import Metrics, Stage
from rlhf_studio.core.prompts import Prompt
from rlhf_studio.core.runs import RunContext, RunRecord
from rlhf_studio.core.settings import Settings
from rlhf_studio.evaluation.intervals import mean, proportion
from rlhf_studio.evaluation.win_rate import win_rate
from rlhf_studio.models.directory import count_tokens
from rlhf_studio.models.hardware import probe_hardware
from rlhf_studio.models.rollouts import RolloutEngine
from rlhf_studio.rewards.learned import LearnedReward, conversation
from rlhf_studio.runs.kinds.generate import sample_completions
from rlhf_studio.runs.kinds.models import engine, learned_reward, paths
from rlhf_studio.store import Store

_PROMPTS_AT_ONCE = 32


def run(settings: Settings, store: Store, record: RunRecord, context: RunContext) -> Mapping[str, Any]:
    """Sample every model's answers, score them, and count wins against the first model."""
    config = record.config
    assert isinstance(config, CompareConfig)
    hardware = probe_hardware()
    prompts = _choose(store, record.project, config)
    best_of = config.best_of if config.best_of > 1 else 0
    total = len(prompts) * (len(config.models) + best_of)
    progress = _Progress(context, total)
    context.emit(Stage(text="Loading the models", total_steps=total))
    reward = learned_reward(store, config.reward_model, hardware) if config.reward_model else None
    answers: dict[str, list[Completion]] = {}
    for model in config.models:
        context.emit(Stage(text=f"Sampling answers of {model}"))
        sampler = engine(store, model, hardware)
        answers[model] = [row[0] for row in _sample(sampler, prompts, config, model, 1, progress)]
        if best_of and reward and model == config.models[0]:
            context.emit(Stage(text=f"Sampling best of {best_of} of {model}"))
            rows = _sample(sampler, prompts, config, model, best_of, progress)
            answers[f"{model} (best of {best_of})"] = _best(reward, prompts, rows)
    context.emit(Stage(text="Scoring the answers"))
    scores = {name: _score(reward, prompts, row) for name, row in answers.items()} if reward else {}
    result = _result(store, config, prompts, answers, scores)
    _remember(store, config, result)
    return result


class _Progress:
    """Counts sampled completions, at most one event for each batch of prompts."""

    def __init__(self, context: RunContext, total: int) -> None:
        self._context = context
        self._total = total
        self._done = 0

    def add(self, completions: int) -> None:
        self._done += completions
        self._context.emit(Metrics(step=self._done, values={"completions": self._done}))
        self._context.check_cancelled()


def _choose(store: Store, project: str, config: CompareConfig) -> list[Prompt]:
    prompts = store.prompts.find(project, split="eval")
    return random.Random(config.seed).sample(prompts, min(config.prompts, len(prompts)))


def _sample(
    sampler: RolloutEngine, prompts: Sequence[Prompt], config: CompareConfig, model: str, per_prompt: int,
    progress: _Progress,
) -> list[list[Completion]]:  # fmt: skip
    """Sample in chunks; best-of-n draws with another seed than the single answer it is compared with."""
    rows: list[list[Completion]] = []
    for start in range(0, len(prompts), _PROMPTS_AT_ONCE):
        chunk = prompts[start : start + _PROMPTS_AT_ONCE]
        seed = config.seed * 7919 + start + (1_000_000 if per_prompt > 1 else 0)
        rows += sample_completions(
            sampler, chunk, sampling_of(config), model_id=model, per_prompt=per_prompt, seed=seed
        )
        progress.add(len(chunk) * per_prompt)
    return rows


def _score(reward: LearnedReward, prompts: Sequence[Prompt], row: Sequence[Completion]) -> list[float]:
    return reward.score([conversation(p, c.text) for p, c in zip(prompts, row, strict=True)])


def _best(reward: LearnedReward, prompts: Sequence[Prompt], rows: Sequence[Sequence[Completion]]) -> list[Completion]:
    """Return each prompt's completion with the highest reward."""
    flat = [(p, c) for p, row in zip(prompts, rows, strict=True) for c in row]
    scores = iter(reward.score([conversation(p, c.text) for p, c in flat]))
    return [max(row, key=lambda c: next(scores)) for row in rows]


def _result(
    store: Store, config: CompareConfig, prompts: Sequence[Prompt], answers: Mapping[str, Sequence[Completion]],
    scores: Mapping[str, Sequence[float]],
) -> dict[str, Any]:  # fmt: skip
    """Return the figures of each model and every prompt with its answers, as JSON."""
    on = f"{len(prompts)} held-out prompts"
    by = f"{on}, by {config.reward_model}"
    _, base, _ = paths(store, config.models[0])
    first = scores.get(config.models[0])
    models = []
    for name, row in answers.items():
        own = scores.get(name)
        lengths = [float(n) for n in count_tokens(base, [c.text for c in row])]
        cut_off = proportion(sum(c.truncated for c in row), len(row), measured_on=on)
        models.append({
            "model": name,
            "reward": asdict(mean(own, measured_on=by)) if own else None,
            "tokens": asdict(mean(lengths, measured_on=on)),
            "cut_off": asdict(cut_off),
            "win_rate": asdict(win_rate(own, first, measured_on=by)) if own and first and own is not first else None,
        })  # fmt: skip
    rows = [
        {
            "prompt_id": prompt.id,
            "prompt": prompt.text,
            "completions": {name: row[i].text for name, row in answers.items()},
            "rewards": {name: scores[name][i] if name in scores else None for name in answers},
        }
        for i, prompt in enumerate(prompts)
    ]
    return {
        "models": models, "prompts": rows, "measured_by": config.reward_model, "caution": _caution(store, config),
    }  # fmt: skip


def _caution(store: Store, config: CompareConfig) -> str:
    """Say when the judge is the very reward that a policy was trained to please."""
    trained = [m for m in config.models if config.reward_model in _trained_against(store, m)]
    if not trained:
        return ""
    return (
        f"{' and '.join(trained)} learned to please {config.reward_model}, so its rewards flatter "
        f"{'it' if len(trained) == 1 else 'them'}. Votes of people are the honest judge: vote blind on these answers."
    )


def _trained_against(store: Store, model_id: str) -> list[str]:
    against = store.models.get(model_id).metrics.get("trained_against", [])
    return list(against)


def _remember(store: Store, config: CompareConfig, result: Mapping[str, Any]) -> None:
    """Keep each policy's win rate against its first model in the registry, for the home page."""
    rates = {row["model"]: row["win_rate"] for row in result["models"]}
    for model_id in config.models[1:]:
        record = store.models.get(model_id)
        if record.kind == "policy" and rates[model_id]:
            metrics = {**record.metrics, "win_rate": rates[model_id], "win_rate_against": config.models[0]}
            store.models.set_metrics(model_id, metrics)
