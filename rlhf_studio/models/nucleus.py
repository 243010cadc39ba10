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
    if sampling.temperature not in (0, 1):
        logits = logits / sampling.temperature
    highest = logits.amax(-1)
    weights = (logits - highest[:, None]).exp_()
    cumulative = weights.cumsum(-1)
    log_total = highest + cumulative[:, -1].log()
    if not torch.isfinite(log_total).all():
        raise FloatingPointError("The model gives no finite probabilities; its training has diverged.")
    if sampling.temperature == 0:
        tokens = logits.argmax(-1)
    elif sampling.top_p >= 1:
        tokens = _invert(cumulative, cumulative[:, -1], uniforms)
    else:
        tokens = _draw_nucleus(weights, cumulative[:, -1:] * sampling.top_p, uniforms)
    return Drawn(tokens, logits.gather(-1, tokens[:, None])[:, 0] - log_total)


def _draw_nucleus(weights: Tensor, enough: Tensor, uniforms: Tensor) -> Tensor:
    """Draw from the fewest likeliest words whose weights reach `enough`, (B, 1)."""
    values, ids = weights.topk(min(_LIKELIEST, weights.shape[-1]))
    tokens = _draw_sorted(values, ids, enough, uniforms)
    wide = (values.sum(-1) < enough[:, 0]).nonzero()[:, 0]
    if len(wide):
        values, ids = weights[wide].sort(-1, descending=True)
        tokens[wide] = _draw_sorted(values, ids, enough[wide], uniforms[wide])
    return tokens


def _draw_sorted(values: Tensor, ids: Tensor, enough: Tensor, uniforms: Tensor) -> Tensor:
    cumulative = values.cumsum(-1)
    # A word belongs to the nucleus when those before it do not reach enough; the first always does.
    inside = (cumulative - values) < enough
    inside[:, 0] = True
    mass = cumulative.gather(-1, inside.sum(-1, keepdim=True) - 1)[:, 0]
    place = _invert(cumulative.masked_fill(~inside, torch.inf), mass, uniforms)
    return ids.gather(-1, place[:, None])[:, 0]


def _invert(cumulative: Tensor, total: Tensor, uniforms: Tensor) -> Tensor:
    """Return the first place of each row where the cumulative sum exceeds its uniform share of the total.

    Rounding up to the total itself would fall off the end, onto words without any probability.
    """
    below = torch.nextafter(total, torch.zeros_like(total))
    target = torch.minimum(uniforms * total, below)
    return torch.searchsorted(cumulative, target[:, None], right=True)[:, 0]
