"""The label page against the bar of UX.md, in a real browser on a real server."""

import logging
import re
import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser

_log = logging.getLogger(__name__)

Votes = Callable[[], list[dict[str, Any]]]

CARD = ".lb-card.now"
SIDES = {"ab": {"left": "a", "right": "b"}, "ba": {"left": "b", "right": "a"}}


@pytest.fixture
def label(page: Page, studio_url: str) -> Page:
    page.goto(f"{studio_url}/label")
    ready(page)
    return page


def ready(page: Page) -> None:
    """Wait until a pair is on screen and the page has heard from the server."""
    page.wait_for_selector(CARD)
    expect(page.locator(".lb-progress")).not_to_be_empty()


def shown(page: Page) -> str:
    return str(page.locator(CARD).get_attribute("data-pair"))


def press(page: Page, key: str) -> str:
    """Press a key that answers, wait for the next pair, and return the id of the one answered."""
    answered = shown(page)
    page.keyboard.press(key)
    page.wait_for_function("id => document.querySelector('.lb-card.now')?.dataset.pair !== id", arg=answered)
    return answered


def eventually(check: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def sent(page: Page) -> None:
    """Wait until nothing waits in the outbox."""
    page.wait_for_function(
        """() => Object.entries(localStorage)
            .filter(([name]) => name.includes('.label.') && name.includes('.log.'))
            .every(([, entry]) => JSON.parse(entry).sentAt)""",
        timeout=20_000,
    )


def current(votes: Votes) -> list[dict[str, Any]]:
    return [row for row in votes() if row["current"] and row["choice"]]


def test_the_first_vote_is_one_click_and_one_key_away(page: Page, studio_url: str, stored_votes: Votes) -> None:
    page.goto(studio_url)
    page.locator('a[href*="/label"]:visible').first.click()
    ready(page)
    pair = press(page, "ArrowLeft")
    eventually(lambda: len(stored_votes()) == 1)
    (row,) = stored_votes()
    assert row["comparison_id"] == pair
    assert row["choice"] == SIDES[row["shown_order"]]["left"]


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        *(("ArrowLeft", "left"), ("1", "left"), ("ArrowRight", "right"), ("2", "right")),
        *(("ArrowDown", "tie"), ("t", "tie"), ("b", "both_bad"), ("B", "both_bad"), ("s", "skip")),
    ],
)
def test_one_key_is_one_vote(label: Page, stored_votes: Votes, key: str, answer: str) -> None:
    if key.isupper():
        label.keyboard.press("CapsLock")
    pair = press(label, key)
    sent(label)
    (row,) = stored_votes()
    assert row["comparison_id"] == pair
    assert row["choice"] == SIDES[row["shown_order"]].get(answer, answer)


@pytest.mark.parametrize("answer", ["left", "right", "tie", "both_bad", "skip"])
def test_one_click_is_one_vote(label: Page, stored_votes: Votes, answer: str) -> None:
    label.locator(f"button[data-answer={answer}]").dblclick()
    sent(label)
    assert len(stored_votes()) == 1, "a double click is one answer"
    assert label.locator(f"button[data-answer={answer}]").get_attribute("aria-keyshortcuts")


def test_a_click_on_an_answer_is_no_vote(label: Page, stored_votes: Votes) -> None:
    pair = shown(label)
    label.locator(f"{CARD} .lb-answer").first.click()
    label.wait_for_timeout(300)
    assert shown(label) == pair
    assert stored_votes() == []


def test_keys_held_modified_or_typed_into_a_field_are_no_votes(label: Page, stored_votes: Votes) -> None:
    pair = shown(label)
    for key in ("Control+b", "Alt+ArrowDown", "Shift+ArrowRight"):
        label.keyboard.press(key)
    label.evaluate("document.body.append(Object.assign(document.createElement('input'), {id: 'field'}))")
    label.evaluate("document.getElementById('field').focus()")
    label.keyboard.type("bst12")
    assert shown(label) == pair
    label.evaluate("document.getElementById('field').remove()")
    for _ in range(10):
        label.keyboard.down("ArrowLeft")  # all but the first are auto-repeat
    label.keyboard.up("ArrowLeft")
    sent(label)
    assert len(stored_votes()) == 1


def key_to_paint(page: Page, votes: int) -> list[float]:
    """Vote, and return the milliseconds from each key to the second frame after it."""
    page.evaluate(
        """() => {
            window.times = [];
            window.measure ??= addEventListener('keydown', (event) => {
                const before = document.querySelector('.lb-card.now')?.dataset.pair;
                requestAnimationFrame(() => requestAnimationFrame(() => {
                    const after = document.querySelector('.lb-card.now')?.dataset.pair;
                    window.times.push(before !== after ? performance.now() - event.timeStamp : Infinity);
                }));
            }, true) ?? true;
        }"""
    )
    for i in range(votes):
        page.keyboard.press(("ArrowLeft", "ArrowRight", "t")[i % 3])
        page.wait_for_timeout(120)
    return [float(time) for time in page.evaluate("window.times")]


def test_the_next_pair_is_painted_within_the_bar(label: Page) -> None:
    label.wait_for_timeout(4_000)  # a person reads the first pair; the page settles
    # On a machine shared with other work a round may be slow for reasons of its own: one of three has to do.
    for _ in range(3):
        times = sorted(key_to_paint(label, 32))
        median, p95 = statistics.median(times), times[int(0.95 * len(times))]
        _log.info("key to painted: median %.1f ms, p95 %.1f ms over %d votes", median, p95, len(times))
        if len(times) == 32 and median <= 40 and p95 <= 80:
            return
        for _ in range(32):
            label.keyboard.press("u")
        sent(label)
    pytest.fail(f"median {median:.1f} ms, p95 {p95:.1f} ms over {len(times)} votes")


def test_rapid_votes_are_all_stored_once_and_in_order(label: Page, stored_votes: Votes) -> None:
    order = label.evaluate("[...document.querySelectorAll('.lb-card')].map((card) => card.dataset.pair)")
    for key in ("ArrowLeft", "ArrowRight", "t", "b", "s", "1"):
        label.keyboard.press(key)
    sent(label)
    assert [row["comparison_id"] for row in stored_votes()] == order[:6]


def test_undo_is_one_key_and_right_in_the_store(label: Page, stored_votes: Votes) -> None:
    first = press(label, "ArrowLeft")
    second = press(label, "ArrowRight")
    sent(label)
    label.keyboard.press("u")
    assert shown(label) == second
    label.keyboard.press("Control+z")
    assert shown(label) == first
    sent(label)
    assert current(stored_votes) == []
    assert press(label, "t") == first
    assert shown(label) == second
    sent(label)
    (row,) = current(stored_votes)
    assert (row["comparison_id"], row["choice"]) == (first, "tie")


def test_undo_works_after_a_reload(label: Page, stored_votes: Votes) -> None:
    pair = press(label, "b")
    sent(label)
    label.reload()
    ready(label)
    label.keyboard.press("Backspace")
    label.wait_for_selector(f"{CARD}[data-pair='{pair}']")
    sent(label)
    assert current(stored_votes) == []
    label.reload()
    ready(label)
    assert shown(label) == pair


def test_undo_of_a_vote_that_was_not_sent_leaves_no_trace(label: Page, stored_votes: Votes) -> None:
    label.context.set_offline(True)
    press(label, "s")
    pair = press(label, "b")
    label.keyboard.press("u")
    assert shown(label) == pair
    label.context.set_offline(False)
    sent(label)
    assert {row["choice"] for row in current(stored_votes)} == {"skip"}
    assert pair not in {row["comparison_id"] for row in current(stored_votes)}


def test_undo_and_another_answer_can_be_given_offline(label: Page, stored_votes: Votes) -> None:
    pair = press(label, "ArrowLeft")
    sent(label)
    label.context.set_offline(True)
    label.keyboard.press("u")
    assert press(label, "t") == pair
    expect(label.locator(".lb-outbox")).to_contain_text("2 waiting")
    label.context.set_offline(False)
    sent(label)
    assert [(row["comparison_id"], row["choice"]) for row in current(stored_votes)] == [(pair, "tie")]


def test_undo_of_a_vote_that_may_have_arrived_is_right_in_the_store(label: Page, stored_votes: Votes) -> None:
    label.route("**/api/v1/label/votes**", lambda route: route.abort())
    pair = press(label, "ArrowLeft")
    expect(label.locator(".lb-outbox")).to_contain_text("1 waiting")
    label.keyboard.press("u")
    assert press(label, "b") == pair
    label.unroute("**/api/v1/label/votes**")
    sent(label)
    assert [(row["comparison_id"], row["choice"]) for row in current(stored_votes)] == [(pair, "both_bad")]


def test_an_acknowledgement_that_is_lost_makes_no_second_row(label: Page, stored_votes: Votes) -> None:
    tried = []

    def lose(route: Route) -> None:
        tried.append(route.fetch().status)
        route.abort()

    label.route("**/api/v1/label/votes**", lose, times=2)
    pair = press(label, "ArrowLeft")
    sent(label)
    assert tried == [200, 200]
    assert [row["comparison_id"] for row in stored_votes()] == [pair]


def test_pairs_that_the_server_no_longer_asks_for_are_dropped(label: Page) -> None:
    pair = shown(label)
    label.evaluate(
        """() => {
            const name = Object.keys(localStorage).find((name) => name.endsWith('.pairs'));
            const saved = JSON.parse(localStorage.getItem(name));
            saved.pairs.unshift({...saved.pairs[0], id: 'from-an-earlier-database'});
            localStorage.setItem(name, JSON.stringify(saved));
        }"""
    )
    label.reload()
    label.wait_for_selector(f"{CARD}[data-pair='{pair}']")


def test_two_tabs_store_one_row_a_pair(label: Page, studio_url: str, stored_votes: Votes) -> None:
    other = label.context.new_page()
    other.goto(f"{studio_url}/label")
    ready(other)
    pair = shown(label)
    assert shown(other) == pair
    label.bring_to_front()
    press(label, "ArrowLeft")
    other.bring_to_front()
    other.wait_for_function("id => document.querySelector('.lb-card.now')?.dataset.pair !== id", arg=pair)
    press(other, "ArrowRight")
    sent(label)
    rows = [row["comparison_id"] for row in stored_votes()]
    assert rows.count(pair) == 1
    assert len(rows) == len(set(rows)) == 2


def test_votes_given_offline_wait_and_are_stored_once(label: Page, stored_votes: Votes) -> None:
    label.wait_for_function("navigator.serviceWorker.controller !== null", timeout=15_000)
    label.wait_for_timeout(2_500)  # the worker keeps a copy of the page
    label.context.set_offline(True)
    answered = [press(label, ("ArrowLeft", "ArrowRight", "t", "b")[i % 4]) for i in range(12)]
    expect(label.locator(".lb-outbox")).to_contain_text("12 waiting")
    pair = shown(label)
    label.reload()
    label.wait_for_selector(CARD)
    assert shown(label) == pair, "a reload without the server shows the same pair"
    answered += [press(label, "ArrowRight") for _ in range(8)]
    expect(label.locator(".lb-outbox")).to_contain_text("20 waiting")
    expect(label.locator(".lb-outbox")).to_be_in_viewport()
    assert stored_votes() == []
    label.context.set_offline(False)
    sent(label)
    expect(label.locator(".lb-outbox")).to_be_hidden()
    assert [row["comparison_id"] for row in stored_votes()] == answered
    assert len({row["key"] for row in stored_votes()}) == 20


def test_a_reload_and_the_way_back_show_the_same_pair(label: Page, studio_url: str) -> None:
    press(label, "ArrowLeft")
    pair = shown(label)
    label.reload()
    ready(label)
    sent(label)
    assert shown(label) == pair
    label.goto(studio_url)
    label.go_back()
    ready(label)
    assert shown(label) == pair


def test_a_vote_that_was_acknowledged_survives_kill_9(label: Page, server: Any, stored_votes: Votes) -> None:
    first = press(label, "ArrowLeft")
    sent(label)
    server.kill()
    second = press(label, "ArrowRight")
    expect(label.locator(".lb-outbox")).to_contain_text("1 waiting")
    server.start()
    sent(label)
    assert [row["comparison_id"] for row in stored_votes()] == [first, second]


def test_a_refusal_stays_beside_the_bar(label: Page, stored_votes: Votes) -> None:
    label.route(
        "**/api/v1/label/votes**",
        lambda route: route.fulfill(status=409, json={"error": "This pair has your answer already."}),
    )
    press(label, "ArrowLeft")
    note = label.get_by_role("alert").filter(has_text="This pair has your answer already.")
    expect(note).to_be_visible()
    label.wait_for_timeout(1_000)
    expect(note).to_be_in_viewport()
    expect(label.locator(".lb-outbox")).to_be_hidden()
    note.get_by_role("button").click()
    expect(note).to_be_hidden()


def test_the_empty_page_says_what_happens_next(label: Page) -> None:
    progress = {"today": 3, "total": 3, "waiting": 0, "generating": True}
    label.evaluate("localStorage.clear()")
    label.route("**/api/v1/label/pairs**", lambda route: route.fulfill(json={"pairs": [], "progress": progress}))
    label.reload()
    expect(label.get_by_text("No pairs waiting")).to_be_visible()
    expect(label.get_by_text("being generated")).to_be_visible()
    expect(label.locator("button[data-answer=left]")).to_be_disabled()
    label.unroute("**/api/v1/label/pairs**")
    label.wait_for_selector(CARD, timeout=10_000)


def test_on_a_phone_everything_is_in_reach(label: Page) -> None:
    label.set_viewport_size({"width": 390, "height": 844})
    label.wait_for_timeout(300)
    assert label.evaluate("document.documentElement.scrollWidth") <= 390
    assert label.evaluate("document.documentElement.scrollHeight") <= 844
    for answer in ("left", "right", "tie", "both_bad", "skip", "undo"):
        box = label.locator(f"button[data-answer={answer}]").bounding_box()
        assert box is not None
        assert box["width"] >= 44
        assert box["height"] >= 44
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["y"] + box["height"] <= 844
    tops = [box["y"] for answer in label.locator(f"{CARD} .lb-answer").all() if (box := answer.bounding_box())]
    assert len(tops) == 2
    assert tops[0] < tops[1]


def test_on_a_desktop_the_bar_is_in_view_and_the_answers_are_equal(label: Page) -> None:
    left, right = (answer.bounding_box() for answer in label.locator(f"{CARD} .lb-answer").all())
    assert left is not None
    assert right is not None
    assert (left["y"], left["height"], left["width"]) == (right["y"], right["height"], right["width"])
    expect(label.locator("button[data-answer=left]")).to_be_in_viewport(ratio=1)
    expect(label.locator(".lb-progress")).to_be_in_viewport(ratio=1)
    assert label.evaluate("document.documentElement.scrollHeight <= innerHeight")


def with_answer(page: Page, html: str) -> None:
    """Let the server give pairs whose left answer is `html`, and open the page anew."""
    pair = {"id": "p1", "prompt": [{"role": "user", "html": "<p>Q</p>"}], "left_html": html, "right_html": "<p>R</p>"}
    reply = {"pairs": [pair], "progress": {"today": 0, "total": 0, "waiting": 1, "generating": False}}
    page.evaluate("localStorage.clear()")
    page.route("**/api/v1/label/pairs**", lambda route: route.fulfill(json=reply))
    page.reload()
    ready(page)


def test_long_answers_scroll_and_say_so(label: Page) -> None:
    with_answer(label, "".join(f"<p>Paragraph {i}</p>" for i in range(100)))
    clip = label.locator(f"{CARD} .lb-answer .lb-clip").first
    expect(clip.get_by_text("More below")).to_be_visible()
    expect(label.locator("button[data-answer=left]")).to_be_in_viewport(ratio=1)
    clip.get_by_text("Paragraph 99", exact=True).scroll_into_view_if_needed()
    clip.locator(".lb-scroll").evaluate("box => box.scrollTo({top: box.scrollHeight, behavior: 'instant'})")
    expect(clip.get_by_text("More below")).to_be_hidden()
    expect(clip.get_by_text("Paragraph 99", exact=True)).to_be_in_viewport()


def test_markdown_is_indented_and_can_do_nothing(label: Page) -> None:
    from rlhf_studio.api.markdown import safe_html

    text = (
        "- outer\n  - inner\n\n```python\ndef f():\n    return 1\n```\n\n"
        "<script>window.hit = 1</script><img src=x onerror='window.hit = 2'>[x](javascript:window.hit=3)\n\n"
        "![pixel](http://other.example/pixel.png)"
    )
    with_answer(label, safe_html(text))
    answer = label.locator(f"{CARD} .lb-answer").first
    assert "    return 1" in answer.locator("pre").inner_text()
    outer, inner = (answer.locator("li").nth(i).bounding_box() for i in (0, 1))
    assert outer is not None
    assert inner is not None
    assert inner["x"] > outer["x"] + 10
    assert answer.locator("img, script, a").count() == 0
    assert "<script>" in answer.inner_text()
    assert label.evaluate("window.hit") is None


def test_no_other_host_is_asked(label: Page) -> None:
    press(label, "ArrowLeft")
    sent(label)
    label.wait_for_timeout(2_500)
    assert label.blocked == []  # type: ignore[attr-defined]


def test_buttons_and_regions_are_named(label: Page) -> None:
    for name in ("Left", "Right", "Tie", "Both bad", "Skip", "Undo"):
        expect(label.get_by_role("button", name=re.compile(f"^{name}"))).to_be_visible()
    expect(label.get_by_role("region", name="Left")).to_be_visible()
    press(label, "ArrowLeft")
    expect(label.locator("#label-app [aria-live=polite]")).to_contain_text("Next:")


@pytest.mark.parametrize(("locale", "word"), [("zh-CN", "平局"), ("fr-FR", "Tie")])
def test_the_page_speaks_the_browsers_language(page: Page, studio_url: str, locale: str, word: str) -> None:
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(locale=locale)
    try:
        other = context.new_page()
        other.goto(f"{studio_url}/label")
        ready(other)
        expect(other.locator("button[data-answer=tie]")).to_contain_text(word)
    finally:
        context.close()
