"""What keeps the house in order beyond import-linter."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "transformers", "trl", "peft")


@pytest.mark.parametrize("module", ["rlhf_studio.cli", "rlhf_studio.app"])
def test_neither_help_nor_the_web_process_waits_for_torch(module: str) -> None:
    code = f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_command_line_does_not_wait_for_gradio() -> None:
    code = "import sys, rlhf_studio.cli; print('gradio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_no_file_is_too_long_to_be_seen_whole() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in (ROOT / "rlhf_studio").rglob("*.py")}
    assert {str(path): n for path, n in lengths.items() if n > 450} == {}
