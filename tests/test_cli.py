"""The command line: status 0 only when it was done, one clear line and status 2 for a user's mistake."""

import json
import sys
from pathlib import Path

import pytest

from rlhf_studio import __version__, cli
from tests.tiny import tiny_model


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RLHF_STUDIO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RLHF_STUDIO_DATABASE_URL", raising=False)
    return tmp_path / "home"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["rlhf-studio", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["models", "add", "./nowhere"], "There is no directory ./nowhere"),
        (["models", "show", "grpo-9"], "grpo-9"),
        (["prompts", "import", "nowhere.jsonl"], "There is no file nowhere.jsonl"),
        (["train", "rm"], "There is no model 'starter'"),
        (["train", "rm", "--set", "epochs=0"], "epochs"),
        (["train", "rm", "--set", "epochs"], "KNOB=VALUE"),
        (["train", "grpo", "--reward", "rm-1=much"], "REF=WEIGHT"),
        (["label", "--annotator", "somebody", "--count", "3"], "simulated:TASTE"),
        (["preferences", "export", "out.jsonl"], "Vote on some pairs first"),
        (["runs", "cancel", "rm-7"], "rm-7"),
        (["prompts", "list", "--project", "../etc"], "is no project name"),
        (["serve", "--host", "0.0.0.0"], "no accounts yet"),
    ],
)
def test_a_mistake_gives_one_line_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert run(monkeypatch, *arguments) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert "Traceback" not in error


def test_pickle_weights_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    model = tiny_model(tmp_path / "tiny")
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    assert run(monkeypatch, "models", "add", model) == 2
    assert "safetensors" in capsys.readouterr().err


def test_a_port_in_use_is_said_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert run(monkeypatch, "serve", "--port", port) == 2
    assert f"Port {port} is in use" in capsys.readouterr().err


def test_prompts_in_and_preferences_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pairs = tmp_path / "pairs.jsonl"
    rows = [{"prompt": f"Why {n}?", "a": "Because.", "b": "no " * 30} for n in range(5)]
    pairs.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run(monkeypatch, "preferences", "import", pairs, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"kind": "comparisons", "added": 5, "already_there": 0}
    assert run(monkeypatch, "prompts", "import", pairs) == 2
    assert "Import it with: rlhf-studio preferences import" in capsys.readouterr().err
    assert run(monkeypatch, "label", "--annotator", "simulated:concise", "--count", 9, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"answered": 5}
    assert run(monkeypatch, "preferences", "export", tmp_path / "out.jsonl", "--simulated") == 0
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 5
    capsys.readouterr()
    assert run(monkeypatch, "preferences", "stats", "--json") == 0
    assert json.loads(capsys.readouterr().out)["simulated"]["a"] == 5


@pytest.mark.slow
def test_generate_runs_to_its_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("Hello\nWhy?\nHow?\n")
    assert run(monkeypatch, "models", "add", tiny_model(tmp_path / "tiny"), "--name", "starter") == 0
    assert run(monkeypatch, "prompts", "import", prompts) == 0
    capsys.readouterr()
    assert run(monkeypatch, "generate", "--set", "prompts=3", "--set", "max_new_tokens=4", "--json") == 0
    view = json.loads(capsys.readouterr().out)
    assert view["record"]["status"] == "finished"
    assert view["result"]["pairs"] > 0
