"""What a model directory must hold. Torch is never imported here: the web process asks too."""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from rlhf_studio.core.errors import InvalidInput

_PICKLE_SUFFIXES = {".bin", ".pt", ".pth"}
_LENGTH_KEYS = ("max_position_embeddings", "n_positions", "n_ctx", "max_sequence_length", "max_seq_len", "seq_length")


def check_model_directory(path: Path) -> None:
    """Raise InvalidInput with one line that says what is missing or not allowed, if anything is.

    Needed: config.json, safetensors weights, tokenizer.json and a chat template. Refused: weights
    as pickle only (loading them can run any code), and models that ask for code of their own.
    """
    if not path.is_dir():
        raise InvalidInput(f"There is no directory {path}.")
    if not (path / "config.json").is_file():
        hint = " It is a LoRA adapter; add its base model." if (path / "adapter_config.json").is_file() else ""
        raise InvalidInput(f"{path} has no config.json, so it is not a model in the Hugging Face format.{hint}")
    _check_remote_code(path)
    _check_weights(path)
    if not (path / "tokenizer.json").is_file():
        raise InvalidInput(
            f"{path} has no tokenizer.json. Save the tokenizer there with save_pretrained of transformers."
        )
    if not _has_chat_template(path):
        raise InvalidInput(
            f"{path} has no chat template (chat_template.jinja). Use a chat model (often named Instruct or Chat)."
        )


def _check_remote_code(path: Path) -> None:
    for name in ("config.json", "tokenizer_config.json"):
        if (path / name).is_file() and "auto_map" in _read_json(path / name):
            raise InvalidInput(f"{path / name} asks to run code that comes with the model (auto_map); it is not run.")


def _check_weights(path: Path) -> None:
    suffixes = {file.suffix for file in path.iterdir()}
    if ".safetensors" in suffixes:
        return
    if suffixes & _PICKLE_SUFFIXES:
        raise InvalidInput(
            f"{path} has its weights only as pickle (.bin, .pt, .pth), which can run any code when it is loaded."
            " Convert them to safetensors first."
        )
    raise InvalidInput(f"{path} has no weights (*.safetensors).")


def _has_chat_template(path: Path) -> bool:
    if any((path / name).is_file() for name in ("chat_template.jinja", "chat_template.json")):
        return True
    config = path / "tokenizer_config.json"
    return config.is_file() and bool(_read_json(config).get("chat_template"))


def context_length(path: Path) -> int:
    """Return how many tokens, prompt and completion together, the model in `path` was made for."""
    config = _read_json(path / "config.json")
    nested = config.get("text_config")
    for part in (config, nested if isinstance(nested, dict) else {}):
        for key in _LENGTH_KEYS:
            if isinstance(part.get(key), int):
                return int(part[key])
    raise InvalidInput(f"{path / 'config.json'} does not say how long a context the model has.")


def count_tokens(path: Path, texts: Sequence[str]) -> list[int]:
    """Return the number of tokens of each text under the tokenizer of the model in `path`.

    The text alone is counted: special tokens and the chat template come on top.
    """
    file = path / "tokenizer.json"
    if not file.is_file():
        raise InvalidInput(f"{path} has no tokenizer.json.")
    encodings = _tokenizer(file, file.stat().st_mtime_ns).encode_batch_fast(list(texts), add_special_tokens=False)
    return [len(encoding) for encoding in encodings]


@lru_cache(maxsize=4)
def _tokenizer(file: Path, _modified: int) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _read_json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{file} cannot be read as JSON.") from error
    if not isinstance(value, dict):
        raise InvalidInput(f"{file} does not hold a JSON object.")
    return value
