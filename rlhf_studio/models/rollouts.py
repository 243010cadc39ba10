"""The one sampling engine: label pairs, groups for GRPO, compare pages and best-of-n all draw here.

A decode step is bound by reading the weights, so rows are decoded in large batches; kernels are
built for every new shape and kept, so shapes come in few fixed sizes: prompts are padded to
fixed steps, rows to a short list of buckets, the key-value cache is allocated whole. Rows that have
ended are dropped when the rest fits the next smaller bucket. Prompts that repeat in a batch are read
once, and so is their common beginning, which with most chat templates is half of a short prompt.
Random numbers belong to a row, not to a batch (see `RolloutEngine.sample`).
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rlhf_studio.core.completions import Sampling
from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.core.prompts import Message
from rlhf_studio.models.hardware import Hardware
from rlhf_studio.models.nucleus import draw_tokens

Progress = Callable[[int, int], None]

_BUCKETS = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
_LENGTH_STEP = 16
# Bounds the cache and the attention mask of long prompts; short ones are bound by `max_batch`.
_MAX_BATCH_TOKENS = 32_768
_PREFIX_STEP = 8
_STEPS_BETWEEN_REPORTS = 8


@dataclass(frozen=True, slots=True)
class Rollout:
    """One sampled completion in tokens.

    `completion_ids` include the end mark when it came; `truncated` says that the token limit came
    first. `logprobs`, one for each completion token, are those of the whole distribution at the
    sampling temperature, before top-p cuts it (at temperature 0, where that has no meaning: at 1).
    At temperature 1 and top-p 1, as GRPO samples, they are the policy's own.
    """

    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    truncated: bool


def encode_prompt(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """Return the tokens of a conversation up to where the assistant's answer begins."""
    turns = [{"role": message.role, "content": message.content} for message in messages]
    ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=True, return_dict=False)
    return list(ids)


class RolloutEngine:
    """Samples from a plain causal language model in eval mode that is on `hardware` already."""

    def __init__(self, model: Any, tokenizer: Any, hardware: Hardware, *, max_batch: int = 64) -> None:
        if model.training:
            raise ValueError("The model is in training mode; dropout would change what is sampled.")
        self.model = model
        self.tokenizer = tokenizer
        self.hardware = hardware
        self.max_batch = max_batch
        self._stop_ids = torch.tensor(sorted(_end_marks(model, tokenizer)), device=hardware.device)
        accepted = inspect.signature(model.forward).parameters
        self._takes_positions = "position_ids" in accepted
        self._extra = {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}

    def sample(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        per_prompt: int = 1,
        seed: int = 0,
        on_progress: Progress | None = None,
    ) -> list[list[Rollout]]:
        """Return `per_prompt` rollouts for each prompt, in the order of the prompts.

        The random numbers of a rollout come from `seed` and its place (prompt · per_prompt + k)
        alone, so the same call gives the same result, and a different `max_batch` differs only
        where rounding does. `on_progress(done, all)` counts rollouts and is called every few
        tokens; what it raises ends the sampling. Raises InvalidInput for a prompt that leaves the
        model's context no room for the completion.
        """
        encoded = [encode_prompt(self.tokenizer, messages) for messages in prompts]
        rows = [ids for ids in encoded for _ in range(per_prompt)]
        rollouts = self.sample_ids(rows, sampling, seed=seed, on_progress=on_progress)
        return [rollouts[start : start + per_prompt] for start in range(0, len(rollouts), per_prompt)]

    @torch.inference_mode()
    def sample_ids(
        self,
        prompt_ids: Sequence[Sequence[int]],
        sampling: Sampling,
        *,
        seed: int = 0,
        on_progress: Progress | None = None,
    ) -> list[Rollout]:
        """Return one rollout for each row of prompt tokens; otherwise as `sample`."""
        prompts = [tuple(ids) for ids in prompt_ids]
        self._check_lengths(prompts, sampling.max_new_tokens)
        rollouts: dict[int, Rollout] = {}
        for rows in self._batches(prompts, sampling.max_new_tokens):
            batch = _Batch(self, [prompts[row] for row in rows], _uniforms(seed, rows, sampling.max_new_tokens))
            for ended in batch.decode(sampling):
                if on_progress:
                    on_progress(len(rollouts) + ended, len(prompts))
            rollouts.update(zip(rows, batch.rollouts(), strict=True))
            if on_progress:
                on_progress(len(rollouts), len(prompts))
        return [rollouts[row] for row in range(len(prompts))]

    def text(self, rollout: Rollout) -> str:
        """Return the completion as text, without special tokens and outer white space."""
        return str(self.tokenizer.decode(rollout.completion_ids, skip_special_tokens=True)).strip()

    def _check_lengths(self, prompts: Sequence[tuple[int, ...]], max_new_tokens: int) -> None:
        context = getattr(self.model.config.get_text_config(decoder=True), "max_position_embeddings", None)
        for row, ids in enumerate(prompts):
            if not ids:
                raise InvalidInput(f"Prompt {row + 1} has no tokens.")
            if context is not None and len(ids) + max_new_tokens > context:
                raise InvalidInput(
                    f"Prompt {row + 1} has {len(ids)} tokens; with {max_new_tokens} new ones it does not fit"
                    f" the model's context of {context}."
                )

    def _batches(self, prompts: Sequence[tuple[int, ...]], max_new_tokens: int) -> Iterator[list[int]]:
        """Group row numbers by prompt length, so that little padding is computed."""
        batch: list[int] = []
        for row in sorted(range(len(prompts)), key=lambda row: (len(prompts[row]), prompts[row])):
            tokens = _round_up(len(prompts[row])) + max_new_tokens
            if batch and (len(batch) == self.max_batch or (len(batch) + 1) * tokens > _MAX_BATCH_TOKENS):
                yield batch
                batch = []
            batch.append(row)
        if batch:
            yield batch

    def bucket(self, rows: int) -> int:
        """Return the number of rows that are computed for so many that are wanted."""
        fitting = next((bucket for bucket in _BUCKETS if bucket >= rows), rows)
        return max(rows, min(fitting, self.max_batch))

    def new_cache(self, length: int) -> Any:
        """Return an empty key-value cache for `length` positions: static where the model can use one."""
        from transformers import DynamicCache, StaticCache

        if self.model._can_compile_fullgraph:
            return StaticCache(config=self.model.config, max_cache_len=length)
        return DynamicCache(config=self.model.config)

    def can_share_prefix(self, cache: Any) -> bool:
        """Return whether padding may stand between a common beginning and the rest of the prompts.

        Plain attention masks it; a sliding window or a recurrent state would take it in.
        """
        from transformers.cache_utils import StaticLayer

        return all(type(layer) is StaticLayer for layer in cache.layers)

    def forward(self, ids: Tensor, mask: Tensor, positions: Tensor, cache: Any) -> Tensor:
        """Return the logits after the last position of each row, (B, V), in float32."""
        extra = {**self._extra, "position_ids": positions} if self._takes_positions else self._extra
        output = self.model(input_ids=ids, attention_mask=mask, past_key_values=cache, use_cache=True, **extra)
        logits: Tensor = output.logits[:, -1].float()
        return logits

    def is_end(self, tokens: Tensor) -> Tensor:
        """Return which tokens are end marks."""
        return torch.isin(tokens, self._stop_ids)


class _Batch:
    """The state of one batch of rows while it is decoded.

    A slot is a line of the running computation. `row_of_slot` says whose it is; slots that only
    fill the bucket, and slots of rows that ended, are not `running`.
    """

    def __init__(self, engine: RolloutEngine, prompts: list[tuple[int, ...]], uniforms: Tensor) -> None:
        self._engine = engine
        self._prompts = prompts
        self._device = engine.hardware.device
        rows, new_tokens = uniforms.shape
        self._uniforms = uniforms.to(self._device)
        self._tokens = torch.zeros(rows, new_tokens, dtype=torch.long, device=self._device)
        self._logprobs = torch.zeros(rows, new_tokens, device=self._device)
        self._lengths = [new_tokens] * rows
        self._ended = [False] * rows
        slots = engine.bucket(rows)
        self._row_of_slot = torch.arange(slots, device=self._device).clamp(max=rows - 1)
        self._running = torch.arange(slots, device=self._device) < rows
        self._width = 0
        self._mask = self._positions = torch.empty(0)
        self._cache: Any = None

    def decode(self, sampling: Sampling) -> Iterator[int]:
        """Draw tokens until every row has ended; yield the number of ended rows every few steps."""
        logits = self._prefill(sampling.max_new_tokens)
        for step in range(sampling.max_new_tokens):
            drawn = draw_tokens(logits, self._uniforms[self._row_of_slot, step], sampling)
            self._record(drawn.tokens, drawn.logprobs, step)
            running = int(self._running.sum())
            if running == 0 or step + 1 == sampling.max_new_tokens:
                return
            tokens = drawn.tokens
            if self._engine.bucket(running) < len(tokens):
                tokens = self._compact(tokens, self._engine.bucket(running))
            if (step + 1) % _STEPS_BETWEEN_REPORTS == 0:
                yield sum(self._ended)
            self._positions = self._positions + 1
            seen = self._width + step + 1
            logits = self._engine.forward(tokens[:, None], self._mask[:, :seen], self._positions, self._cache)

    def rollouts(self) -> list[Rollout]:
        """Return what was drawn, row by row."""
        tokens, logprobs = self._tokens.tolist(), self._logprobs.tolist()
        return [
            Rollout(prompt, tuple(tokens[row][:length]), tuple(logprobs[row][:length]), not self._ended[row])
            for row, (prompt, length) in enumerate(zip(self._prompts, self._lengths, strict=True))
        ]

    def _prefill(self, new_tokens: int) -> Tensor:
        """Read each different prompt once, then spread its cache over the rows that share it.

        The cache holds the common beginning of all prompts first, then the rest of each, padded on
        the left to the same width; positions count real tokens only.
        """
        line_of_prompt = {prompt: line for line, prompt in enumerate(dict.fromkeys(self._prompts))}
        unique = list(line_of_prompt)
        unique += unique[:1] * (self._engine.bucket(len(unique)) - len(unique))
        longest = max(len(prompt) for prompt in unique)
        self._cache = self._engine.new_cache(_round_up(longest + _LENGTH_STEP + new_tokens))
        shared = _shared_prefix(unique) if self._engine.can_share_prefix(self._cache) else 0
        self._width = shared + _round_up(longest - shared)
        ids = torch.zeros(len(unique), self._width, dtype=torch.long)
        mask = torch.zeros(len(unique), self._width + new_tokens, dtype=torch.long)
        mask[:, :shared] = 1
        for line, prompt in enumerate(unique):
            ids[line, :shared] = torch.tensor(prompt[:shared])
            ids[line, self._width - (len(prompt) - shared) :] = torch.tensor(prompt[shared:])
            mask[line, self._width - (len(prompt) - shared) :] = 1
        ids, mask = ids.to(self._device), mask.to(self._device)
        positions = (mask[:, : self._width].cumsum(1) - 1).clamp(min=0)
        if shared:
            self._engine.forward(ids[:1, :shared], mask[:1, :shared], positions[:1, :shared], self._cache)
            self._cache.reorder_cache(torch.zeros(len(unique), dtype=torch.long, device=self._device))
        logits = self._engine.forward(ids[:, shared:], mask[:, : self._width], positions[:, shared:], self._cache)
        lines = torch.tensor([line_of_prompt[prompt] for prompt in self._prompts], device=self._device)
        lines = lines[self._row_of_slot]
        self._cache.reorder_cache(lines)
        self._mask = mask[lines]
        self._positions = positions[lines, -1:]
        return logits[lines]

    def _record(self, tokens: Tensor, logprobs: Tensor, step: int) -> None:
        rows = self._row_of_slot[self._running]
        self._tokens[rows, step] = tokens[self._running]
        self._logprobs[rows, step] = logprobs[self._running]
        ends = self._running & self._engine.is_end(tokens)
        for row in self._row_of_slot[ends].tolist():
            self._lengths[row], self._ended[row] = step + 1, True
        self._running = self._running & ~ends

    def _compact(self, tokens: Tensor, slots: int) -> Tensor:
        """Keep the running slots, and as many others as the smaller bucket has room for."""
        keep = torch.argsort(self._running.int(), descending=True, stable=True)[:slots]
        self._cache.reorder_cache(keep)
        self._mask, self._positions = self._mask[keep], self._positions[keep]
        self._row_of_slot, self._running = self._row_of_slot[keep], self._running[keep]
        return tokens[keep]


def _shared_prefix(prompts: Sequence[tuple[int, ...]]) -> int:
    """Return how many tokens all prompts begin with; something is left of each, in steps that repeat."""
    first, last = min(prompts), max(prompts)
    limit = min(len(prompt) for prompt in prompts) - 1
    same = next((place for place in range(limit) if first[place] != last[place]), limit)
    return same // _PREFIX_STEP * _PREFIX_STEP


def _uniforms(seed: int, rows: Sequence[int], count: int) -> Tensor:
    """Return `count` uniform numbers for each row, (rows, count), that depend on seed and row only."""
    draws = [np.random.default_rng((seed, row)).random(count, dtype=np.float32) for row in rows]
    return torch.from_numpy(np.stack(draws))


def _end_marks(model: Any, tokenizer: Any) -> set[int]:
    """Return every token that ends an answer: some chat models have several."""
    ids = getattr(model.generation_config, "eos_token_id", None)
    marks = set(ids if isinstance(ids, list) else [ids]) | {tokenizer.eos_token_id}
    return {int(mark) for mark in marks if mark is not None}


def _round_up(length: int) -> int:
    return -(-length // _LENGTH_STEP) * _LENGTH_STEP
