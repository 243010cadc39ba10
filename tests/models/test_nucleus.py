import math

import pytest
import torch

from rlhf_studio.core.completions import Sampling
from rlhf_studio.models.nucleus import draw_tokens


def logits_of(*probs: float) -> torch.Tensor:
    return torch.tensor([probs]).log()


def drawn(logits: torch.Tensor, top_p: float, uniforms: list[float]) -> list[int]:
    rows = logits.expand(len(uniforms), -1)
    return draw_tokens(rows, torch.tensor(uniforms), Sampling(1.0, top_p, 1)).tokens.tolist()


def test_a_uniform_number_picks_the_word_whose_share_it_falls_in():
    assert drawn(logits_of(0.2, 0.5, 0.3), 1.0, [0.0, 0.19, 0.21, 0.69, 0.71, 0.999]) == [0, 0, 1, 1, 2, 2]


def test_words_without_probability_are_never_drawn_even_at_the_ends():
    almost_one = math.nextafter(1.0, 0.0)  # rounds to 1 in float32
    assert drawn(logits_of(0.0, 1.0, 0.0), 1.0, [0.0, almost_one]) == [1, 1]
    assert drawn(logits_of(0.0, 0.6, 0.4, 0.0), 0.5, [0.0, almost_one]) == [1, 1]


def test_nucleus_is_the_fewest_likeliest_words_that_reach_top_p():
    # 0.5 does not reach 0.6, 0.5 + 0.3 does: shares of 5/8 and 3/8, in order of likelihood.
    assert drawn(logits_of(0.2, 0.5, 0.3), 0.6, [0.0, 0.62, 0.63, 0.99]) == [1, 1, 2, 2]
    assert drawn(logits_of(0.2, 0.5, 0.3), 0.01, [0.0, 0.99]) == [1, 1]


def test_a_nucleus_wider_than_the_likeliest_words_is_exact():
    torch.manual_seed(0)
    logits = torch.randn(2, 4000) * torch.tensor([[0.1], [4.0]])  # one row flat, one peaked
    top_p = 0.9
    uniforms = torch.rand(2, 1)
    for row in range(2):
        values, ids = logits[row].softmax(-1).sort(descending=True)
        size = int((values.cumsum(-1) < top_p).sum()) + 1
        shares = values[:size] / values[:size].sum()
        expected = ids[int((shares.cumsum(-1) <= uniforms[row]).sum())]
        tokens = draw_tokens(logits, uniforms[:, 0], Sampling(1.0, top_p, 1)).tokens
        assert tokens[row] == expected


def test_logprobs_are_those_at_the_temperature_before_top_p():
    logits = logits_of(0.2, 0.5, 0.3)
    for temperature in (1.0, 0.5):
        result = draw_tokens(logits, torch.tensor([0.1]), Sampling(temperature, 0.6, 1))
        expected = (logits / temperature).log_softmax(-1)[0, result.tokens[0]]
        torch.testing.assert_close(result.logprobs[0], expected)


def test_temperature_zero_takes_the_likeliest():
    result = draw_tokens(logits_of(0.2, 0.5, 0.3), torch.tensor([0.99]), Sampling(0.0, 1.0, 1))
    assert result.tokens.tolist() == [1]
    torch.testing.assert_close(result.logprobs, torch.tensor([0.5]).log())


def test_logits_that_are_not_finite_are_an_error():
    with pytest.raises(FloatingPointError):
        draw_tokens(torch.tensor([[0.0, torch.nan]]), torch.tensor([0.5]), Sampling(1.0, 1.0, 1))
