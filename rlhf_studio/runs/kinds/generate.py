"""Sample completions and pair them up for annotators."""

import random
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from rlhf_studio.core.completions import Completion, Sampling
from rlhf_studio.core.config import GenerateConfig, sampling_of
from rlhf_studio.core.events import Metrics, Stage
from rlhf_studio.core.preferences import Comparison
from rlhf_studio.core.prompts import Prompt
from rlhf_studio.core.runs import RunContext, RunRecord
from rlhf_studio.core.settings import Settings
from rlhf_studio.models.hardware import probe_hardware
from rlhf_studio.models.rollouts import RolloutEngine
from rlhf_studio.runs.kinds.models import engine
from rlhf_studio.store import Store

_PROMPTS_AT_ONCE = 32


def run(settings: Settings, store: Store, record: RunRecord, context: RunContext) -> Mapping[str, Any]:
    """Sample `per_prompt` completions for each prompt; pairs that say the same are dropped."""
    config = record.config
    assert isinstance(config, GenerateConfig)
    context.emit(Stage(text="Loading the model"))
    sampler = engine(store, config.model, probe_hardware())
    prompts = _choose(store, record, config)
    context.emit(Stage(text="Sampling completions", total_steps=len(prompts)))
    added = same = 0
    for start in range(0, len(prompts), _PROMPTS_AT_ONCE):
        chunk = prompts[start : start + _PROMPTS_AT_ONCE]
        context.check_cancelled()
        completions = sample_completions(
            sampler, chunk, sampling_of(config), model_id=config.model, per_prompt=config.per_prompt,
            seed=config.seed + start,
        )  # fmt: skip
        comparisons = [c for p, row in zip(chunk, completions, strict=True) for c in _pair_up(p, row)]
        added += store.comparisons.add(record.project, comparisons)
        same += len(chunk) * (config.per_prompt // 2) - len(comparisons)
        context.emit(Metrics(step=start + len(chunk), values={"pairs": added}))
    return {"pairs": added, "same_answer_twice": same}


def _choose(store: Store, record: RunRecord, config: GenerateConfig) -> list[Prompt]:
    """Draw prompts without repetition; each run draws others, also with the same seed."""
    prompts = store.prompts.find(record.project, split=config.split)
    return random.Random(f"{config.seed} {record.id}").sample(prompts, min(config.prompts, len(prompts)))


def sample_completions(
    sampler: RolloutEngine, prompts: Sequence[Prompt], sampling: Sampling, *, model_id: str, per_prompt: int, seed: int
) -> list[list[Completion]]:
    """Sample `per_prompt` completions for each prompt."""
    rollouts = sampler.sample([p.messages for p in prompts], sampling, per_prompt=per_prompt, seed=seed)
    return [
        [
            Completion(secrets.token_hex(8), prompt.id, sampler.text(r), model_id, sampling, seed, r.truncated)
            for r in row
        ]
        for prompt, row in zip(prompts, rollouts, strict=True)
    ]


def _pair_up(prompt: Prompt, completions: Sequence[Completion]) -> list[Comparison]:
    pairs = zip(completions[::2], completions[1::2], strict=False)
    return [Comparison(secrets.token_hex(8), prompt, a, b) for a, b in pairs if a.text != b.text]
