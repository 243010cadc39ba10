"""What a run reports while it goes: a closed union of events, appended with a growing number."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Stage(_Event):
    """What the run is busy with now, in plain words; `total_steps` once it is known."""

    event: Literal["stage"] = "stage"
    text: str
    total_steps: int | None = None


class Metrics(_Event):
    """Figures of one step."""

    event: Literal["metrics"] = "metrics"
    step: int
    values: Mapping[str, float]


class SampleRow(_Event):
    """One sampled completion with what each reward gave it."""

    event: Literal["sample"] = "sample"
    prompt: str
    completion: str
    rewards: Mapping[str, float | None] = Field(default_factory=dict)
    model: str | None = None


class Samples(_Event):
    """Completions sampled at a step."""

    event: Literal["samples"] = "samples"
    step: int
    rows: tuple[SampleRow, ...]


class Checkpoint(_Event):
    """A complete checkpoint was written to `path` (inside the run's folder)."""

    event: Literal["checkpoint"] = "checkpoint"
    step: int
    path: str


class Warning(_Event):
    """Something the user should know, in plain words; `code` is stable."""

    event: Literal["warning"] = "warning"
    code: str
    plain_words: str


class Finished(_Event):
    """The run did what it was asked for; `result` holds its figures."""

    event: Literal["finished"] = "finished"
    result: Mapping[str, Any] = Field(default_factory=dict)


class Failed(_Event):
    """The run ended without its result; `cause` is one line, `log` the end of its log."""

    event: Literal["failed"] = "failed"
    cause: str
    log: str = ""


class Cancelled(_Event):
    """The run ended because somebody asked for it."""

    event: Literal["cancelled"] = "cancelled"
    step: int | None = None


RunEvent = Annotated[
    Stage | Metrics | Samples | Checkpoint | Warning | Finished | Failed | Cancelled,
    Field(discriminator="event"),
]
_ADAPTER: TypeAdapter[RunEvent] = TypeAdapter(RunEvent)


class StoredEvent(BaseModel):
    """An event with its place in the run: `seq` grows, `at` is UTC."""

    model_config = ConfigDict(frozen=True)

    seq: int
    at: datetime
    event: RunEvent


def event_from_json(text: str) -> RunEvent:
    """Read an event back from the store."""
    return _ADAPTER.validate_json(text)
