"""The kinds of runs, one after the other, as workers do them, on a tiny model."""

from pathlib import Path

import pytest

from rlhf_studio.core.config import CompareConfig, GenerateConfig, GRPOConfig, RewardModelConfig, RewardTerm, RunConfig
from rlhf_studio.core.runs import RunRecord
from rlhf_studio.runs.prepare import prepare
from rlhf_studio.runs.worker import work
from rlhf_studio.studio import Studio
from rlhf_studio.studio.overview import figure_of
from tests.runs.conftest import vote

pytestmark = pytest.mark.slow


def do(studio: Studio, config: RunConfig) -> RunRecord:
    """Queue a run and do it here, as its worker would."""
    ready = prepare(studio.settings, studio.store, "p", config)
    studio.store.runs.add("p", ready.config, snapshot_id=ready.snapshot_id)
    record = studio.store.runs.claim_next()
    assert record is not None
    work(studio.settings, studio.store, record)
    return studio.store.runs.get(record.id)


def finished(studio: Studio, config: RunConfig) -> RunRecord:
    record = do(studio, config)
    assert record.status == "finished", studio.runs.view(record.id).failure
    return record


def test_the_whole_loop(studio: Studio) -> None:
    generated = finished(studio, GenerateConfig(prompts=10, max_new_tokens=8))
    made = studio.store.comparisons.find("p", source="generated")
    assert len(made) == studio.runs.view(generated.id).result["pairs"] > 0
    assert {c.completion_a.model_id for c in made} == {"starter"}

    vote(studio, "ab" * 20)
    rm = finished(studio, RewardModelConfig(epochs=4, learning_rate=5e-3, held_out=0.3))
    accuracy = figure_of(studio.models.get(rm.id).metrics, "accuracy")
    assert accuracy is not None
    assert accuracy.mean > 0.9
    assert "people's votes on prompts kept out" in accuracy.measured_on

    grpo = finished(studio, GRPOConfig(steps=2, group_size=4, prompts_per_step=2, max_new_tokens=6))
    policy = studio.models.get(grpo.id)
    assert (policy.base_id, policy.parent_id, policy.metrics["trained_against"]) == ("starter", "starter", [rm.id])
    assert {"reward", "kl", f"rewards/{rm.id}/mean"} <= studio.runs.view(grpo.id).curves.keys()

    models = ("starter", grpo.id)
    compared = finished(studio, CompareConfig(models=models, prompts=8, best_of=4, max_new_tokens=6))
    result = studio.comparing.of(compared.id)
    assert [m.model for m in result.models] == ["starter", "starter (best of 4)", grpo.id]
    assert result.models[0].win_rate is None
    assert result.models[1].reward.mean > result.models[0].reward.mean  # type: ignore[union-attr]
    assert grpo.id in result.caution
    assert figure_of(studio.models.get(grpo.id).metrics, "win_rate") is not None

    added = studio.comparing.to_vote("p", compared.id)
    assert added > 0
    assert studio.comparing.to_vote("p", compared.id) == 0
    assert studio.comparing.human_votes(compared.id) == {}
    me = studio.labels.local_annotator().id
    (first,) = studio.store.preferences.show("p", me, 1, draw=lambda: "ba")
    assert first.comparison.source == "arena", "what was just asked for comes first"
    studio.labels.vote("p", me, key="k" * 12, comparison_id=first.comparison.id, answer="left", milliseconds=900)
    (figure,) = studio.comparing.human_votes(compared.id).values()
    assert (figure.mean, figure.n) == (1.0, 1)


def test_a_failure_keeps_its_cause_and_the_next_run_still_works(studio: Studio) -> None:
    studio.store.prompts.add("p", [])
    broken = studio.store.runs.add("p", GRPOConfig(rewards=(RewardTerm(reward="gone"),), steps=1))
    assert studio.store.runs.claim_next() is not None
    work(studio.settings, studio.store, broken)
    view = studio.runs.view(broken.id)
    assert view.record.status == "failed"
    assert "gone" in view.failure
    assert "\n" not in view.failure
    finished(studio, GenerateConfig(prompts=2, max_new_tokens=4))


def test_a_model_whose_folder_is_gone_is_said_so(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "tiny").rename(tmp_path / "elsewhere")
    record = do(studio, GenerateConfig(prompts=2))
    assert "The folder of starter is gone" in studio.runs.view(record.id).failure
