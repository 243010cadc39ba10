"""Measure how fast this machine samples from and trains a model, so that forms can say how long a run takes."""

import time
from pathlib import Path
from typing import Any

import torch

from rlhf_studio.core.completions import Sampling
from rlhf_studio.core.prompts import Message
from rlhf_studio.models.hardware import Hardware
from rlhf_studio.models.load import load_base, load_tokenizer
from rlhf_studio.models.machine_speed import MachineSpeed
from rlhf_studio.models.rollouts import RolloutEngine

_PROMPTS = ("Why is the sky blue?", "Write a line about the sea.", "Name three fruits.", "How do I boil an egg?")
_SAMPLED_ROWS = 32
_SAMPLED_TOKENS = 16
_TRAINED_ROWS = 4
_TRAINED_LENGTH = 128


def measure_speed(model_path: Path, hardware: Hardware) -> MachineSpeed:
    """Return the speed of this machine with the model in `model_path`; a matter of seconds for a small one.

    Sampling counts completion tokens in batches of 32, prompts read included; training counts
    tokens through forward, backward and optimiser step of a LoRA adapter on all linear layers.
    """
    started = time.perf_counter()
    tokenizer = load_tokenizer(model_path)
    model = load_base(model_path, hardware)
    load_seconds = time.perf_counter() - started
    return MachineSpeed(
        sample_tokens_per_second=_sampling_speed(model, tokenizer, hardware),
        train_tokens_per_second=_training_speed(model, hardware),
        load_seconds=load_seconds,
    )


def _sampling_speed(model: Any, tokenizer: Any, hardware: Hardware) -> float:
    engine = RolloutEngine(model, tokenizer, hardware)
    prompts = [(Message("user", text),) for text in _PROMPTS]
    # The first tokens build the kernels; they are not part of the speed.
    engine.sample(prompts, Sampling(1.0, 1.0, 2), per_prompt=_SAMPLED_ROWS // len(prompts))
    started = time.perf_counter()
    groups = engine.sample(prompts, Sampling(1.0, 1.0, _SAMPLED_TOKENS), per_prompt=_SAMPLED_ROWS // len(prompts))
    tokens = sum(len(rollout.completion_ids) for group in groups for rollout in group)
    return tokens / (time.perf_counter() - started)


def _training_speed(model: Any, hardware: Hardware) -> float:
    from peft import LoraConfig, get_peft_model

    peft_model = get_peft_model(model, LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM")).train()
    optimiser = torch.optim.AdamW([p for p in peft_model.parameters() if p.requires_grad], lr=1e-5)
    ids = torch.randint(0, model.config.get_text_config().vocab_size, (_TRAINED_ROWS, _TRAINED_LENGTH))
    ids = ids.to(hardware.device)
    seconds = 0.0
    for _ in range(2):  # the first step builds the kernels
        started = time.perf_counter()
        peft_model(input_ids=ids, labels=ids).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        seconds = time.perf_counter() - started
    return ids.numel() / seconds
