import pytest
import torch

from rlhf_studio.models.hardware import Hardware
from rlhf_studio.models.machine_speed import MachineSpeed, load_speed, save_speed
from rlhf_studio.models.speed import measure_speed
from tests.tiny import tiny_model

# peft 0.21 asks transformers for this name at every get_peft_model.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


def test_saved_speed_is_read_back(tmp_path):
    speed = MachineSpeed(500.0, 300.5, 2.0)
    save_speed(tmp_path / "home", speed)
    assert load_speed(tmp_path / "home") == speed
    assert [file.name for file in (tmp_path / "home").iterdir()] == ["machine.json"]


def test_speed_that_was_never_measured_or_cannot_be_read_is_none(tmp_path):
    assert load_speed(tmp_path) is None
    for text in ("", "[]", '{"other": 1}', '{"sample_tokens_per_second": "fast"}'):
        (tmp_path / "machine.json").write_text(text)
        assert load_speed(tmp_path) is None


def test_measured_speed_is_positive(tmp_path):
    speed = measure_speed(tiny_model(tmp_path), Hardware(torch.device("cpu"), torch.float32, "test"))
    assert speed.sample_tokens_per_second > 0
    assert speed.train_tokens_per_second > 0
    assert speed.load_seconds > 0
