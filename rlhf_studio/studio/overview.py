"""The circle at a glance: what there is, and the one next step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rlhf_studio.core.figures import Figure
from rlhf_studio.core.models import ModelRecord
from rlhf_studio.core.prompts import Split
from rlhf_studio.core.runs import RunRecord
from rlhf_studio.store import Store

StepKind = Literal["label", "train_rm", "align", "compare", "watch", "label_more"]

ENOUGH_TO_TRAIN = 30
"""Votes with a side after which the home page proposes to train a reward model."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do now: `title` for the button, `reason` in one sentence, `route` to go to."""

    kind: StepKind
    title: str
    reason: str
    route: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of a project's circle."""

    prompts: Mapping[Split, int]
    waiting: int
    votes: int
    decisive_votes: int
    simulated_votes: int
    reward_model: ModelRecord | None
    accuracy: Figure | None
    runs: int
    active_run: RunRecord | None
    best_policy: ModelRecord | None
    win_rate: Figure | None
    next_step: NextStep


def figure_of(metrics: Mapping[str, object], name: str) -> Figure | None:
    """Read a figure back from a model's stored metrics; None where it was not measured."""
    value = metrics.get(name)
    return Figure(**value) if isinstance(value, dict) else None


class OverviewService:
    """What the home page shows."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, project: str) -> Overview:
        """Return the state of a project and its next step."""
        store = self._store
        people = store.preferences.counts(project, kinds=("human",))
        reward_models = store.models.all(kind="reward_model", project=project)
        reward_model = reward_models[-1] if reward_models else None
        runs = store.runs.all(project=project)
        foreground = [run for run in runs if not run.background]
        policy = self.best_policy(project)
        decisive = people["a"] + people["b"]
        active = next((run for run in foreground if not run.ended), None)
        return Overview(
            prompts=store.prompts.counts(project),
            waiting=store.comparisons.count_waiting(project),
            votes=sum(people.values()),
            decisive_votes=decisive,
            simulated_votes=sum(store.preferences.counts(project, kinds=("simulated", "judge")).values()),
            reward_model=reward_model,
            accuracy=figure_of(reward_model.metrics, "accuracy") if reward_model else None,
            runs=len(foreground),
            active_run=active,
            best_policy=policy,
            win_rate=figure_of(policy.metrics, "win_rate") if policy else None,
            next_step=_next_step(decisive, reward_model, policy, active),
        )

    def best_policy(self, project: str) -> ModelRecord | None:
        """Return the policy with the best lower end of its win rate; without any, the newest one."""
        policies = self._store.models.all(kind="policy", project=project)
        measured = [(figure.low, policy) for policy in policies if (figure := figure_of(policy.metrics, "win_rate"))]
        if measured:
            return max(measured, key=lambda pair: pair[0])[1]
        return policies[-1] if policies else None


def _next_step(
    decisive: int, reward_model: ModelRecord | None, policy: ModelRecord | None, active: RunRecord | None
) -> NextStep:
    if active is not None:
        verb = "waiting" if active.status == "queued" else "running"
        return NextStep("watch", "Watch the run", f"{active.id} is {verb}.", f"/train?run={active.id}")
    if reward_model is None:
        if decisive < ENOUGH_TO_TRAIN:
            left = ENOUGH_TO_TRAIN - decisive
            return NextStep(
                "label", "Vote on pairs", f"{left} more votes with a side and a reward model can learn.", "/label"
            )
        return NextStep(
            "train_rm", "Train reward model", f"{decisive} votes with a side are ready to learn from.", "/train"
        )
    if policy is None or (policy.parent_id and policy.created_at < reward_model.created_at):
        return NextStep("align", "Align with GRPO", f"{reward_model.id} can now teach the policy.", "/train?kind=grpo")
    if figure_of(policy.metrics, "win_rate") is None:
        return NextStep("compare", "Compare the models", f"See whether {policy.id} is really better.", "/compare")
    return NextStep("label_more", "Vote on new pairs", f"Pairs of {policy.id} teach the next reward model.", "/label")
