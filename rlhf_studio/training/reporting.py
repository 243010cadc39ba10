"""From a trainer's callbacks to a run's events, and from a cancelled run to a stopped trainer."""

import math
import time
from collections.abc import Mapping
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from rlhf_studio.core.events import Metrics, Stage
from rlhf_studio.core.runs import RunContext


class Reporter(TrainerCallback):  # type: ignore[misc]
    """Emits one Metrics event a step, with the names that the pages use, and ends a cancelled run.

    `names` maps a trainer's log key to the metric's name; keys that are not in it are dropped,
    but for those whose beginning is in `prefixes`. A figure that a step could not measure (NaN)
    is left out of that step: it never becomes a number.
    """

    def __init__(
        self, context: RunContext, stage: str, names: Mapping[str, str], prefixes: tuple[str, ...] = ()
    ) -> None:
        self._context = context
        self._stage = stage
        self._names = names
        self._prefixes = prefixes
        self._step_began = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._context.emit(Stage(text=self._stage, total_steps=state.max_steps))

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._context.check_cancelled()
        self._step_began = time.monotonic()

    def on_substep_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._context.check_cancelled()

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        logs: Mapping[str, Any] = kwargs["logs"]
        values = {}
        for key, value in logs.items():
            name = self._names.get(key, key if key.startswith(self._prefixes) and self._prefixes else None)
            if name is not None and isinstance(value, int | float) and math.isfinite(value):
                values[name] = float(value)
        if values and "train_runtime" not in logs:
            values["step_seconds"] = time.monotonic() - self._step_began
            self._context.emit(Metrics(step=state.global_step, values=values))
