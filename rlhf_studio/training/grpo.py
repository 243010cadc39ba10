"""Align a policy with GRPO (Shao et al. 2024, section 4.1): TRL's GRPOTrainer with a LoRA adapter.

Each step samples a group of completions for each prompt, scores them, and pushes the policy
towards what scored above its group's mean. What differs from TRL's defaults:
1. completions come from the studio's own rollout engine, on a merged copy of the policy that
   is refreshed each step: an adapter that is not merged costs 40 % of the speed;
2. base weights in the machine's fast precision, adapter in float32, on the upper half of the blocks;
3. a learning rate and a KL weight that move a LoRA adapter (TRL's 1e-6 does not);
4. sums over tokens are divided by a constant and not by each answer's length (Liu et al. 2025,
   "Dr. GRPO", section 3.1): no bias towards long answers;
5. rewards are scaled by their spread over the whole step, so that the scale of a reward model
   does not matter and groups that hardly differ count little (Hu et al. 2025, REINFORCE++).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from peft import PeftModel
from trl import GRPOConfig as TRLConfig
from trl import GRPOTrainer

from rlhf_studio.core.config import GRPOConfig, sampling_of
from rlhf_studio.core.events import SampleRow, Samples, Stage
from rlhf_studio.core.prompts import Message, Prompt
from rlhf_studio.core.runs import RunContext
from rlhf_studio.models.hardware import Hardware
from rlhf_studio.models.load import MergedPolicy, load_base, load_tokenizer
from rlhf_studio.models.rollouts import RolloutEngine, encode_prompt
from rlhf_studio.rewards.checked import checked
from rlhf_studio.rewards.rules import RewardFunction, text_of
from rlhf_studio.training.adapters import lora, upper_half
from rlhf_studio.training.arguments import shared_arguments
from rlhf_studio.training.reporting import Reporter

_LENGTH_STEP = 16
_SAMPLES_SHOWN = 8
_NAMES = {
    "loss": "loss", "reward": "reward", "reward_std": "reward_std", "kl": "kl", "entropy": "entropy",
    "frac_reward_zero_std": "no_signal", "completions/mean_length": "completion_length",
    "completions/clipped_ratio": "cut_off", "learning_rate": "learning_rate", "grad_norm": "grad_norm",
}  # fmt: skip


def train_grpo(
    prompts: Sequence[Prompt],
    rewards: Mapping[str, tuple[float, RewardFunction]],
    base: Path,
    adapter: Path | None,
    config: GRPOConfig,
    hardware: Hardware,
    context: RunContext,
) -> Path:
    """Train and return the folder of the new adapter.

    `rewards` maps a name to (weight, function). With `adapter` the training goes on from that
    policy, which then also is the reference that KL is measured from; else the base is.
    """
    context.emit(Stage(text="Loading the model"))
    tokenizer = load_tokenizer(base)
    model = load_base(base, hardware)
    if adapter is not None:
        model = PeftModel.from_pretrained(model, adapter, is_trainable=True)
    names = list(rewards)
    sampled = _LastSamples(context, rewards)
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=[sampled.watch(name, checked(name, rewards[name][1])) for name in names],
        args=_arguments(config, [rewards[name][0] for name in names], hardware, context.directory / "trainer"),
        train_dataset=Dataset.from_list([_row(prompt) for prompt in prompts]),
        processing_class=tokenizer,
        callbacks=[
            Reporter(context, "Learning from the reward", _NAMES, prefixes=("rewards/",)),
        ],
        peft_config=lora(config.lora_rank, upper_half(model), task_type="CAUSAL_LM") if adapter is None else None,
        rollout_func=_Rollouts(config, hardware, context, sampled),
    )
    trainer.train()
    folder = context.directory / "adapter"
    trainer.model.save_pretrained(folder, selected_adapters=["default"])
    return folder


class _Rollouts:
    """TRL's `rollout_func`: sample with the studio's engine from the policy as it is now."""

    def __init__(self, config: GRPOConfig, hardware: Hardware, context: RunContext, sampled: "_LastSamples") -> None:
        self._config = config
        self._hardware = hardware
        self._context = context
        self._sampled = sampled
        self._merged: MergedPolicy | None = None
        self._engine: RolloutEngine | None = None

    def __call__(self, prompts: Sequence[Any], trainer: GRPOTrainer) -> dict[str, Any]:
        tokenizer = trainer.processing_class
        if self._merged is None:
            self._merged = MergedPolicy(trainer.model, self._hardware)
            self._engine = RolloutEngine(self._merged.model, tokenizer, self._hardware)
        assert self._engine is not None
        self._merged.refresh()
        step = trainer.state.global_step
        self._sampled.step = step + 1
        ids = [encode_prompt(tokenizer, [Message(m["role"], m["content"]) for m in prompt]) for prompt in prompts]
        rollouts = self._engine.sample_ids(
            ids, sampling_of(self._config), seed=self._config.seed * 1_000_003 + step,
            on_progress=lambda done, total: self._context.check_cancelled(),
        )  # fmt: skip
        return {
            "prompt_ids": [list(r.prompt_ids) for r in rollouts],
            "completion_ids": [list(r.completion_ids) for r in rollouts],
            "logprobs": [list(r.logprobs) for r in rollouts],
        }


class _LastSamples:
    """Collects what each reward gave in a step, and emits some of it once all have answered."""

    def __init__(self, context: RunContext, rewards: Mapping[str, tuple[float, RewardFunction]]) -> None:
        self.step = 0
        self._context = context
        self._wanted = set(rewards)
        self._scores: dict[str, list[float | None]] = {}

    def watch(self, name: str, function: RewardFunction) -> RewardFunction:
        def watched(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float | None]:
            scores = function(prompts=prompts, completions=completions, **columns)
            self._scores[name] = scores
            if self._scores.keys() == self._wanted:
                self._emit(prompts, completions)
                self._scores = {}
            return scores

        watched.__name__ = name
        return watched

    def _emit(self, prompts: Sequence[Any], completions: Sequence[Any]) -> None:
        rows = tuple(
            SampleRow(
                prompt=text_of(prompts[i]), completion=text_of(completions[i]),
                rewards={name: scores[i] for name, scores in self._scores.items()},
            )
            for i in range(min(_SAMPLES_SHOWN, len(completions)))
        )  # fmt: skip
        self._context.emit(Samples(step=self.step, rows=rows))


def _row(prompt: Prompt) -> dict[str, Any]:
    return {**prompt.columns, "prompt": [{"role": m.role, "content": m.content} for m in prompt.messages]}


def _arguments(config: GRPOConfig, weights: list[float], hardware: Hardware, directory: Path) -> TRLConfig:
    return TRLConfig(
        max_steps=config.steps,
        learning_rate=config.learning_rate,
        lr_scheduler_type="constant",
        num_generations=config.group_size,
        per_device_train_batch_size=config.group_size,
        gradient_accumulation_steps=config.prompts_per_step,
        max_completion_length=config.max_new_tokens,
        temperature=config.temperature,
        beta=config.beta,
        loss_type="dr_grpo",
        scale_rewards="batch",
        reward_weights=weights,
        pad_to_multiple_of=_LENGTH_STEP,
        seed=config.seed,
        **shared_arguments(hardware, directory),
    )
