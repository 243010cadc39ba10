import copy
import warnings

import pytest
import torch
from peft import LoraConfig, get_peft_model

from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.models.hardware import Hardware, probe_hardware
from rlhf_studio.models.load import MergedPolicy, load_base, load_policy, load_tokenizer
from tests.tiny import tiny_model

# peft 0.21 asks transformers for this name at every get_peft_model.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

CPU = torch.device("cpu")
FLOAT = Hardware(CPU, torch.float32, "test")
HALF = Hardware(CPU, torch.bfloat16, "test")
IDS = torch.tensor([[1, 87, 85, 278, 201, 42, 75]])


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny"))


def adapted(path, hardware, targets="all-linear", **options):
    """A LoRA policy whose adapter already changes something."""
    base = load_base(path, hardware)
    config = LoraConfig(r=4, lora_alpha=16, target_modules=targets, task_type="CAUSAL_LM", **options)
    model = get_peft_model(base, config)
    torch.manual_seed(0)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


@torch.inference_mode()
def logits(model):
    return model(input_ids=IDS).logits.float()


def test_base_comes_in_eval_mode_and_in_the_dtype_of_the_hardware(path):
    for hardware in (FLOAT, HALF):
        model = load_base(path, hardware)
        assert not model.training
        assert model.dtype == hardware.dtype


def test_tokenizer_pads_left_with_a_token_that_is_not_the_end_mark(path):
    tokenizer = load_tokenizer(path)
    assert tokenizer.padding_side == "left"
    assert tokenizer.pad_token_id not in (None, tokenizer.eos_token_id)


def test_tokenizer_that_pads_with_the_end_mark_gets_another_token(path, tmp_path):
    tokenizer = load_tokenizer(path)
    tiny_model(tmp_path)
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.save_pretrained(tmp_path)
    assert load_tokenizer(tmp_path).pad_token == "<|endoftext|>"


def test_weights_that_cannot_be_read_are_one_plain_line(path, tmp_path):
    broken = tiny_model(tmp_path)
    (broken / "config.json").write_text('{"model_type": "no-such-architecture"}')
    with pytest.raises(InvalidInput, match="cannot be loaded") as caught:
        load_base(broken, FLOAT)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("targets", ["all-linear", ["q_proj", "down_proj"]])
def test_merged_copy_equals_merge_and_unload(path, targets):
    model = adapted(path, FLOAT, targets)
    merged = MergedPolicy(model, FLOAT).model
    torch.testing.assert_close(logits(merged), logits(model), atol=1e-4, rtol=1e-4)
    expected = copy.deepcopy(model).merge_and_unload()
    torch.testing.assert_close(logits(merged), logits(expected))


def test_merged_copy_of_an_adapted_embedding(path):
    with warnings.catch_warnings(action="ignore"):  # PEFT warns that the head shares the base's embedding
        model = adapted(path, FLOAT, ["embed_tokens"])
    merged = MergedPolicy(model, FLOAT).model
    torch.testing.assert_close(logits(merged), logits(model), atol=1e-4, rtol=1e-4)


def test_merged_copy_equals_merge_and_unload_in_bfloat16(path):
    model = adapted(path, HALF)
    merged = MergedPolicy(model, HALF).model
    expected = copy.deepcopy(model).merge_and_unload()
    for name, parameter in expected.named_parameters():
        torch.testing.assert_close(merged.get_parameter(name).data, parameter.data, atol=0, rtol=2**-7)


def test_refresh_follows_the_adapter_and_leaves_the_training_model_alone(path):
    model = adapted(path, HALF).train()
    policy = MergedPolicy(model, HALF)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    stale = logits(policy.model)
    places = {name: parameter.data_ptr() for name, parameter in policy.model.named_parameters()}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.mul_(3)
    policy.refresh()
    assert not torch.equal(logits(policy.model), stale)
    assert {name: parameter.data_ptr() for name, parameter in policy.model.named_parameters()} == places
    assert model.training
    assert any(parameter.requires_grad for parameter in model.parameters())
    for name, tensor in model.state_dict().items():
        if "lora_B" not in name:
            assert torch.equal(tensor, before[name]), name


def test_tensors_that_no_adapter_touches_are_shared(path):
    model = adapted(path, FLOAT, targets=["q_proj"])
    base = model.get_base_model()
    merged = MergedPolicy(model, FLOAT).model
    shared = base.model.layers[0].mlp.up_proj.weight.data_ptr()
    assert merged.model.layers[0].mlp.up_proj.weight.data_ptr() == shared
    assert merged.model.embed_tokens.weight.data_ptr() == merged.lm_head.weight.data_ptr()
    own = base.model.layers[0].self_attn.q_proj.base_layer.weight.data_ptr()
    assert merged.model.layers[0].self_attn.q_proj.weight.data_ptr() != own


def test_merged_copy_follows_its_adapter_also_while_another_is_active(path):
    model = adapted(path, FLOAT)
    policy = MergedPolicy(model, FLOAT)
    expected = logits(policy.model)
    model.add_adapter("other", LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"))
    model.set_adapter("other")
    policy.refresh()
    assert torch.equal(logits(policy.model), expected)


def test_merged_copy_in_another_dtype_than_the_training_model(path):
    model = adapted(path, FLOAT)
    merged = MergedPolicy(model, HALF).model
    assert {parameter.dtype for parameter in merged.parameters()} == {torch.bfloat16}
    assert (logits(merged).argmax(-1) == logits(model).argmax(-1)).float().mean() > 0.5


def test_dora_is_refused(path):
    with pytest.raises(InvalidInput, match="Only plain LoRA"):
        MergedPolicy(adapted(path, FLOAT, use_dora=True), FLOAT)


def test_policy_is_the_base_with_the_saved_adapter_merged(path, tmp_path):
    model = adapted(path, FLOAT)
    model.save_pretrained(tmp_path)
    torch.testing.assert_close(logits(load_policy(path, tmp_path, FLOAT)), logits(model), atol=1e-4, rtol=1e-4)
    assert torch.equal(logits(load_policy(path, None, FLOAT)), logits(load_base(path, FLOAT)))


def test_adapter_without_safetensors_is_refused(path, tmp_path):
    with pytest.raises(InvalidInput, match=r"holds no LoRA adapter \(adapter_model.safetensors\)"):
        load_policy(path, tmp_path, FLOAT)


def test_probe_names_a_device_that_computes():
    hardware = probe_hardware()
    assert hardware.name
    one = torch.ones(2, 2, device=hardware.device, dtype=hardware.dtype)
    assert (one @ one).sum().item() == 8
