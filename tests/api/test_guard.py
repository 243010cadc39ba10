import pytest
from fastapi import FastAPI, Response
from fastapi.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from rlhf_studio.api import Guard

OWN = "http://127.0.0.1:7860"


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()

    @app.get("/")
    @app.post("/")
    def answer() -> str:
        return "in"

    @app.get("/framed")
    def framed() -> Response:
        return Response("in", headers={"Content-Security-Policy": "sandbox"})

    @app.websocket("/socket")
    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("in")
        await socket.close()

    app.add_middleware(Guard, hosts=["studio.example"])
    return TestClient(app, base_url=OWN)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:7860", "localhost", "LOCALHOST:1", "[::1]:7860", "[::1]", "studio.example", "studio.example:443"],
)
def test_own_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:7860", "evil.example:7860", ""),
        *("evil@127.0.0.1", "127.0.0.1@evil.example", "127.0.0.1/evil", "127.0.0.1:port", "0.0.0.0", "[::1"),
        *("2130706433", "studio.example.evil.example"),
    ],
)
def test_other_names_are_refused_in_one_line(client: TestClient, host: str) -> None:
    reply = client.get("/", headers={"Host": host})
    assert reply.status_code == 403
    assert reply.text.count("\n") == 1
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": OWN},
        {"Origin": OWN, "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_own_pages_and_programs_may_change_things(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1:7861"},
        {"Origin": "http://localhost:7860"},
        {"Origin": "file://127.0.0.1:7860"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": OWN, "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_pages_of_other_sites_may_not(client: TestClient, headers: dict[str, str]) -> None:
    reply = client.post("/", headers=headers)
    assert reply.status_code == 403
    assert reply.text == "Requests from pages of other sites are refused.\n"


def test_default_ports_are_the_same_origin(client: TestClient) -> None:
    headers = {"Host": "studio.example", "Origin": "https://studio.example:443"}
    assert client.post("/", headers=headers).status_code == 200


def test_links_from_other_sites_may_open_pages(client: TestClient) -> None:
    assert client.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_headers_keep_other_hosts_out(client: TestClient) -> None:
    headers = client.get("/").headers
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in policy
    assert "http" not in policy
    assert "*" not in policy
    assert headers["Referrer-Policy"] == "same-origin"
    assert client.get("/framed").headers["Content-Security-Policy"] == "sandbox"


def test_sockets_are_guarded_too(client: TestClient) -> None:
    with client.websocket_connect("/socket", headers={"Host": "localhost", "Origin": "http://localhost"}) as socket:
        assert socket.receive_text() == "in"
    for headers in ({"Host": "evil.example"}, {"Host": "localhost", "Origin": "http://evil.example"}):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/socket", headers=headers):
            pass
