"""Fetch a model from the Hugging Face Hub into the studio's own folder."""

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from rlhf_studio.core.errors import InvalidInput, NotAllowed, NotFound, Unavailable
from rlhf_studio.models.directory import check_model_directory

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

_WANTED = ["*.safetensors", "*.json", "*.txt", "*.jinja", "tokenizer.model", "*.tiktoken"]
# Folders hold the same weights in other formats; "consolidated" files too.
_UNWANTED = ["*/*", "consolidated*"]


def fetch_from_hub(model_id: str, models_dir: Path) -> Path:
    """Return the directory of the model, downloading what is missing; weights as safetensors only.

    A download that was interrupted goes on where it stopped. Raises InvalidInput for a malformed
    id or a model that cannot be used, NotFound, NotAllowed for a gated model, and Unavailable
    without network or disk space, or with HF_HUB_OFFLINE set.
    """
    from huggingface_hub import errors

    if not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", model_id, re.ASCII) or ".." in model_id:
        raise InvalidInput(f"{model_id!r} is not a model id of the Hugging Face Hub (owner/name).")
    target = models_dir / f"hub--{model_id.replace('/', '--')}"
    if target.is_dir():
        check_model_directory(target)
        return target
    partial = models_dir / f".{target.name}.partial"
    try:
        _download(model_id, partial)
        check_model_directory(partial)
        partial.rename(target)
    except errors.GatedRepoError as error:
        raise NotAllowed(
            f"{model_id} is gated: accept its terms on huggingface.co and sign in with `hf auth login`."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise NotFound(f"The Hugging Face Hub has no model {model_id}, or it is private.") from error
    except errors.HFValidationError as error:
        raise InvalidInput(f"{model_id!r} is not a model id of the Hugging Face Hub (owner/name).") from error
    except errors.OfflineModeIsEnabled as error:
        raise Unavailable(f"{model_id} cannot be downloaded: HF_HUB_OFFLINE is set.") from error
    except Unavailable:
        raise
    except OSError as error:
        raise Unavailable(f"{model_id} cannot be stored in {models_dir}: {error.strerror or error}.") from error
    return target


def _download(model_id: str, folder: Path) -> None:
    """Download into `folder` and check that every file came whole.

    Without the check, a Hub that is out of reach turns the remains of an earlier try into a model:
    `snapshot_download` then returns a local folder as it is, with a warning.
    """
    import httpx2
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        info = HfApi().model_info(model_id, files_metadata=True)
        folder.mkdir(parents=True, exist_ok=True)
        snapshot_download(
            model_id, revision=info.sha, local_dir=folder, allow_patterns=_WANTED, ignore_patterns=_UNWANTED
        )
    except (GatedRepoError, RepositoryNotFoundError):
        raise
    except (httpx2.HTTPError, LocalEntryNotFoundError) as error:
        raise Unavailable(f"{model_id} cannot be downloaded: the Hugging Face Hub cannot be reached.") from error
    missing = _missing_files(info, folder)
    if missing:
        raise Unavailable(f"{model_id} could not be downloaded whole ({', '.join(missing[:3])}); try again.")


def _missing_files(info: "ModelInfo", folder: Path) -> list[str]:
    sizes = {file.rfilename: file.size for file in info.siblings or () if _is_wanted(file.rfilename)}
    return [
        name for name, size in sizes.items() if not (folder / name).is_file() or (folder / name).stat().st_size != size
    ]


def _is_wanted(name: str) -> bool:
    return any(fnmatch(name, wanted) for wanted in _WANTED) and not any(fnmatch(name, not_) for not_ in _UNWANTED)
