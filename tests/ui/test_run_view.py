from dataclasses import replace

from rlhf_studio.core.events import SampleRow
from rlhf_studio.ui.run_view import details_html, progress_html, runs_html, samples_html
from tests.ui.conftest import EN
from tests.ui.fake_studio import BAD, FakeStudio, compare_run, grpo_run, reward_model_run


def test_a_running_run_says_stage_step_and_time_left_and_can_be_cancelled() -> None:
    studio = FakeStudio("running")
    studio.runs.step = 10
    html = progress_html(studio.runs.view("grpo-1"), EN)
    assert "Learning from the reward" in html and "step 10 of 40" in html and "about 7 min left" in html
    assert 'aria-valuenow="25"' in html
    assert 'data-action="cancel" data-run="grpo-1">Cancel' in html


def test_a_run_that_was_asked_to_end_says_so_and_cannot_be_asked_twice() -> None:
    studio = FakeStudio("running")
    studio.runs.cancel("grpo-1")
    html = progress_html(studio.runs.view("grpo-1"), EN)
    assert "Ending at the next step" in html and " disabled>Cancel" in html


def test_work_without_a_known_end_shows_that_it_goes_on() -> None:
    view = replace(
        FakeStudio("running").runs.view("grpo-1"), total_steps=None, seconds_left=None, stage="Loading the model"
    )
    html = progress_html(view, EN)
    assert "rs-busy" in html and "aria-valuenow" not in html and "of" not in html.split("rs-stage")[1].split("</p>")[0]


def test_a_finished_reward_model_shows_its_accuracy_with_interval_and_the_next_step() -> None:
    html = progress_html(FakeStudio().runs.view("rm-1"), EN)
    assert "72\u00a0%" in html and "55–84\u00a0%" in html and "29 people&#39;s votes" in html
    assert 'href="/train?kind=grpo"' in html and "Cancel</button>" not in html


def test_a_finished_policy_leads_to_the_comparison() -> None:
    assert 'href="/compare"' in progress_html(FakeStudio().runs.view("grpo-1"), EN)


def test_a_failure_shows_its_cause_and_folds_its_log() -> None:
    html = progress_html(FakeStudio().runs.view("rm-0"), EN)
    assert "The machine ran out of memory." in html and "<details" in html and "Traceback" in html
    assert "<img" not in html


def test_warnings_are_shown() -> None:
    assert "were left out." in progress_html(FakeStudio().runs.view("rm-1"), EN)


def test_what_a_model_says_is_escaped() -> None:
    rows = [SampleRow(prompt=BAD, completion=BAD, rewards={BAD: 0.5, "short": None})]
    html = samples_html(rows, 3, EN)
    assert "<img" not in html and "&lt;img" in html
    assert "does not apply" in html


def test_before_the_first_step_the_curves_are_announced() -> None:
    view = replace(FakeStudio("running").runs.view("grpo-1"), curves={}, samples=[])
    assert "Curves appear with the first step." in details_html(view, EN)


def test_counters_of_work_are_no_curves() -> None:
    view = FakeStudio().runs.view("compare-1")
    assert "completions" in view.curves and "rs-chart" not in details_html(view, EN)


def test_runs_link_to_their_page_and_the_chosen_one_is_marked() -> None:
    html = runs_html([compare_run(), grpo_run(), reward_model_run()], "grpo-1", EN)
    assert 'href="/compare?run=compare-1"' in html and 'href="/train?run=rm-1"' in html
    assert 'href="/train?run=grpo-1" aria-current="true"' in html
    assert html.count("aria-current") == 1
