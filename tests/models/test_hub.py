from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub.errors import OfflineModeIsEnabled

from rlhf_studio.core.errors import InvalidInput, Unavailable
from rlhf_studio.models.hub import fetch_from_hub
from tests.tiny import tiny_model


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A Hub with one model; `hub.cut_off = True` lets downloads end after config.json, silently."""
    source = tiny_model(tmp_path / "source")
    state = SimpleNamespace(cut_off=False, error=None, calls=0)
    (source / "pytorch_model.bin").write_bytes(b"pickle")

    def model_info(self, model_id, files_metadata):
        state.calls += 1
        if state.error:
            raise state.error
        files = [SimpleNamespace(rfilename=file.name, size=file.stat().st_size) for file in source.iterdir()]
        return SimpleNamespace(sha="abc", siblings=[*files, SimpleNamespace(rfilename="onnx/model.json", size=1)])

    def snapshot_download(model_id, *, revision, local_dir, allow_patterns, ignore_patterns):
        names = ["config.json"] if state.cut_off else [f.name for f in source.iterdir() if f.suffix != ".bin"]
        for name in names:
            (local_dir / name).write_bytes((source / name).read_bytes())

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return state


def test_a_model_is_fetched_once(hub, tmp_path):
    path = fetch_from_hub("owner/tiny", tmp_path / "models")
    assert path == tmp_path / "models" / "hub--owner--tiny"
    assert not (path / "pytorch_model.bin").exists()
    assert fetch_from_hub("owner/tiny", tmp_path / "models") == path
    assert hub.calls == 1


def test_half_a_download_is_no_model_and_can_be_gone_on_with(hub, tmp_path):
    hub.cut_off = True
    with pytest.raises(Unavailable, match="could not be downloaded whole"):
        fetch_from_hub("owner/tiny", tmp_path)
    assert not (tmp_path / "hub--owner--tiny").exists()
    hub.cut_off = False
    assert fetch_from_hub("owner/tiny", tmp_path).is_dir()


def test_offline_mode_and_network_errors_are_one_plain_line(hub, tmp_path):
    import httpx2

    for error, words in (
        (OfflineModeIsEnabled("offline"), "HF_HUB_OFFLINE is set"),
        (httpx2.ConnectError("refused"), "cannot be reached"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ):
        hub.error = error
        with pytest.raises(Unavailable, match=words) as caught:
            fetch_from_hub("owner/tiny", tmp_path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("model_id", ["", "../up", "a/b/c", "a/../../b", "/etc", "a b", "owner/..", "a/b/"])
def test_malformed_ids_are_refused_before_anything_happens(hub, tmp_path, model_id):
    with pytest.raises(InvalidInput, match="is not a model id"):
        fetch_from_hub(model_id, tmp_path)
    assert hub.calls == 0
