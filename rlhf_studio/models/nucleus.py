"""Draw the next token of each row from its logits with one uniform number a row.

`torch.multinomial` draws one exponential for each word of the vocabulary and row, which takes more
time than the matrix products of a small model; inverting the cumulative sum needs one number.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from rlhf_studio.core.completions import Sampling

# The likeliest words nearly always hold the nucleus; only rows where they do not are sorted whole.
_LIKELIEST = 256


class Drawn(NamedTuple):
    """Tokens (B,) with their log-probabilities (B,)."""

    tokens: Tensor
    logprobs: Tensor


def draw_tokens(logits: Tensor, uniforms: Tensor, sampling: Sampling) -> Drawn:
    """Draw one token a row at the temperature and top-p of `sampling`; temperature 0 takes the likeliest.

    `logits` is (B, V) in float32, `uniforms` (B,) in [0, 1). The log-probabilities are those of
    the whole distribution at that temperature (at 1 where it is 0). Raises FloatingPointError
    when the model gives no finite probabilities.
    """
    if sampling.temperature > 0:
        logits = logits / sampling.temperature
    log_total = logits.logsumexp(-1)
    if not torch.isfinite(log_total).all():
        raise FloatingPointError("The model gives no finite probabilities; its training has diverged.")
    if sampling.temperature == 0:
        tokens = logits.argmax(-1)
    else:
        probs = (logits - log_total[:, None]).exp_()
        tokens = (
            _invert(probs.cumsum(-1), uniforms) if sampling.top_p >= 1 else _draw_nucleus(probs, uniforms, sampling)
        )
    return Drawn(tokens, logits.gather(-1, tokens[:, None])[:, 0] - log_total)


def _draw_nucleus(probs: Tensor, uniforms: Tensor, sampling: Sampling) -> Tensor:
    """Draw from the fewest likeliest words whose probabilities reach top-p."""
    values, ids = probs.topk(min(_LIKELIEST, probs.shape[-1]))
    tokens = _draw_sorted(values, ids, uniforms, sampling.top_p)
    wide = (values.sum(-1) < sampling.top_p).nonzero()[:, 0]
    if len(wide):
        values, ids = probs[wide].sort(-1, descending=True)
        tokens[wide] = _draw_sorted(values, ids, uniforms[wide], sampling.top_p)
    return tokens


def _draw_sorted(values: Tensor, ids: Tensor, uniforms: Tensor, top_p: float) -> Tensor:
    cumulative = values.cumsum(-1)
    # A word belongs to the nucleus when those before it do not reach top-p; the first always does.
    inside = (cumulative - values) < top_p
    inside[:, 0] = True
    cumulative = cumulative.masked_fill(~inside, torch.inf)
    last = inside.sum(-1, keepdim=True) - 1
    place = _invert(cumulative, uniforms, cumulative.gather(-1, last)[:, 0])
    return ids.gather(-1, place[:, None])[:, 0]


def _invert(cumulative: Tensor, uniforms: Tensor, total: Tensor | None = None) -> Tensor:
    """Return the first place of each row where the cumulative sum exceeds its uniform share of the total.

    Rounding up to the total itself would fall off the end, onto words without any probability.
    """
    total = cumulative[:, -1] if total is None else total
    below = torch.nextafter(total, torch.zeros_like(total))
    target = torch.minimum(uniforms * total, below)
    return torch.searchsorted(cumulative, target[:, None], right=True)[:, 0]
