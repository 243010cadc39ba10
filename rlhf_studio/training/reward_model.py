"""Train a reward model on preferences: TRL's RewardTrainer with a LoRA adapter.

Loss: -log sigmoid(score(chosen) - score(rejected)) (Bradley-Terry; Ouyang et al. 2022, section
3.5), with the centring term of Eisenstein et al. 2023. What differs from TRL's defaults:
1. base weights in the machine's fast precision, adapter and score head in float32;
2. the score head starts at zero, so that every answer starts with the same score;
3. the adapter sits on the upper half of the blocks (see `upper_half`);
4. lengths are padded to fixed steps, or a CPU builds and keeps a kernel for each new length;
5. pairs over the length limit are counted and said, not dropped in silence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForSequenceClassification
from trl import RewardConfig, RewardTrainer

from rlhf_studio.core.config import RewardModelConfig
from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.core.events import Stage, Warning
from rlhf_studio.core.preferences import PreferencePair
from rlhf_studio.core.runs import RunContext
from rlhf_studio.models.hardware import Hardware
from rlhf_studio.models.load import load_tokenizer
from rlhf_studio.rewards.learned import conversation, encode_conversation
from rlhf_studio.training.adapters import lora, upper_half
from rlhf_studio.training.arguments import shared_arguments
from rlhf_studio.training.reporting import Reporter

LENGTH_STEP = 32
_CENTRING = 0.01
_NAMES = {
    "loss": "loss", "accuracy": "accuracy", "margin": "margin", "mean_reward": "reward",
    "learning_rate": "learning_rate", "grad_norm": "grad_norm",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TrainedRewardModel:
    """Where the adapter lies, and how many pairs were learned from and left out as too long."""

    adapter: Path
    pairs: int
    too_long: int


def train_reward_model(
    pairs: Sequence[PreferencePair], base: Path, config: RewardModelConfig, hardware: Hardware, context: RunContext
) -> TrainedRewardModel:
    """Train on `pairs` and save the adapter in the run's folder.

    Raises InvalidInput when no pair is short enough.
    """
    tokenizer = load_tokenizer(base)
    rows = [
        {
            "chosen_ids": encode_conversation(tokenizer, conversation(pair.prompt, pair.chosen.text)),
            "rejected_ids": encode_conversation(tokenizer, conversation(pair.prompt, pair.rejected.text)),
        }
        for pair in pairs
    ]
    fitting = [r for r in rows if max(len(r["chosen_ids"]), len(r["rejected_ids"])) <= config.max_length]
    too_long = len(rows) - len(fitting)
    if not fitting:
        raise InvalidInput(f"All {len(rows)} pairs are longer than max_length = {config.max_length} tokens. Raise it.")
    if too_long:
        words = f"{too_long} of {len(rows)} pairs are longer than max_length = {config.max_length} tokens: left out."
        context.emit(Warning(code="too_long", plain_words=words))
    context.emit(Stage(text="Loading the model"))
    model = AutoModelForSequenceClassification.from_pretrained(
        base, num_labels=1, dtype=hardware.dtype, local_files_only=True, trust_remote_code=False, use_safetensors=True
    )
    _score_in_float32(model)
    trainer = RewardTrainer(
        model=model,
        args=_arguments(config, hardware, context.directory / "trainer"),
        train_dataset=Dataset.from_list(fitting),
        processing_class=tokenizer,
        callbacks=[Reporter(context, "Learning from the votes", _NAMES)],
        peft_config=lora(config.lora_rank, upper_half(model), task_type="SEQ_CLS"),
    )
    trainer.train()
    adapter = context.directory / "adapter"
    trainer.model.save_pretrained(adapter)
    return TrainedRewardModel(adapter, len(fitting), too_long)


def _score_in_float32(model: Any) -> None:
    """Start the head at zero and let it compute in float32: bf16 scores are too coarse to learn from."""

    def to_float32(module: torch.nn.Module, arguments: Any, output: Any) -> Any:
        output.last_hidden_state = output.last_hidden_state.float()
        return output

    torch.nn.init.zeros_(model.score.float().weight)
    model.base_model.register_forward_hook(to_float32)


def _arguments(config: RewardModelConfig, hardware: Hardware, directory: Path) -> RewardConfig:
    return RewardConfig(
        num_train_epochs=config.epochs,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=3,
        per_device_train_batch_size=config.batch_size,
        max_length=None,
        center_rewards_coefficient=_CENTRING,
        pad_to_multiple_of=LENGTH_STEP,
        seed=config.seed,
        **shared_arguments(hardware, directory),
    )
