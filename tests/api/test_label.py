from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rlhf_studio.api import install_error_handlers, routes
from rlhf_studio.core.errors import StudioError

from .conftest import FakeLabels

KEY = "0b8f6b4e-6a52-4d4a-9f6e-000000000001"


@pytest.fixture
def client(studio: Any) -> TestClient:
    app = FastAPI()
    app.include_router(routes(studio))
    install_error_handlers(app)
    return TestClient(app)


def a_vote(**changes: Any) -> dict[str, Any]:
    return {"key": KEY, "comparison_id": "pair000", "answer": "left", "milliseconds": 1200} | changes


def keys_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for inner in value.values() for key in keys_in(inner)}
    if isinstance(value, list):
        return {key for inner in value for key in keys_in(inner)}
    return set()


def test_pairs_come_by_side_as_html(client: TestClient) -> None:
    reply = client.get("/api/v1/label/pairs?count=2").json()
    first, second = reply["pairs"]
    assert first["prompt"] == [{"role": "user", "html": '<p dir="auto">Question 0?</p>\n'}]
    assert "<strong>First</strong> answer 0" in first["left_html"]
    assert "Second answer 0" in first["right_html"]
    assert "Second answer 1" in second["left_html"], "the second pair is shown as B, A"
    assert reply["progress"] == {"today": 0, "total": 0, "waiting": 8, "generating": False}


def test_pairs_that_the_page_has_are_left_out(client: TestClient) -> None:
    reply = client.get("/api/v1/label/pairs?count=2&have=pair000,pair002").json()
    assert [pair["id"] for pair in reply["pairs"]] == ["pair001", "pair003"]


def test_no_reply_names_models_completions_sources_or_order(client: TestClient) -> None:
    replies = [
        client.get("/api/v1/label/pairs?count=8"),
        client.post("/api/v1/label/votes", json=a_vote()),
        client.post("/api/v1/label/undo", json={"key": KEY + "2", "vote_key": KEY}),
        client.get("/api/v1/label/progress"),
    ]
    for reply in replies:
        assert reply.status_code == 200
        assert "secret" not in reply.text
        assert "starter" not in reply.text
        assert keys_in(reply.json()) <= {
            *("pairs", "pair", "id", "prompt", "role", "html", "left_html", "right_html", "stored"),
            *("progress", "today", "total", "waiting", "generating"),
        }


def test_a_vote_is_stored_once_whatever_is_sent_twice(client: TestClient, labels: FakeLabels) -> None:
    first = client.post("/api/v1/label/votes", json=a_vote())
    second = client.post("/api/v1/label/votes", json=a_vote())
    assert first.json()["stored"] is True
    assert second.json()["stored"] is False
    assert len(labels.rows) == 1
    assert first.json()["progress"] == second.json()["progress"]
    assert labels.rows[0].milliseconds == 1200


@pytest.mark.parametrize("answer", ["left", "right", "tie", "both_bad", "skip"])
def test_every_answer_is_taken(client: TestClient, labels: FakeLabels, answer: str) -> None:
    reply = client.post("/api/v1/label/votes", json=a_vote(answer=answer, milliseconds=None, comparison_id="pair001"))
    assert reply.status_code == 200
    assert labels.rows[0].choice == {"left": "b", "right": "a"}.get(answer, answer)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"answer": ""}, "answer"),
        ({"answer": None}, "answer"),
        ({"answer": "a"}, "answer"),
        ({"key": "short"}, "key"),
        ({"key": "x" * 65}, "key"),
        ({"key": "no spaces here"}, "key"),
        ({"comparison_id": ""}, "comparison_id"),
        ({"milliseconds": -1}, "milliseconds"),
        ({"milliseconds": 10**9}, "milliseconds"),
        ({"shown_order": "ba"}, "shown_order"),
    ],
)
def test_a_malformed_vote_is_refused_in_one_line(
    client: TestClient, labels: FakeLabels, changes: dict[str, Any], named: str
) -> None:
    reply = client.post("/api/v1/label/votes", json=a_vote(**changes))
    assert reply.status_code == 422
    assert named in reply.json()["error"]
    assert "\n" not in reply.json()["error"]
    assert labels.rows == []


def test_a_vote_without_an_answer_is_refused(client: TestClient, labels: FakeLabels) -> None:
    body = a_vote()
    del body["answer"]
    assert client.post("/api/v1/label/votes", json=body).status_code == 422
    assert client.post("/api/v1/label/votes", content=b"not json").status_code == 422
    assert labels.rows == []


def test_the_services_refusals_keep_their_status_and_message(client: TestClient) -> None:
    client.post("/api/v1/label/votes", json=a_vote())
    again = client.post("/api/v1/label/votes", json=a_vote(key=KEY + "2"))
    unknown = client.post("/api/v1/label/votes", json=a_vote(key=KEY + "3", comparison_id="nothing"))
    project = client.get("/api/v1/label/progress?project=other")
    assert (again.status_code, again.json()) == (409, {"error": "This pair has your answer already."})
    assert (unknown.status_code, unknown.json()) == (404, {"error": "There is no comparison 'nothing'."})
    assert (project.status_code, project.json()) == (404, {"error": "There is no project 'other'."})
    assert StudioError.http_status == 400


@pytest.mark.parametrize("query", ["count=0", "count=51", "count=many", "project="])
def test_a_malformed_question_for_pairs_is_refused(client: TestClient, query: str) -> None:
    reply = client.get(f"/api/v1/label/pairs?{query}")
    assert reply.status_code == 422
    assert query.split("=")[0] in reply.json()["error"]


def test_undo_gives_the_pair_back(client: TestClient, labels: FakeLabels) -> None:
    client.post("/api/v1/label/votes", json=a_vote(comparison_id="pair003"))
    reply = client.post("/api/v1/label/undo", json={"key": KEY + "2", "vote_key": KEY}).json()
    assert reply["pair"]["id"] == "pair003"
    assert reply["progress"]["total"] == 0
    assert labels.current() == []


def test_undo_without_a_key_takes_the_latest_vote(client: TestClient) -> None:
    client.post("/api/v1/label/votes", json=a_vote(comparison_id="pair003"))
    client.post("/api/v1/label/votes", json=a_vote(comparison_id="pair004", key=KEY + "2"))
    reply = client.post("/api/v1/label/undo", json={"key": KEY + "3", "vote_key": None}).json()
    assert reply["pair"]["id"] == "pair004"


def test_undo_of_nothing_is_refused(client: TestClient) -> None:
    reply = client.post("/api/v1/label/undo", json={"key": KEY})
    assert (reply.status_code, reply.json()) == (422, {"error": "There is no vote to take back."})
