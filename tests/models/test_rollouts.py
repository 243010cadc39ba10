import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    Lfm2Config,
    MistralConfig,
    Qwen2Config,
)

from rlhf_studio.core.completions import Sampling
from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.core.prompts import Message
from rlhf_studio.models.hardware import Hardware
from rlhf_studio.models.load import load_base, load_tokenizer
from rlhf_studio.models.rollouts import RolloutEngine, encode_prompt
from tests.tiny import tiny_model

CPU = Hardware(torch.device("cpu"), torch.float32, "test")
GREEDY = Sampling(temperature=0, max_new_tokens=24)
WHOLE = Sampling(temperature=1.0, top_p=1.0, max_new_tokens=24)
TEXTS = ("Hello!", "What is the capital of France?", "Write a poem about the sea. " * 4, "a", "Keep it brief.")
PROMPTS = [(Message("user", text),) for text in TEXTS]


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    path = tiny_model(tmp_path_factory.mktemp("tiny"))
    return load_base(path, CPU), load_tokenizer(path)


@pytest.fixture
def engine(parts):
    return RolloutEngine(*parts, CPU)


@torch.inference_mode()
def full_logprobs(model, rollout, temperature=1.0):
    ids = torch.tensor([rollout.prompt_ids + rollout.completion_ids])
    logits = model(input_ids=ids).logits[0, len(rollout.prompt_ids) - 1 : -1] / temperature
    return logits.log_softmax(-1).gather(-1, torch.tensor(rollout.completion_ids)[:, None])[:, 0]


@torch.inference_mode()
def generated(model, prompt_ids):
    ids = torch.tensor([prompt_ids])
    output = model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=24, eos_token_id=2, pad_token_id=0
    )
    return tuple(output[0, ids.shape[1] :].tolist())


def test_greedy_rollouts_equal_those_of_generate(parts, engine):
    model, tokenizer = parts
    for rollout in engine.sample_ids([encode_prompt(tokenizer, prompt) for prompt in PROMPTS], GREEDY):
        assert rollout.completion_ids == generated(model, rollout.prompt_ids)


def test_a_beginning_that_all_prompts_share_is_read_once_and_changes_nothing(parts, engine, monkeypatch):
    system = Message("system", "You are a helpful assistant. Keep it brief.")
    prompts = [encode_prompt(parts[1], (system, *prompt)) for prompt in PROMPTS]
    widths = []
    forward = engine.forward
    monkeypatch.setattr(engine, "forward", lambda ids, *rest: widths.append(ids.shape) or forward(ids, *rest))
    for rollout in engine.sample_ids(prompts, GREEDY):
        assert rollout.completion_ids == generated(parts[0], rollout.prompt_ids)
    assert widths[0][0] == 1
    assert widths[0][1] >= 24


def other_models():
    small = {"vocab_size": 320, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    small |= {"initializer_range": 0.3, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    wide = small | {"intermediate_size": 64, "num_key_value_heads": 2}
    gpt2 = GPT2Config(vocab_size=320, n_embd=32, n_layer=2, n_head=4, initializer_range=0.3, eos_token_id=2)
    return {
        "learned positions": gpt2,
        "sliding window": MistralConfig(**wide, sliding_window=20, head_dim=8),
        "sliding and full layers": Gemma3TextConfig(
            **wide, sliding_window=20, head_dim=8, layer_types=["sliding_attention", "full_attention"]
        ),
        "biases": Qwen2Config(**wide),
        "recurrent layers": Lfm2Config(**wide, layer_types=["conv", "full_attention"]),
    }


@pytest.mark.parametrize("kind", other_models())
def test_other_architectures_equal_generate_too(parts, kind):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(other_models()[kind]).eval()
    prompts = [encode_prompt(parts[1], prompt) for prompt in PROMPTS]
    for rollout in RolloutEngine(model, parts[1], CPU).sample_ids(prompts, GREEDY):
        assert rollout.completion_ids == generated(model, rollout.prompt_ids)


def test_models_without_a_static_cache_give_the_same(parts, engine, monkeypatch):
    expected = engine.sample(PROMPTS, WHOLE, per_prompt=3)
    monkeypatch.setattr(type(parts[0]), "_can_compile_fullgraph", False)
    assert_same_tokens(engine.sample(PROMPTS, WHOLE, per_prompt=3), expected)


def assert_same_tokens(groups, expected):
    assert [[r.completion_ids for r in group] for group in groups] == [
        [r.completion_ids for r in group] for group in expected
    ]


def test_logprobs_equal_those_of_a_full_forward(parts, engine):
    for temperature, top_p in ((1.0, 1.0), (0.7, 0.9), (0, 1.0)):
        groups = engine.sample(PROMPTS, Sampling(temperature, top_p, 16), per_prompt=3)
        for rollout in (rollout for group in groups for rollout in group):
            expected = full_logprobs(parts[0], rollout, temperature or 1.0)
            torch.testing.assert_close(torch.tensor(rollout.logprobs), expected, atol=2e-4, rtol=1e-4)


def test_results_do_not_depend_on_batching_or_padding(parts, engine):
    whole = engine.sample(PROMPTS, WHOLE, per_prompt=3, seed=7)
    small = RolloutEngine(*parts, CPU, max_batch=4).sample(PROMPTS, WHOLE, per_prompt=3, seed=7)
    single = RolloutEngine(*parts, CPU, max_batch=1).sample(PROMPTS, WHOLE, per_prompt=3, seed=7)
    assert_same_tokens(small, whole)
    assert_same_tokens(single, whole)


def test_same_seed_repeats_and_another_differs(engine):
    first = engine.sample(PROMPTS, WHOLE, seed=1)
    assert engine.sample(PROMPTS, WHOLE, seed=1) == first
    assert engine.sample(PROMPTS, WHOLE, seed=2) != first


def test_rollouts_come_grouped_by_prompt_in_order(parts, engine):
    groups = engine.sample(PROMPTS, WHOLE, per_prompt=4)
    assert [len(group) for group in groups] == [4] * len(PROMPTS)
    for prompt, group in zip(PROMPTS, groups, strict=True):
        assert {rollout.prompt_ids for rollout in group} == {tuple(encode_prompt(parts[1], prompt))}
        assert len({rollout.completion_ids for rollout in group}) == 4


def test_end_mark_is_included_and_its_absence_is_truncated(parts, engine):
    end = parts[1].eos_token_id
    rollouts = [r for group in engine.sample(PROMPTS * 8, WHOLE, per_prompt=8) for r in group]
    ended = [rollout for rollout in rollouts if not rollout.truncated]
    assert 0 < len(ended) < len(rollouts)
    for rollout in rollouts:
        assert end not in rollout.completion_ids[:-1]
        assert len(rollout.logprobs) == len(rollout.completion_ids)
        assert (rollout.completion_ids[-1] == end) is not rollout.truncated
        assert not rollout.truncated or len(rollout.completion_ids) == WHOLE.max_new_tokens


def test_sampled_tokens_follow_the_softmax(parts, engine):
    model, tokenizer = parts
    ids = encode_prompt(tokenizer, PROMPTS[0])
    draws = 4096
    rollouts = engine.sample_ids([ids] * draws, Sampling(0.7, 1.0, 1))
    counts = torch.bincount(torch.tensor([r.completion_ids[0] for r in rollouts]), minlength=len(tokenizer))
    with torch.inference_mode():
        probs = (model(input_ids=torch.tensor([ids])).logits[0, -1] / 0.7).softmax(-1)
    deviation = (counts / draws - probs).abs() / (probs * (1 - probs) / draws).sqrt().clamp(min=1 / draws)
    assert deviation.max() < 4.5


def test_progress_counts_rollouts_and_what_it_raises_ends_the_sampling(parts):
    engine = RolloutEngine(*parts, CPU, max_batch=4)
    calls = []
    engine.sample(PROMPTS, WHOLE, per_prompt=2, on_progress=lambda done, total: calls.append((done, total)))
    assert calls == sorted(calls)
    assert calls[-1] == (10, 10)

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.sample(PROMPTS, WHOLE, on_progress=stop)


def test_nothing_to_sample_gives_nothing(engine):
    assert engine.sample([], WHOLE) == []


def test_text_is_stripped_and_without_special_tokens(parts, engine):
    rollout = engine.sample(PROMPTS, WHOLE)[0][0]
    text = engine.text(rollout)
    assert "<|" not in text
    assert text == text.strip()


def test_a_prompt_without_room_for_the_completion_is_refused(engine):
    with pytest.raises(InvalidInput, match=r"Prompt 2 has 500 tokens; with 24 new ones it does not fit"):
        engine.sample_ids([[5], [5] * 500], WHOLE)


def test_a_model_in_training_mode_is_refused(parts):
    model, tokenizer = parts
    try:
        with pytest.raises(ValueError, match="training mode"):
            RolloutEngine(model.train(), tokenizer, CPU)
    finally:
        model.eval()


def test_a_diverged_model_is_an_error_and_no_sample(parts, tmp_path):
    model = load_base(tiny_model(tmp_path), CPU)
    model.lm_head.weight.data.fill_(torch.nan)
    with pytest.raises(FloatingPointError, match="diverged"):
        RolloutEngine(model, parts[1], CPU).sample(PROMPTS, WHOLE)
