"""The result of a comparison run, and people's blind votes on its answers."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rlhf_studio.core.completions import Completion
from rlhf_studio.core.errors import Conflict, NotFound
from rlhf_studio.core.events import Finished
from rlhf_studio.core.figures import Figure
from rlhf_studio.core.preferences import Comparison
from rlhf_studio.core.runs import RunRecord
from rlhf_studio.evaluation.intervals import proportion
from rlhf_studio.store import Store


@dataclass(frozen=True, slots=True)
class ModelResult:
    """One model's figures over all prompts; `win_rate` is against the first model, by the reward model."""

    model: str
    reward: Figure | None
    tokens: Figure
    cut_off: Figure
    win_rate: Figure | None


@dataclass(frozen=True, slots=True)
class PromptResult:
    """One prompt with each model's answer and its reward."""

    prompt: str
    completions: Mapping[str, str]
    rewards: Mapping[str, float | None]
    prompt_id: str = ""


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """What a compare run found; `measured_by` names the reward model, None where there was none.

    `caution` says in plain words when the reward model also was what a policy was trained against.
    """

    models: Sequence[ModelResult]
    prompts: Sequence[PromptResult]
    measured_by: str | None
    caution: str = ""


class ComparingService:
    """Results of compare runs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def latest(self, project: str) -> tuple[RunRecord, ComparisonResult] | None:
        """Return the newest finished compare run with its result."""
        for record in self._store.runs.all(project=project, kind="compare"):
            if record.status == "finished":
                return record, self.of(record.id)
        return None

    def of(self, run_id: str) -> ComparisonResult:
        """Return what a compare run found; Conflict while it has not finished."""
        stored = self._store.runs.last_event(run_id, "finished")
        if stored is None or not isinstance(stored.event, Finished) or "prompts" not in stored.event.result:
            raise Conflict(f"{run_id} has no comparison to show: it is not a finished compare run.")
        return _parse(stored.event.result)

    def to_vote(self, project: str, run_id: str) -> int:
        """Put the answers of a compare run up for blind votes, each model's against the first one's.

        Returns how many pairs are new; a repeat adds none. Pairs that say the same are left out.
        """
        result = self.of(run_id)
        ids = [row.prompt_id for row in result.prompts]
        prompts = self._store.prompts.get(project, ids)
        comparisons = []
        for row in result.prompts:
            first, *others = row.completions
            for other in others:
                if row.prompt_id in prompts and row.completions[first] != row.completions[other]:
                    a, b = (self._completion(run_id, row, model) for model in (first, other))
                    pair_id = _pair_id(run_id, row.prompt_id, other)
                    comparisons.append(Comparison(pair_id, prompts[row.prompt_id], a, b, "arena"))
        if not comparisons:
            raise NotFound(f"{run_id} has no pair of different answers to vote on.")
        return self._store.comparisons.add(project, comparisons)

    def human_votes(self, run_id: str) -> dict[str, Figure]:
        """Return each model's win rate against the first by people's blind votes, where there are any.

        Ties and both-bad count half a win; skipped pairs do not count.
        """
        result = self.of(run_id)
        project = self._store.runs.get(run_id).project
        current = self._store.preferences.current(project, kinds=("human",))
        choice_of = {p.comparison_id: p.choice for p in current if p.choice != "skip"}
        figures = {}
        for other in list(result.prompts[0].completions)[1:]:
            pairs = [_pair_id(run_id, row.prompt_id, other) for row in result.prompts]
            choices = [choice_of[pair] for pair in pairs if pair in choice_of]
            if choices:
                wins = sum(1.0 if c == "b" else 0.0 if c == "a" else 0.5 for c in choices)
                figures[other] = proportion(wins, len(choices), measured_on=f"{len(choices)} blind votes of people")
        return figures

    def _completion(self, run_id: str, row: PromptResult, model: str) -> Completion:
        completion_id = _pair_id(run_id, row.prompt_id, f"completion of {model}")
        return Completion(completion_id, row.prompt_id, row.completions[model], model)


def _pair_id(run_id: str, prompt_id: str, model: str) -> str:
    return hashlib.sha256(f"{run_id} {prompt_id} {model}".encode()).hexdigest()[:16]


def _figure(value: Mapping[str, Any] | None) -> Figure | None:
    return Figure(**value) if value else None


def _parse(result: Mapping[str, Any]) -> ComparisonResult:
    return ComparisonResult(
        models=[
            ModelResult(
                row["model"], _figure(row["reward"]), Figure(**row["tokens"]), Figure(**row["cut_off"]),
                _figure(row["win_rate"]),
            )
            for row in result["models"]
        ],
        prompts=[PromptResult(**row) for row in result["prompts"]],
        measured_by=result["measured_by"],
        caution=result["caution"],
    )  # fmt: skip
