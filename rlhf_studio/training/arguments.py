"""What every trainer is told alike."""

from pathlib import Path
from typing import Any

from rlhf_studio.models.hardware import Hardware


def shared_arguments(hardware: Hardware, directory: Path) -> dict[str, Any]:
    """Return the training arguments that no algorithm changes.

    The weights are in the machine's fast precision already, so nothing is cast on the way;
    a step is logged as it happens, and nothing is reported to anyone else.
    """
    return {
        "output_dir": str(directory),
        "use_cpu": hardware.device.type == "cpu",
        "bf16": False,
        "activation_checkpointing": False,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }
