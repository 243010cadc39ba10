"""Runs are processes of their own: they outlive the one who started them, queue, end and die in the open."""

import os
import signal
import time
from collections.abc import Callable

import psutil
import pytest

from rlhf_studio.core.config import GenerateConfig, GRPOConfig, RewardTerm
from rlhf_studio.core.runs import RunRecord
from rlhf_studio.runs.launch import is_alive
from rlhf_studio.studio import Studio

pytestmark = pytest.mark.slow

LONG = GRPOConfig(
    rewards=(RewardTerm(reward="short"),), steps=10_000, group_size=4, prompts_per_step=2, max_new_tokens=8
)


def wait_for(studio: Studio, run_id: str, happened: Callable[[RunRecord], bool], seconds: float = 150) -> RunRecord:
    end = time.monotonic() + seconds
    while True:
        studio.supervisor.tick()
        record = studio.runs.get(run_id)
        if happened(record):
            return record
        assert time.monotonic() < end, f"{record.status}: {studio.runs.view(run_id).stage}"
        time.sleep(0.1)


def stepping(studio: Studio) -> Callable[[RunRecord], bool]:
    return lambda record: record.ended or studio.runs.view(record.id).step >= 1


def test_a_worker_that_is_killed_becomes_failed_and_the_queue_goes_on(studio: Studio) -> None:
    first = studio.runs.start("p", LONG)
    second = studio.runs.start("p", GenerateConfig(prompts=2, max_new_tokens=4))
    assert second.status == "queued"
    running = wait_for(studio, first.id, stepping(studio))
    assert running.status == "running", studio.runs.view(first.id).failure
    assert running.pid is not None
    assert os.getsid(running.pid) == running.pid, "a session of its own"
    os.kill(running.pid, signal.SIGKILL)
    failed = wait_for(studio, first.id, lambda record: record.ended)
    assert failed.status == "failed"
    assert "killed" in studio.runs.view(first.id).failure
    assert wait_for(studio, second.id, lambda record: record.ended).status == "finished"


def test_a_run_is_found_again_by_another_studio_and_cancelled(studio: Studio) -> None:
    record = studio.runs.start("p", LONG)
    restarted = Studio(studio.settings)
    running = wait_for(restarted, record.id, stepping(restarted))
    assert running.status == "running", studio.runs.view(record.id).failure
    restarted.runs.cancel(record.id)
    ended = wait_for(restarted, record.id, lambda r: r.ended)
    assert ended.status == "cancelled"
    assert restarted.models.all(kind="policy") == []
    restarted.close()


def test_a_queued_run_is_cancelled_at_once(studio: Studio) -> None:
    record = studio.store.runs.add("p", LONG)
    assert studio.runs.cancel(record.id).status == "cancelled"
    studio.supervisor.tick()
    assert studio.runs.get(record.id).pid is None


def test_a_pid_of_another_program_is_not_taken_for_the_worker() -> None:
    me = psutil.Process()
    assert is_alive(me.pid, me.create_time())
    assert not is_alive(me.pid, me.create_time() - 1000)
    assert not is_alive(2**22 + 1, me.create_time())
