"""The whole circle by mouse and keyboard on a tiny model, with the server killed on the way."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server
from tests.tiny import tiny_model

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

RUN_MS = 180_000
VOTES = 24


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server of its own whose starter model is a tiny one."""
    server = Server(tmp_path / "home")
    server.home.mkdir()
    server.run("models", "add", str(tiny_model(tmp_path / "tiny")), "--name", "starter")
    server.start()
    yield server
    for row in server.query("SELECT id FROM runs WHERE status IN ('queued', 'running')"):
        server.run("runs", "cancel", row["id"])
    server.kill()


def status(server: Server, run_id: str) -> str:
    rows = server.query("SELECT status FROM runs WHERE id = ?", run_id)
    return str(rows[0]["status"]) if rows else "not there"


def start(page: Page, run_id: str) -> None:
    """Press the one start button, with every setting as it came."""
    page.locator(".rs-estimate button:enabled").click()
    page.wait_for_url(f"**?run={run_id}")
    expect(page.locator(".rs-run-head")).to_contain_text(run_id)


def test_vote_train_align_compare(page: Page, own_server: Server) -> None:
    page.goto(own_server.url)
    page.get_by_role("link", name="Vote on pairs").click()
    page.wait_for_selector(".lb-card.now")
    for number in range(VOTES):
        answered = page.locator(".lb-card.now").get_attribute("data-pair")
        page.keyboard.press("ArrowLeft" if number % 2 else "ArrowRight")
        page.wait_for_function("id => document.querySelector('.lb-card.now')?.dataset.pair !== id", arg=answered)
    expect(page.locator(".lb-progress")).to_contain_text(str(VOTES))

    page.get_by_role("link", name="Train", exact=True).click()
    start(page, "rm-1")
    expect(page.get_by_role("link", name="Align with GRPO")).to_be_visible(timeout=RUN_MS)
    assert status(own_server, "rm-1") == "finished"

    page.get_by_role("link", name="Align with GRPO").click()
    form = page.locator("form:visible")
    form.locator("[name=steps]").fill("6")
    form.locator("summary").click()
    form.locator("[name=max_new_tokens]").fill("8")
    start(page, "grpo-1")
    expect(page.locator(".rs-run svg").first).to_be_visible(timeout=RUN_MS)
    own_server.kill()
    own_server.start()
    page.reload()
    expect(page.locator(".rs-run-head")).to_contain_text("grpo-1")
    expect(page.get_by_role("link", name="Compare the models")).to_be_visible(timeout=RUN_MS)
    assert status(own_server, "grpo-1") == "finished", "the run outlived the server"

    page.get_by_role("link", name="Compare the models").click()
    page.locator("form:visible [name=prompts]").fill("6")
    start(page, "compare-1")
    table = page.get_by_role("table").first
    expect(table).to_contain_text("grpo-1", timeout=RUN_MS)
    expect(table).to_contain_text("starter")
    expect(page.get_by_text("6 held-out prompts").first).to_be_visible()

    page.locator("[data-action=vote]").click()
    page.wait_for_url("**/label**")
    page.wait_for_selector(".lb-card.now")
    shown = page.locator(".lb-card.now").get_attribute("data-pair")
    arena = {row["id"] for row in own_server.query("SELECT id FROM comparisons WHERE source = 'arena'")}
    assert shown in arena
    assert "grpo" not in page.locator("#label-app").inner_text(), "the vote is blind"
