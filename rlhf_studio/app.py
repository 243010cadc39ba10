"""One web application: the REST API with the pages mounted in it, and the supervisor of the runs."""

import os

# Before gradio is imported: no version check, no analytics, no request to anywhere.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import contextlib
import errno
import logging
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import gradio as gr
import uvicorn
from fastapi import FastAPI
from fastapi.responses import FileResponse

from rlhf_studio.api import Guard, install_error_handlers, routes
from rlhf_studio.core.errors import NotAllowed, StudioError, Unavailable
from rlhf_studio.core.settings import DEFAULT_PROJECT
from rlhf_studio.studio import Studio
from rlhf_studio.ui.pages import HEAD, THEME, build_pages

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_ASSETS = Path(__file__).parent / "ui" / "assets"
_TICK_SECONDS = 1.0
_log = logging.getLogger(__name__)


def create_app(studio: Studio, *, project: str = DEFAULT_PROJECT) -> FastAPI:
    """Build the application around a studio."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with _supervised(studio):
            yield

    app = FastAPI(title="RLHF Studio", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    install_error_handlers(app)
    app.include_router(routes(studio))
    # Gradio serves its own files under /assets: ours stand there one by one, before it is mounted.
    for file in _ASSETS.iterdir():
        app.get(f"/assets/{file.name}", include_in_schema=False)(partial(_asset, file))

    # From the root, since a service worker only governs what lies below its own address.
    app.get("/worker.js", include_in_schema=False)(partial(_asset, _ASSETS / "worker.js"))

    pages = build_pages(studio, project)
    pages.queue(default_concurrency_limit=8, api_open=False)
    studio.settings.exports_dir.mkdir(parents=True, exist_ok=True)
    whole: FastAPI = gr.mount_gradio_app(
        app, pages, path="/", theme=THEME, head=HEAD, ssr_mode=False, enable_monitoring=False, footer_links=[],
        max_file_size="200mb", allowed_paths=[str(studio.settings.exports_dir)], run_history=False, mcp_server=False,
    )  # fmt: skip
    whole.add_middleware(Guard)
    return whole


def _asset(file: Path) -> FileResponse:
    return FileResponse(file, headers={"Cache-Control": "no-cache"})


@contextlib.contextmanager
def _supervised(studio: Studio) -> Iterator[None]:
    """Keep the queue moving while the server runs."""
    stop = threading.Event()

    def supervise() -> None:
        while not stop.wait(_TICK_SECONDS):
            try:
                studio.tick()
            except StudioError as error:
                _log.warning("the queue waits: %s", error)

    thread = threading.Thread(target=supervise, name="supervisor", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)


def serve(studio: Studio, *, host: str, port: int, project: str = DEFAULT_PROJECT) -> None:
    """Serve until interrupted.

    Raises NotAllowed for an address that others can reach (there are no accounts yet) and
    Unavailable when the port is taken.
    """
    if host not in LOOPBACK:
        raise NotAllowed(
            f"{host} can be reached by others and this studio has no accounts yet. Serve on 127.0.0.1 "
            "(from elsewhere: ssh -L 7860:127.0.0.1:7860)."
        )
    with _listen(host, port) as listener:
        config = uvicorn.Config(create_app(studio, project=project), log_level="warning", access_log=False)
        print(f"RLHF Studio is on http://{host}:{port} (stop with Ctrl+C)", flush=True)  # noqa: T201
        uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise Unavailable(f"Port {port} is in use. Choose another: make run PORT={port + 1}.") from error
        raise Unavailable(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
    return listener
