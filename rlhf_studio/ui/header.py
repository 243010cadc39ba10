"""The header of every page: name, five links, the switch between light and dark."""

import gradio as gr
from markupsafe import Markup

from rlhf_studio.ui import icons
from rlhf_studio.ui.html import EMPTY, h, join
from rlhf_studio.ui.texts import Texts

LINKS = (("/", "Home"), ("/label", "Label"), ("/data", "Data"), ("/train", "Train"), ("/compare", "Compare"))
_ENGLISH, _CHINESE = Texts("en"), Texts("zh")


def build(current: str) -> None:
    """Put the header on a page."""
    gr.HTML(str(header_html(current)), js_on_load=None, apply_default_css=False, padding=False, elem_id="rs-header")


def header_html(current: str) -> Markup:
    """Return the header with the link to `current` marked.

    Both languages are in it and CSS shows one: it stands on the page before the server was asked anything.
    """
    links = join(
        h('<a href="{}"{}>{}</a>', path, Markup(' aria-current="page"') if path == current else EMPTY, both(name))
        for path, name in LINKS
    )
    return h(
        '<a class="rs-to-content" href="#rs-main">{skip}</a><header class="rs-header"><a class="rs-brand" '
        'href="/">{brand}'
        '<span>RLHF Studio</span></a><nav class="rs-nav">{links}</nav>'
        '<button type="button" class="rs-theme" data-theme-switch>{sun}{moon}'
        '<span class="rs-hidden">{switch}</span></button></header>',
        skip=both("Skip to the content"),
        brand=icons.BRAND,
        links=links,
        sun=icons.SUN,
        moon=icons.MOON,
        switch=both("Switch between light and dark"),
    )


def both(english: str) -> Markup:
    """Return a text in both languages; CSS shows the one of the document."""
    return h(
        '<span class="rs-en">{}</span><span class="rs-zh" lang="zh-CN">{}</span>', _ENGLISH(english), _CHINESE(english)
    )
