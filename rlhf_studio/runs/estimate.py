"""How long a run will take on this machine, from its measured speed and the data at hand."""

from collections.abc import Sequence

from rlhf_studio.core.config import CompareConfig, GenerateConfig, GRPOConfig, RewardModelConfig, RunConfig
from rlhf_studio.core.runs import Estimate
from rlhf_studio.core.settings import Settings
from rlhf_studio.models.machine_speed import MachineSpeed, load_speed
from rlhf_studio.runs.prepare import Prepared, inspect, kinds_of
from rlhf_studio.store import Store

_FORWARD = 1 / 3
"""A forward pass takes about a third of a forward with its backward."""
_FILLED = 0.75
"""The share of the length limit that completions reach on average."""
_CHARACTERS_PER_TOKEN = 4.0
_TEMPLATE_TOKENS = 40
_LENGTH_STEP = 64
_LOOKED_AT = 200


def estimate(settings: Settings, store: Store, project: str, config: RunConfig) -> Estimate:
    """Say what a run works on, how long it takes, and what stands in its way."""
    ready = inspect(store, project, config)
    speed = load_speed(settings.home)
    if speed is None or ready.problems:
        return Estimate(ready.works_on, None, ready.problems)
    return Estimate(ready.works_on, speed.load_seconds + _seconds(store, project, config, ready, speed))


def _seconds(store: Store, project: str, config: RunConfig, ready: Prepared, speed: MachineSpeed) -> float:
    train, sample = speed.train_tokens_per_second, speed.sample_tokens_per_second
    match config:
        case RewardModelConfig():
            tokens = 2 * _pair_tokens(store, project, config)
            learned = ready.pairs * (1 - config.held_out) * config.epochs * tokens / train
            return learned + ready.pairs * config.held_out * tokens * _FORWARD / train
        case GRPOConfig():
            prompt_tokens = _prompt_tokens(store, project)
            answered = ready.completions * config.max_new_tokens
            # Learning, the reference's forward pass, and the reward model's, on the padded length.
            passes = 1 + _FORWARD * (1 + (config.beta > 0))
            learned = passes * (answered + ready.completions * prompt_tokens) / train
            return answered * _FILLED / sample + learned
        case GenerateConfig():
            return ready.completions * config.max_new_tokens * _FILLED / sample
        case CompareConfig():
            tokens = ready.completions * config.max_new_tokens * _FILLED
            return tokens / sample + tokens * _FORWARD / train


def _pair_tokens(store: Store, project: str, config: RewardModelConfig) -> float:
    """Return the mean padded length of one side of a pair."""
    pairs = store.preferences.with_comparisons(project, kinds=kinds_of(config.annotators))[:_LOOKED_AT]
    texts = [len(c.prompt.text) + len(x.text) for _, c in pairs for x in (c.completion_a, c.completion_b)]
    return _mean([_tokens(characters) for characters in texts])


def _prompt_tokens(store: Store, project: str) -> float:
    return _mean([_tokens(len(p.text)) for p in store.prompts.find(project, split="train", limit=_LOOKED_AT)])


def _tokens(characters: int) -> float:
    tokens = characters / _CHARACTERS_PER_TOKEN + _TEMPLATE_TOKENS
    return -(-tokens // _LENGTH_STEP) * _LENGTH_STEP


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
