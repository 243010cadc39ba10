"""What stands in the way of a run, and what it will work on: checked before anything is queued."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rlhf_studio.core.config import CompareConfig, GenerateConfig, GRPOConfig, RewardModelConfig, RewardTerm, RunConfig
from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.core.models import ModelKind, ModelRecord
from rlhf_studio.core.preferences import AnnotatorKind, Choice, Preference
from rlhf_studio.core.settings import Settings
from rlhf_studio.preferences.split import is_held_out
from rlhf_studio.rewards.names import RULES
from rlhf_studio.store import Store

MIN_PAIRS = 8
"""Fewest preferences with a side that a reward model is trained on: fewer only teach it chance."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A config with its blanks filled in, the frozen data it trains on, and that in words."""

    config: RunConfig
    works_on: str
    prompts: int
    completions: int
    pairs: int = 0
    snapshot_id: str | None = None
    problems: Sequence[str] = field(default=())


def prepare(settings: Settings, store: Store, project: str, config: RunConfig) -> Prepared:
    """Fill in the blanks of a config and freeze what it trains on.

    Raises InvalidInput with the first thing that stands in the way.
    """
    ready = inspect(store, project, config)
    if ready.problems:
        raise InvalidInput(ready.problems[0])
    if isinstance(config, RewardModelConfig):
        ids = [p.id for p in preferences_with_a_side(store, project, config)]
        snapshot = store.snapshots.add(project, {"annotators": config.annotators}, ids)
        return Prepared(ready.config, ready.works_on, ready.prompts, ready.completions, ready.pairs, snapshot.id)
    return ready


def inspect(store: Store, project: str, config: RunConfig) -> Prepared:
    """Say what a config would work on and list every problem; nothing is stored."""
    match config:
        case GenerateConfig():
            return _generate(store, project, config)
        case RewardModelConfig():
            return _reward_model(store, project, config)
        case GRPOConfig():
            return _grpo(store, project, config)
        case CompareConfig():
            return _compare(store, project, config)


def kinds_of(annotators: str) -> tuple[AnnotatorKind, ...]:
    """Return the annotator kinds that a config's `annotators` stands for."""
    by_name: dict[str, tuple[AnnotatorKind, ...]] = {
        "human": ("human",), "simulated": ("simulated",), "all": ("human", "simulated", "judge"),
    }  # fmt: skip
    return by_name[annotators]


def preferences_with_a_side(store: Store, project: str, config: RewardModelConfig) -> list[Preference]:
    """Return the current preferences that say A or B."""
    current = store.preferences.current(project, kinds=kinds_of(config.annotators))
    return [preference for preference in current if preference.choice in ("a", "b")]


def _generate(store: Store, project: str, config: GenerateConfig) -> Prepared:
    problems = _model_problems(store, config.model, ("base", "policy"))
    there = store.prompts.counts(project)[config.split]
    if there == 0:
        problems.append(f"There are no {config.split} prompts yet. Import some on the Data page.")
    prompts = min(config.prompts, there)
    words = f"{prompts} {config.split} prompts, {config.per_prompt} completions each, by {config.model}"
    return Prepared(config, words, prompts, prompts * config.per_prompt, problems=problems)


def _reward_model(store: Store, project: str, config: RewardModelConfig) -> Prepared:
    problems = _model_problems(store, config.model, ("base",))
    kinds = kinds_of(config.annotators)
    counts = store.preferences.counts(project, kinds=kinds)
    pairs = counts["a"] + counts["b"]
    whose = {"human": "people's", "simulated": "simulated annotators'", "all": "all"}[config.annotators]
    if pairs < MIN_PAIRS:
        problems.append(_too_few(counts, pairs, whose, store, project))
    else:
        problems += _one_sided(store, project, config)
    left_out = f"{counts['tie']} ties and {counts['both_bad']} both-bad left out"
    words = f"{pairs} of {whose} preferences with a side ({left_out})"
    return Prepared(config, words, 0, 0, pairs=pairs, problems=problems)


def _too_few(counts: dict[Choice, int], pairs: int, whose: str, store: Store, project: str) -> str:
    simulated = sum(store.preferences.counts(project, kinds=("simulated", "judge")).values())
    votes: int = sum(n for n in counts.values())
    if pairs == 0 and votes:
        line = f"None of the {votes} votes prefers one side (ties teach a reward model nothing)."
    else:
        line = f"A reward model needs at least {MIN_PAIRS} of {whose} preferences with a side; there are {pairs}."
    hint = ' Or set "annotators" to use the simulated ones.' if simulated and whose == "people's" else ""
    return f"{line} Vote on {MIN_PAIRS - pairs} more pairs.{hint}"


def _one_sided(store: Store, project: str, config: RewardModelConfig) -> list[str]:
    pairs = store.preferences.with_comparisons(project, kinds=kinds_of(config.annotators))
    prompts = [c.prompt for p, c in pairs if p.choice in ("a", "b")]
    measured = sum(p.split == "eval" or is_held_out(p.id, config.held_out) for p in prompts)
    if measured == len(prompts):
        return ["All votes lie on prompts that are kept for measuring. Vote on pairs of other prompts too."]
    return []


def _grpo(store: Store, project: str, config: GRPOConfig) -> Prepared:
    problems = _model_problems(store, config.model, ("base", "policy"))
    rewards = config.rewards
    if not rewards:
        newest = newest_reward_model(store, project)
        if newest is None:
            problems.append("There is no reward model yet. Train one first, or choose a reward by rule.")
        else:
            rewards = (RewardTerm(reward=newest.id),)
    for term in rewards:
        if term.reward not in RULES:
            problems += _model_problems(store, term.reward, ("reward_model",), also=f" or a rule ({', '.join(RULES)})")
    there = store.prompts.counts(project)["train"]
    if there < config.prompts_per_step:
        problems.append(
            f"GRPO needs at least {config.prompts_per_step} train prompts for one step; there are {there}. "
            "Import more on the Data page or lower prompts_per_step."
        )
    completions = config.steps * config.prompts_per_step * config.group_size
    against = " + ".join(f"{t.weight:g} × {t.reward}" for t in rewards) or "a reward model"
    sampled = f"{config.prompts_per_step} prompts × {config.group_size} completions"
    words = f"{config.steps} steps of {sampled}, against {against}"
    ready = config.model_copy(update={"rewards": rewards})
    return Prepared(ready, words, there, completions, problems=problems)


def _compare(store: Store, project: str, config: CompareConfig) -> Prepared:
    problems: list[str] = []
    if len(set(config.models)) < len(config.models):
        problems.append("Choose different models: the same one is there twice.")
    for model in config.models:
        problems += _model_problems(store, model, ("base", "policy"))
    reward_model = config.reward_model
    if reward_model is None:
        newest = newest_reward_model(store, project)
        reward_model = newest.id if newest else None
    else:
        problems += _model_problems(store, reward_model, ("reward_model",))
    if config.best_of > 1 and reward_model is None:
        problems.append("Best-of-n needs a reward model. Train one first, or set best_of to 1.")
    there = store.prompts.counts(project)["eval"]
    if there < 2:
        problems.append(f"Comparing needs held-out prompts; the eval split has {there}. Import some on the Data page.")
    prompts = min(config.prompts, there)
    words = f"{prompts} held-out prompts, {' against '.join(config.models)}"
    if reward_model:
        words += f", scored by {reward_model}"
    best_of = config.best_of if config.best_of > 1 else 0
    ready = config.model_copy(update={"reward_model": reward_model})
    return Prepared(ready, words, prompts, prompts * (len(config.models) + best_of), problems=problems)


def newest_reward_model(store: Store, project: str) -> ModelRecord | None:
    """Return the reward model that was trained last in a project."""
    models = store.models.all(kind="reward_model", project=project)
    return models[-1] if models else None


def _model_problems(store: Store, model_id: str, kinds: tuple[ModelKind, ...], *, also: str = "") -> list[str]:
    records = {m.id: m for m in store.models.all()}
    record = records.get(model_id)
    wanted = " or ".join(kinds).replace("_", " ")
    if record is None:
        fitting = ", ".join(m.id for m in records.values() if m.kind in kinds) or "none yet"
        return [f"There is no model {model_id!r}. It takes a {wanted}{also}: {fitting}."]
    if record.kind not in kinds:
        return [f"{model_id} is a {record.kind.replace('_', ' ')}; this takes a {wanted}{also}."]
    return []
