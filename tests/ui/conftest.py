"""Pages on a fake studio, called as a browser would call them, without a browser."""

import gc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rlhf_studio.ui.pages import HEAD, THEME, build_pages
from rlhf_studio.ui.texts import Texts
from tests.ui.fake_studio import FakeStudio

EN, ZH = Texts("en"), Texts("zh")


class Pages:
    """Raises Gradio events by element id and returns what the handler sent back."""

    def __init__(self, studio: FakeStudio, client: TestClient, blocks: gr.Blocks) -> None:
        self.studio = studio
        self._client = client
        self._blocks = blocks

    def load(self, page: str, query: str = "", language: str = "en", before: list[Any] | None = None) -> list[Any]:
        """Open a page: the event that Gradio raises when it is loaded. `before` is what it holds already."""
        ids = self._blocks.config["page"][page]["dependencies"]
        index = next(i for i in ids if self._blocks.fns[i].targets[0][1] == "load")
        inputs = before or [""] * len(self._blocks.fns[index].inputs)
        return self._call(index, inputs, None, query, language)

    def event(self, element: str, name: str, inputs: list[Any], data: Any = None) -> list[Any]:
        target = next(b._id for b in self._blocks.blocks.values() if getattr(b, "elem_id", None) == element)
        index = next(i for i, fn in self._blocks.fns.items() if (target, name) in fn.targets and fn.fn)
        return self._call(index, inputs, data)

    def _call(self, index: int, inputs: list[Any], data: Any, query: str = "", language: str = "en") -> list[Any]:
        reply = self._client.post(
            f"/gradio_api/run/predict{query}",
            json={"fn_index": index, "data": inputs, "event_data": data, "session_hash": "test"},
            headers={"accept-language": language},
        )
        assert reply.status_code == 200, reply.text
        return list(reply.json()["data"])


class _Now:
    """Stands for whichever studio a test has put in: the pages are built once, since that takes a while."""

    studio: FakeStudio

    def __getattr__(self, name: str) -> Any:
        return getattr(self.studio, name)


@pytest.fixture(scope="session")
def built() -> Iterator[tuple[_Now, TestClient, gr.Blocks]]:
    now = _Now()
    blocks = build_pages(now)  # type: ignore[arg-type]  # the fake has the same shape
    blocks.queue(api_open=False)
    with warnings.catch_warnings(category=UserWarning, action="ignore"):  # "SSR mode is not supported": it is off
        app = gr.mount_gradio_app(FastAPI(), blocks, path="/", theme=THEME, head=HEAD, ssr_mode=False)
    with TestClient(app, base_url="http://127.0.0.1:7860") as client:
        yield now, client, blocks
    with warnings.catch_warnings(category=ResourceWarning, action="ignore"):  # Gradio leaves event loops open
        gc.collect()


@pytest.fixture
def pages(built: tuple[_Now, TestClient, gr.Blocks]) -> Callable[[str], Pages]:
    now, client, blocks = built

    def make(stage: str) -> Pages:
        now.studio = FakeStudio(stage)
        return Pages(now.studio, client, blocks)

    return make
