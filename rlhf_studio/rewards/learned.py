"""A reward model of the studio as a reward function."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerBase

from rlhf_studio.core.prompts import Prompt
from rlhf_studio.models.hardware import Hardware
from rlhf_studio.models.load import load_tokenizer

Conversation = list[dict[str, str]]
_LENGTH_STEP = 32
_BATCH_TOKENS = 8192


def conversation(prompt: Prompt, completion: str) -> Conversation:
    """Return prompt and completion as one conversation."""
    messages = [{"role": m.role, "content": m.content} for m in prompt.messages]
    return [*messages, {"role": "assistant", "content": completion}]


def encode_conversation(tokenizer: PreTrainedTokenizerBase, messages: Conversation) -> list[int]:
    """Return the token ids of a conversation in the model's own chat template."""
    ids: list[int] = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=False)
    return ids


class LearnedReward:
    """Scores completions with a reward model; higher is better, only differences mean something.

    Follows TRL's convention for reward functions: called with keywords, returns one float for
    each completion. Prompts and completions may be message lists or plain strings.
    """

    def __init__(self, name: str, base: Path, adapter: Path | None, hardware: Hardware) -> None:
        """Load the base with the adapter merged; `adapter` is None for a whole reward model."""
        self.__name__ = name
        self._hardware = hardware
        self._tokenizer = load_tokenizer(base)
        model = AutoModelForSequenceClassification.from_pretrained(
            base, num_labels=1, dtype=hardware.dtype, local_files_only=True, trust_remote_code=False,
            use_safetensors=True,
        )  # fmt: skip
        if adapter is not None:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, adapter).merge_and_unload()
        model.config.pad_token_id = self._tokenizer.pad_token_id
        self._backbone = model.base_model.to(hardware.device).eval()
        # In bf16 the head's scores would be so coarse that different answers tie.
        self._head = model.score.weight.detach().to(hardware.device, torch.float32)

    def __call__(self, prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float | None]:
        conversations = [_join(p, c) for p, c in zip(prompts, completions, strict=True)]
        return list(self.score(conversations))

    def score(
        self, conversations: Sequence[Conversation], *, on_progress: Callable[[int, int], None] | None = None
    ) -> list[float]:
        """Score whole conversations, each ending with the completion."""
        ids = [encode_conversation(self._tokenizer, c) for c in conversations]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        scores = [0.0] * len(ids)
        done = 0
        while done < len(order):
            # Rows of like length share a batch; the fixed steps keep a CPU from building new kernels.
            width = _step_up(len(ids[order[done]]))
            rows = [i for i in order[done : done + max(1, _BATCH_TOKENS // width)] if _step_up(len(ids[i])) == width]
            for i, score in zip(rows, self._batch([ids[i] for i in rows], width), strict=True):
                scores[i] = score
            done += len(rows)
            if on_progress:
                on_progress(done, len(order))
        return scores

    @torch.inference_mode()
    def _batch(self, rows: Sequence[Sequence[int]], width: int) -> list[float]:
        pad = self._tokenizer.pad_token_id
        device = self._hardware.device
        tokens = torch.tensor([[*row, *[pad] * (width - len(row))] for row in rows], device=device)
        lengths = torch.tensor([len(row) for row in rows], device=device)
        mask = (torch.arange(width, device=device)[None] < lengths[:, None]).long()
        hidden = self._backbone(input_ids=tokens, attention_mask=mask, use_cache=False).last_hidden_state  # (B, T, H)
        last = hidden[torch.arange(len(rows), device=device), lengths - 1].float()
        scores: list[float] = (last @ self._head.T)[:, 0].tolist()
        return scores


def _step_up(length: int) -> int:
    return -(-length // _LENGTH_STEP) * _LENGTH_STEP


def _join(prompt: Any, completion: Any) -> Conversation:
    before = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
    after = [{"role": "assistant", "content": completion}] if isinstance(completion, str) else list(completion)
    return [_plain(m) for m in [*before, *after]]


def _plain(message: Mapping[str, Any]) -> dict[str, str]:
    return {"role": message["role"], "content": message["content"]}
