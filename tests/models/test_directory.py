import json
import subprocess
import sys

import pytest
from transformers import AutoTokenizer

from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.models.directory import check_model_directory, context_length, count_tokens
from tests.tiny import tiny_model


@pytest.fixture
def path(tmp_path):
    return tiny_model(tmp_path / "model")


def refusal(path):
    with pytest.raises(InvalidInput) as caught:
        check_model_directory(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_a_whole_model_is_accepted(path):
    check_model_directory(path)


def test_missing_directory(tmp_path):
    assert "There is no directory" in refusal(tmp_path / "nowhere")


def test_missing_config(path):
    (path / "config.json").unlink()
    assert "has no config.json" in refusal(path)
    (path / "adapter_config.json").write_text("{}")
    assert "It is a LoRA adapter; add its base model." in refusal(path)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pth"])
def test_pickle_weights(path, name):
    (path / "model.safetensors").rename(path / name)
    assert "Convert them to safetensors first." in refusal(path)


def test_pickle_beside_safetensors_is_no_harm(path):
    (path / "training_args.bin").touch()
    check_model_directory(path)


def test_missing_weights(path):
    (path / "model.safetensors").unlink()
    assert "has no weights (*.safetensors)" in refusal(path)


def test_missing_tokenizer(path):
    (path / "tokenizer.json").unlink()
    assert "has no tokenizer.json" in refusal(path)


def test_missing_chat_template(path):
    template = path / "chat_template.jinja"
    text = template.read_text()
    template.unlink()
    assert "has no chat template" in refusal(path)
    config = json.loads((path / "tokenizer_config.json").read_text())
    (path / "tokenizer_config.json").write_text(json.dumps(config | {"chat_template": text}))
    check_model_directory(path)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_code_of_the_models_own(path, name):
    config = json.loads((path / name).read_text())
    (path / name).write_text(json.dumps(config | {"auto_map": {"AutoModelForCausalLM": "modeling.Model"}}))
    assert "asks to run code" in refusal(path)


def test_config_that_is_no_json(path):
    (path / "config.json").write_text("{")
    assert "cannot be read as JSON" in refusal(path)


def test_context_length(path):
    assert context_length(path) == 512
    (path / "config.json").write_text('{"text_config": {"max_position_embeddings": 77}}')
    assert context_length(path) == 77
    (path / "config.json").write_text("{}")
    with pytest.raises(InvalidInput, match="does not say how long a context"):
        context_length(path)


def test_count_tokens_equals_the_length_that_transformers_gives(path):
    texts = ["", "Hello there", "The capital of France is Paris. 你好", "x" * 2000]
    tokenizer = AutoTokenizer.from_pretrained(path)
    assert count_tokens(path, texts) == [len(tokenizer.encode(text, add_special_tokens=False)) for text in texts]


def test_the_web_process_needs_no_torch_for_this():
    code = (
        "import sys, rlhf_studio.models.directory, rlhf_studio.models.machine_speed, rlhf_studio.models.starter,"
        " rlhf_studio.models.hub; sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
