"""Markdown of models and people to HTML that cannot do anything.

Nothing of the text reaches the page as HTML: tags are shown as text, images are their
alternative text, links lead out only by http, https and mailto.
"""

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_MAX_MARKDOWN_CHARS = 16_000
"""Longer texts are shown as they are, since parsing them could hold the page up."""

_MAX_NESTING = 40
"""markdown-it drops whatever lies deeper, unseen: such texts are shown as they are too."""

_LINK = re.compile(r"(?:https?://|mailto:)[^\s]", re.IGNORECASE)
_INDENTED_LINE = re.compile(r"\n([ \t]+)")
_EMPTY_LIST = ["list_item_open", "list_item_close", "ordered_list_close"]
_DIRECTED = frozenset({"paragraph_open", "heading_open", "list_item_open", "blockquote_open", "th_open", "td_open"})


def safe_html(text: str) -> str:
    """Return `text` as HTML for the label page: Markdown, with code and line breaks kept."""
    if len(text) <= _MAX_MARKDOWN_CHARS:
        env: dict[str, object] = {}
        tokens = _markdown.parse(text, env)
        if all(token.level < _MAX_NESTING - 1 for token in tokens):
            return str(_markdown.renderer.render(tokens, _markdown.options, env))
    return f'<pre class="plain" dir="auto">{escapeHtml(text)}</pre>'


def _image(self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    alternative = self.renderInlineAsText(tokens[index].children, options, env)
    return f'<span class="image">[{escapeHtml(alternative or "image")}]</span>'


def _link_open(self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[index]
    # The title shows where a link leads, whatever its text claims.
    token.attrs = {
        "href": token.attrs["href"],
        "title": token.attrs["href"],
        "target": "_blank",
        "rel": "noopener noreferrer nofollow",
    }
    return self.renderToken(tokens, index, options, env)


def _directions(state: StateCore) -> None:
    """Let each block find its own writing direction, and keep headings below those of the page."""
    for token in state.tokens:
        if token.type in _DIRECTED:
            token.attrSet("dir", "auto")
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"


def _numbers(state: StateCore) -> None:
    """Show a lone "1969." as the answer that it is, and give long numbers of list items their room."""
    tokens = state.tokens
    for i, token in enumerate(tokens):
        if token.type != "ordered_list_open":
            continue
        if [inner.type for inner in tokens[i + 1 : i + 4]] == _EMPTY_LIST:
            number, text = tokens[i + 1], Token("inline", "", 0, content="", level=token.level + 1, children=[])
            text.content = f"{number.info}{number.markup}"
            opening = Token("paragraph_open", "p", 1, level=token.level, block=True)
            closing = Token("paragraph_close", "p", -1, level=token.level, block=True)
            tokens[i : i + 4] = [opening, text, closing]
        elif int(token.attrs.get("start", 1)) > 999:
            token.attrSet("class", "wide")


def _keep_indentation(state: StateCore) -> None:
    """Keep the indentation of lines in a paragraph: models often write code without a fence."""
    for token in state.tokens:
        if token.type == "inline":
            token.content = _INDENTED_LINE.sub(_hard_spaces, token.content)


def _hard_spaces(match: re.Match[str]) -> str:
    return "\n" + match.group(1).replace("\t", "    ").replace(" ", "\N{NO-BREAK SPACE}")


def _make() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": _MAX_NESTING}).enable(
        ["table", "strikethrough"]
    )
    markdown.disable(["html_block", "html_inline"])
    markdown.validateLink = lambda url: bool(_LINK.match(url))  # type: ignore[method-assign]
    markdown.add_render_rule("image", _image)
    markdown.add_render_rule("link_open", _link_open)
    markdown.core.ruler.after("block", "directions", _directions)
    markdown.core.ruler.after("block", "numbers", _numbers)
    markdown.core.ruler.after("block", "keep_indentation", _keep_indentation)
    return markdown


_markdown = _make()
