"""The home page's one next step follows the circle."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from rlhf_studio.core.config import RewardModelConfig
from rlhf_studio.core.models import ModelKind, ModelRecord
from rlhf_studio.studio import Studio
from tests.runs.conftest import studio as studio
from tests.runs.conftest import vote

WIN = {"mean": 0.7, "low": 0.6, "high": 0.8, "n": 100, "measured_on": "100 prompts"}


def add(studio: Studio, model_id: str, kind: ModelKind, **metrics: object) -> None:
    studio.store.models.add(
        ModelRecord(model_id, kind, Path("x"), datetime.now(UTC), base_id="starter", parent_id="starter",
                    project="p", metrics=metrics)
    )  # fmt: skip


def step(studio: Studio) -> str:
    return studio.overview.of("p").next_step.kind


@pytest.mark.usefixtures("studio")
def test_the_next_step_goes_round_the_circle(studio: Studio) -> None:
    assert step(studio) == "label"
    vote(studio, "ab" * 15)
    assert step(studio) == "train_rm"
    add(studio, "rm-1", "reward_model", accuracy=WIN)
    assert step(studio) == "align"
    add(studio, "grpo-1", "policy")
    assert step(studio) == "compare"
    studio.store.models.set_metrics("grpo-1", {"win_rate": WIN})
    assert step(studio) == "label_more"
    add(studio, "rm-2", "reward_model")
    assert step(studio) == "align", "a newer reward model can teach the policy again"
    studio.store.runs.add("p", RewardModelConfig())
    assert step(studio) == "watch"


def test_the_best_policy_is_the_one_that_is_surely_better(studio: Studio) -> None:
    add(studio, "grpo-1", "policy", win_rate=WIN)
    add(studio, "grpo-2", "policy", win_rate={**WIN, "mean": 0.75, "low": 0.5})
    best = studio.overview.of("p").best_policy
    assert best is not None
    assert best.id == "grpo-1"


def test_simulated_votes_do_not_count_as_peoples(studio: Studio) -> None:
    vote(studio, "ab" * 20, kind="simulated")
    overview = studio.overview.of("p")
    assert (overview.votes, overview.simulated_votes, overview.next_step.kind) == (0, 40, "label")
