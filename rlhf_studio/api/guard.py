"""Keep other web sites away from a studio that runs without accounts.

A page elsewhere can make a visitor's browser send requests to 127.0.0.1. Two checks stop it:
the Host header must be a name of this machine (against DNS rebinding), and a request that
may change something must come from a page of the same origin. Programs such as curl send
neither Origin nor Sec-Fetch-Site, and pass.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})

# Gradio builds scripts and styles as it goes, so inline and eval stay; other hosts do not.
_CONTENT_SECURITY_POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
}


class Guard:
    """ASGI middleware around the whole app, Gradio's own routes included."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        """`hosts` are names, without ports, that are served besides the loopback ones."""
        self._app = app
        self._hosts = LOOPBACK_NAMES | {host.strip("[]").lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse with 403 and one line, or pass on and add the headers."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal:
            # Before a handshake is accepted, an HTTP answer refuses a websocket too.
            await PlainTextResponse(refusal + "\n", status_code=403)(scope, receive, _with_headers(send))
            return
        await self._app(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _hostname(host) not in self._hosts:
            return f"This studio does not answer to the name {host!r}. Open it as http://127.0.0.1 with its port."
        if scope["type"] == "http" and scope["method"] in _READING:
            return None
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return "Requests from pages of other sites are refused."
        origin = headers.get("origin")
        if origin is not None and not _same_origin(origin, host):
            return "Requests from pages of other sites are refused."
        return None


def _with_headers(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return wrapped


def _hostname(host: str) -> str:
    """Return the name in a Host header, without port and brackets; "" where it is malformed."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return ""
    bare = parts.netloc == host and not parts.username
    return (parts.hostname or "") if bare else ""


def _same_origin(origin: str, host: str) -> bool:
    """Compare by host and port; the scheme is left out, since TLS may end at a proxy before us."""
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https"):
        return False
    default = ":443" if parts.scheme == "https" else ":80"
    return parts.netloc.lower().removesuffix(default) == host.lower().removesuffix(default)
