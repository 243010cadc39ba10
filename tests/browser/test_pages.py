"""Home, Data, Train and Compare against the bar of UX.md, in a real browser on a real server."""

import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from rlhf_studio.core.config import GRPOConfig, RunConfig
from rlhf_studio.core.events import Metrics, SampleRow, Samples, Stage
from rlhf_studio.store import Store

pytestmark = pytest.mark.browser

PATHS = ("/", "/data", "/train", "/train?kind=grpo", "/compare")
PHONE = {"width": 390, "height": 844}
EVIL = '<img src=x onerror="window.ran = true">'
Votes = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE, locale="en-US", is_mobile=True, has_touch=True)
    yield context.new_page()
    context.close()


@pytest.fixture
def starter(server: Any) -> Iterator[None]:
    """Let the registry know a model, so that runs can be asked for; there is nothing behind it."""
    server.query(
        "INSERT INTO models (id, kind, path, note, metrics, created_at) VALUES (?, 'base', '/nowhere', '', '{}', ?)",
        *("starter", _now()),
    )
    yield
    server.query("DELETE FROM models")


@pytest.fixture
def run(server: Any, starter: None) -> Iterator[Callable[..., Store]]:
    """Return a function that puts in a running run, "worked on" by this very process."""
    stores = []

    def make(config: RunConfig) -> Store:
        me = psutil.Process(os.getpid())
        server.query(
            "INSERT INTO runs (id, kind, number_of_kind, project, config, status, created_at, started_at, pid, "
            "process_started, cancel_requested, background) "
            "VALUES (?, ?, 1, 'default', ?, 'running', ?, ?, ?, ?, 0, 0)",
            *(f"{config.kind}-1", config.kind, config.model_dump_json(), _now(), _now(), me.pid, me.create_time()),
        )
        stores.append(Store(f"sqlite:///{server.home / 'studio.db'}"))
        return stores[-1]

    yield make
    for store in stores:
        store.close()
    for table in ("run_events", "runs"):
        server.query(f"DELETE FROM {table}")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def opened(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector(".rs-head h1")


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def in_view(page: Page, selector: str) -> bool:
    box = page.locator(selector).bounding_box()
    size = page.viewport_size
    assert box is not None and size is not None
    return box["y"] >= 0 and box["y"] + box["height"] <= size["height"]


@pytest.mark.parametrize("path", PATHS)
def test_a_page_has_one_heading_and_marks_its_link(page: Page, studio_url: str, path: str) -> None:
    opened(page, studio_url + path)
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator("nav a[aria-current=page]")).to_have_attribute("href", path.split("?")[0])


@pytest.mark.parametrize("path", PATHS)
def test_a_phone_never_scrolls_sideways(phone: Page, studio_url: str, path: str) -> None:
    opened(phone, studio_url + path)
    assert overflow(phone) <= 0
    for link in phone.locator(".rs-nav a").all():
        box = link.bounding_box()
        assert box is not None and box["height"] >= 44 and box["width"] >= 44


def test_the_next_step_is_above_the_fold_on_both_sizes(page: Page, phone: Page, studio_url: str) -> None:
    for view in (page, phone):
        opened(view, studio_url)
        assert in_view(view, ".rs-next .rs-button")


@pytest.mark.parametrize("path", ["/train", "/train?kind=grpo", "/compare"])
def test_the_start_button_is_in_view_without_scrolling(page: Page, studio_url: str, path: str) -> None:
    opened(page, studio_url + path)
    assert in_view(page, ".rs-estimate button")
    page.locator("form:visible summary").click()
    assert in_view(page, ".rs-estimate button"), "and stays there when the other settings are unfolded"


def test_light_and_dark_follow_the_system_and_the_switch_is_remembered(browser: Browser, studio_url: str) -> None:
    context = browser.new_context(color_scheme="dark", locale="en-US")
    page = context.new_page()
    opened(page, studio_url)
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(21, 22, 24)"
    page.locator("[data-theme-switch]").click()
    assert page.evaluate(ground) == "rgb(247, 247, 245)"
    opened(page, studio_url + "/data")
    assert page.evaluate(ground) == "rgb(247, 247, 245)"
    context.close()


def test_a_chinese_browser_gets_chinese_pages(browser: Browser, studio_url: str) -> None:
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    opened(page, studio_url)
    expect(page.get_by_role("link", name="训练", exact=True)).to_be_visible()
    expect(page.get_by_text("下一步")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    context.close()


def test_an_own_file_is_four_clicks_from_the_first_stored_vote(
    page: Page, studio_url: str, stored_votes: Votes, tmp_path: Path
) -> None:
    file = tmp_path / "mine.jsonl"
    rows = [{"prompt": f"Question {i}?", "a": f"First answer {i}.", "b": f"Second answer {i}."} for i in range(6)]
    file.write_text("\n".join(json.dumps(row) for row in rows))
    opened(page, studio_url)
    clicks = 0
    page.get_by_role("link", name="Data", exact=True).click()
    clicks += 1
    with page.expect_file_chooser() as chooser:
        page.locator("#rs-upload button").first.click()
    clicks += 1
    chooser.value.set_files(file)
    expect(page.locator("#rs-preview")).to_contain_text("6 rows")
    page.get_by_role("button", name="Import").click()
    clicks += 1
    page.get_by_role("link", name="Vote on them").click()
    clicks += 1
    assert clicks <= 4
    page.wait_for_selector(".lb-card.now")
    page.keyboard.press("ArrowLeft")
    end = time.monotonic() + 15
    while not stored_votes():
        assert time.monotonic() < end, "no vote was stored"
        page.wait_for_timeout(100)  # and not time.sleep: requests pass through this process


def test_a_wrong_line_is_named_beside_the_file_and_stays(page: Page, studio_url: str, tmp_path: Path) -> None:
    file = tmp_path / "wrong.jsonl"
    file.write_text('{"prompt": "One?", "chosen": "a", "rejected": "b"}\n{"prompt": "Two?", "chosen": "a"}\n')
    opened(page, studio_url + "/data")
    page.set_input_files("#rs-upload input[type=file]", file)
    problem = page.locator("#rs-preview .rs-problem")
    expect(problem).to_contain_text("line 2")
    expect(page.get_by_role("button", name="Import")).to_have_count(0)
    page.wait_for_timeout(3000)
    expect(problem).to_be_visible()


def test_too_few_votes_block_the_start_and_link_to_the_votes(page: Page, studio_url: str, starter: None) -> None:
    opened(page, studio_url + "/train")
    expect(page.locator(".rs-estimate button")).to_be_disabled()
    page.locator(".rs-estimate a").click()
    page.wait_for_url("**/label")


def test_a_value_out_of_bounds_is_said_at_its_field(page: Page, studio_url: str) -> None:
    opened(page, studio_url + "/train?kind=grpo")
    steps = page.get_by_label("Steps")
    steps.fill("0")
    expect(page.locator("[data-error-of=rs-grpo-steps]")).not_to_be_empty()
    expect(steps).to_have_attribute("aria-invalid", "true")
    steps.fill("20")
    expect(page.locator("[data-error-of=rs-grpo-steps]")).to_be_empty()


def test_switching_the_kind_needs_no_reload_and_keeps_what_was_typed(page: Page, studio_url: str) -> None:
    opened(page, studio_url + "/train")
    page.get_by_label("Passes over the votes").fill("5")
    page.get_by_role("link", name="GRPO", exact=True).click()
    expect(page.get_by_label("Steps")).to_be_visible()
    assert page.url.endswith("/train?kind=grpo")
    page.get_by_role("link", name="Reward model", exact=True).click()
    expect(page.get_by_label("Passes over the votes")).to_have_value("5")


def test_a_reload_during_a_run_shows_all_of_it_within_two_seconds(
    page: Page, studio_url: str, run: Callable[..., Store]
) -> None:
    store = run(GRPOConfig(steps=23, beta=0.07))
    store.runs.append("grpo-1", Stage(text="Learning from the reward", total_steps=23))
    for step in (1, 2, 3):
        store.runs.append("grpo-1", Metrics(step=step, values={"reward": step / 10, "kl": 0.01 * step}))
    store.runs.append("grpo-1", Samples(step=3, rows=(SampleRow(prompt="Why?", completion=EVIL),)))
    opened(page, studio_url + "/train?run=grpo-1")
    expect(page.locator(".rs-stage")).to_contain_text("step 3 of 23")
    page.reload()
    began = time.monotonic()
    expect(page.locator(".rs-stage")).to_contain_text("step 3 of 23")
    expect(page.locator(".rs-details > .rs-charts .rs-chart")).to_have_count(2)
    expect(page.locator(".rs-sample")).to_contain_text(EVIL)
    assert time.monotonic() - began < 2
    expect(page.get_by_label("Steps")).to_have_value("23")
    expect(page.get_by_label("KL weight")).to_have_value("0.07")
    assert page.evaluate("window.ran") is None, "what a model says never runs"


def test_a_run_is_followed_without_a_button_and_opened_folds_stay_open(
    page: Page, studio_url: str, run: Callable[..., Store]
) -> None:
    store = run(GRPOConfig(steps=9))
    opened(page, studio_url + "/train?run=grpo-1")
    page.get_by_text("Settings of this run").click()
    store.runs.append("grpo-1", Stage(text="Learning from the reward", total_steps=9))
    store.runs.append("grpo-1", Metrics(step=1, values={"reward": 0.5}))
    expect(page.locator(".rs-chart")).to_have_count(1, timeout=10_000)
    expect(page.locator(".rs-stage")).to_contain_text("step 1 of 9")
    expect(page.locator("details[data-fold=settings]")).to_have_attribute("open", "")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".rs-stage")).to_contain_text("Ending at the next step")
    assert store.runs.get("grpo-1").cancel_requested


def test_home_shows_the_run_and_the_phone_too(
    page: Page, phone: Page, studio_url: str, run: Callable[..., Store]
) -> None:
    store = run(GRPOConfig(steps=9))
    store.runs.append("grpo-1", Stage(text="Learning from the reward", total_steps=9))
    store.runs.append("grpo-1", Metrics(step=2, values={"reward": 0.5}))
    for view in (page, phone):
        opened(view, studio_url)
        expect(view.locator(".rs-pulse")).to_contain_text("step 2 of 9")
        expect(view.get_by_role("link", name="Watch the run")).to_have_attribute("href", "/train?run=grpo-1")


def test_from_the_label_page_a_run_is_two_clicks_away(
    page: Page, studio_url: str, server: Any, starter: None, tmp_path: Path
) -> None:
    votes = tmp_path / "votes.jsonl"
    rows = [{"prompt": f"Question {i}?", "chosen": f"Short {i}.", "rejected": f"Long {i}."} for i in range(40)]
    votes.write_text("\n".join(json.dumps(row) for row in rows))
    server.run("preferences", "import", str(votes))
    page.goto(studio_url + "/label")
    page.get_by_role("link", name="Train", exact=True).click()
    page.locator(".rs-estimate button:enabled").click()
    page.wait_for_url("**/train?run=rm-1")
    expect(page.locator(".rs-run-head")).to_contain_text("rm-1")
    assert [row["kind"] for row in server.query("SELECT kind FROM runs WHERE background = 0")] == ["rm"]
    for table in ("run_events", "runs"):
        server.query(f"DELETE FROM {table}")
