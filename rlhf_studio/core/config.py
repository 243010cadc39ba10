"""What a run does: one frozen model per kind of run, each knob declared once.

The form in the browser, the `--set` flags of the command line and the reference in the docs
are rendered from these fields; the JSON is stored with the run.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from rlhf_studio.core.completions import Sampling
from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.core.models import STARTER_ID


def knob(default: Any, description: str, *, unit: str = "", advanced: bool = True, **bounds: Any) -> Any:
    """Declare a field with what a form needs: description, unit, bounds, folded or not."""
    return Field(default, description=description, json_schema_extra={"unit": unit, "advanced": advanced}, **bounds)


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RewardTerm(_Config):
    """One reward of a mix: a reward model's id or a rule's name, and its weight."""

    reward: str
    weight: float = Field(1.0, description="How much this reward counts in the sum.")


class GenerateConfig(_Config):
    """Sample completions of a policy and pair them up for annotators."""

    kind: Literal["generate"] = "generate"
    model: str = knob(STARTER_ID, "The policy that answers.", advanced=False)
    prompts: int = knob(24, "How many prompts to answer.", unit="prompts", ge=1, le=100_000, advanced=False)
    per_prompt: int = knob(2, "Completions for each prompt; they are paired two by two.", ge=2, le=16)
    split: Literal["train", "eval"] = knob("train", "Which prompts: train, or eval (kept for measuring).")
    temperature: float = knob(0.9, "How freely words are drawn; 0 always takes the likeliest.", ge=0, le=2)
    max_new_tokens: int = knob(96, "Longest completion.", unit="tokens", ge=4, le=2048)
    seed: int = knob(0, "Start of the random numbers.", ge=0)


class RewardModelConfig(_Config):
    """Train a reward model on the preferences of this project (TRL RewardTrainer, LoRA)."""

    kind: Literal["rm"] = "rm"
    model: str = knob(STARTER_ID, "The model that learns to score.", advanced=False)
    epochs: float = knob(3, "How often each preference is seen.", ge=0.1, le=50, advanced=False)
    learning_rate: float = knob(1e-3, "Size of a learning step.", gt=0, le=1e-1)
    batch_size: int = knob(8, "Preferences in one learning step.", unit="pairs", ge=1, le=256)
    lora_rank: int = knob(16, "Size of the adapter that is trained.", ge=1, le=256)
    max_length: int = knob(
        512, "Longest prompt with answer; longer pairs are left out and counted.", unit="tokens", ge=32, le=32_768
    )
    held_out: float = knob(0.15, "Share of the prompts kept out of training, to measure accuracy on.", ge=0.05, le=0.5)
    annotators: Literal["human", "simulated", "all"] = knob(
        "human", "Whose preferences: people's, simulated annotators', or both."
    )
    seed: int = knob(0, "Start of the random numbers.", ge=0)


class GRPOConfig(_Config):
    """Align a policy with GRPO against learned or rule rewards (TRL GRPOTrainer, LoRA)."""

    kind: Literal["grpo"] = "grpo"
    model: str = knob(STARTER_ID, "The policy to start from.", advanced=False)
    rewards: tuple[RewardTerm, ...] = Field(
        (), description="The rewards and their weights; empty: the newest reward model."
    )
    steps: int = knob(40, "Learning steps.", unit="steps", ge=1, le=100_000, advanced=False)
    group_size: Literal[4, 8, 16] = knob(
        8, "Completions for one prompt that are compared with each other.", advanced=False
    )
    prompts_per_step: int = knob(4, "Prompts in one learning step.", unit="prompts", ge=1, le=1024)
    beta: float = knob(
        0.02, "KL weight: how strongly the policy is held near the model it started from.", ge=0, le=10, advanced=False
    )
    learning_rate: float = knob(5e-4, "Size of a learning step.", gt=0, le=1e-1)
    temperature: float = knob(1.0, "How freely words are drawn while learning.", gt=0, le=2)
    max_new_tokens: int = knob(64, "Longest completion while learning.", unit="tokens", ge=4, le=2048)
    lora_rank: int = knob(16, "Size of the adapter that is trained.", ge=1, le=256)
    seed: int = knob(0, "Start of the random numbers.", ge=0)


class CompareConfig(_Config):
    """Put models side by side on held-out prompts, scored by a reward model."""

    kind: Literal["compare"] = "compare"
    models: tuple[str, ...] = Field(
        min_length=2, max_length=8, description="The models; the first is the one the others are measured against."
    )
    reward_model: str | None = knob(None, "The reward model that scores; empty: the newest, or none.", advanced=False)
    prompts: int = knob(100, "How many held-out prompts.", unit="prompts", ge=2, le=10_000, advanced=False)
    best_of: int = knob(
        1, "Also show the first model's best of this many completions under the reward model (1: off).", ge=1, le=64
    )
    temperature: float = knob(0.8, "How freely words are drawn; 0 always takes the likeliest.", ge=0, le=2)
    max_new_tokens: int = knob(96, "Longest completion.", unit="tokens", ge=4, le=2048)
    seed: int = knob(0, "Start of the random numbers.", ge=0)


RunConfig = Annotated[GenerateConfig | RewardModelConfig | GRPOConfig | CompareConfig, Field(discriminator="kind")]
RunKind = Literal["generate", "rm", "grpo", "compare"]

_ADAPTER: TypeAdapter[RunConfig] = TypeAdapter(RunConfig)
CONFIGS: dict[str, type[BaseModel]] = {
    get_args(cls.model_fields["kind"].annotation)[0]: cls
    for cls in (GenerateConfig, RewardModelConfig, GRPOConfig, CompareConfig)
}


def parse_config(kind: str, values: Mapping[str, Any]) -> RunConfig:
    """Validate knob values from a form, a flag or the store.

    Raises InvalidInput with one line that names each knob that is wrong and its bounds.
    """
    if kind not in CONFIGS:
        raise InvalidInput(f"There is no run of kind {kind!r}. Choose one of: {', '.join(CONFIGS)}.")
    try:
        return _ADAPTER.validate_python({**values, "kind": kind})
    except ValidationError as error:
        raise InvalidInput("; ".join(_plain(kind, e) for e in error.errors())) from error


def _plain(kind: str, error: Any) -> str:
    name = ".".join(str(part) for part in error["loc"] if part != kind)
    if error["type"] == "extra_forbidden":
        return f"{kind} has no knob {name!r}; it has: {', '.join(knobs(kind))}"
    return f"{name}: {error['msg']} (got {error['input']!r})"


def knobs(kind: str) -> dict[str, FieldInfo]:
    """Return the fields of a run kind by name, without the kind itself."""
    return {name: field for name, field in CONFIGS[kind].model_fields.items() if name != "kind"}


def sampling_of(config: GenerateConfig | GRPOConfig | CompareConfig) -> Sampling:
    """Return how this run samples. GRPO draws from the whole distribution, as its maths needs."""
    top_p = 1.0 if isinstance(config, GRPOConfig) else 0.95
    return Sampling(config.temperature, top_p, config.max_new_tokens)
