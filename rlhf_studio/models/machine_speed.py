"""How fast this machine is, measured once and kept beside the models, to say how long a run takes."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

_FILE = "machine.json"


@dataclass(frozen=True, slots=True)
class MachineSpeed:
    """Tokens a second when sampling in batches and when training an adapter, and seconds to load a model."""

    sample_tokens_per_second: float
    train_tokens_per_second: float
    load_seconds: float


def save_speed(home: Path, speed: MachineSpeed) -> None:
    """Write the figures to machine.json in `home`."""
    home.mkdir(parents=True, exist_ok=True)
    new = home / f".{_FILE}.new"
    new.write_text(json.dumps(asdict(speed), indent=2) + "\n", encoding="utf-8")
    new.replace(home / _FILE)


def load_speed(home: Path) -> MachineSpeed | None:
    """Return the figures measured before; None where there are none, or none that can be read."""
    try:
        values = json.loads((home / _FILE).read_text(encoding="utf-8"))
        speed = MachineSpeed(**{name: float(value) for name, value in values.items()})
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return speed if min(speed.sample_tokens_per_second, speed.train_tokens_per_second) > 0 else None
