import re
import time
from html.parser import HTMLParser

import pytest

from rlhf_studio.api.markdown import safe_html

TAGS = {
    *("p", "br", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "h3"),
    *("h4", "h5", "h6", "hr", "a", "span", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"dir", "class", "href", "title", "target", "rel", "start", "style"}


class Inspector(HTMLParser):
    """Collects every tag and attribute that a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.comments = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_comment(self, data: str) -> None:
        self.comments += 1


NASTY = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![a](http://evil.example/x.png)",
    '![a"onerror="alert(1)](x)',
    "![a](data:image/svg+xml;base64,PHN2Zz4=)",
    "<svg onload=alert(1)></svg>",
    "<!-- comment --><!doctype html><?php ?><![CDATA[x]]>",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](&#106;avascript:alert(1))",
    "[a](java\tscript:alert(1))",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "[a](vbscript:x) [b](file:///etc/passwd) [c](//evil.example) [d](/api/v1/label/undo)",
    "<javascript:alert(1)>",
    "[a]: javascript:alert(1)\n\n[a]",
    '[a](http://ok.example "t\\" onmouseover=\\"alert(1)")',
    "[a](http://ok.example/\"onmouseover='alert(1)')",
    '``` "><script>alert(1)</script>\nx\n```',
    "`<script>alert(1)</script>`",
    "# <script>alert(1)</script>",
    "| <script>x</script> | b |\n|---|---|\n| <iframe src=x> | y |",
    "> <style>body{display:none}</style>",
    "</div></main><form action=http://evil.example>",
    "a\x00<scr\x00ipt>",
    "<a href='javascript:alert(1)'>x</a>",
    "**<b onclick=alert(1)>**",
]


@pytest.mark.parametrize("text", NASTY)
def test_nothing_of_a_text_becomes_active(text: str) -> None:
    seen = Inspector(safe_html(text))
    assert seen.tags <= TAGS
    assert {name for name, _ in seen.attributes} <= ATTRIBUTES
    assert seen.comments == 0
    for name, value in seen.attributes:
        if name == "href":
            assert re.match("(https?|mailto):", value, re.IGNORECASE)
        if name == "style":
            assert re.fullmatch("text-align:(left|right|center)", value)


def test_tags_are_shown_as_text() -> None:
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in safe_html("<script>alert(1)</script>")


def test_an_image_is_its_alternative_text() -> None:
    assert safe_html("![A *red* cat](http://evil.example/x.png)") == (
        '<p dir="auto"><span class="image">[A red cat]</span></p>\n'
    )
    assert "[image]" in safe_html("![](http://evil.example/x.png)")


def test_links_open_apart_and_tell_nobody() -> None:
    link = 'href="https://ok.example/" title="https://ok.example/" target="_blank" rel="noopener noreferrer nofollow"'
    assert link in safe_html("[a](https://ok.example/ 'a lie')")
    assert link in safe_html("<https://ok.example/>")
    assert 'href="mailto:a@ok.example"' in safe_html("[a](mailto:a@ok.example)")


def test_code_keeps_its_indentation() -> None:
    code = "def f():\n    if x:\n        return 1\n"
    assert f"<pre><code>{code}</code></pre>" in safe_html(f"```\n{code}```")
    without_fence = safe_html("def f():\n    if x:\n\treturn 1")
    assert without_fence == (
        '<p dir="auto">def f():<br />\n\xa0\xa0\xa0\xa0if x:<br />\n\xa0\xa0\xa0\xa0return 1</p>\n'
    )


def test_line_breaks_lists_and_tables_are_kept() -> None:
    assert "roses<br />\nviolets" in safe_html("roses\nviolets")
    assert '<li dir="auto">a<br />\nb</li>' in safe_html("- a\n  b")
    assert '<td dir="auto">2</td>' in safe_html("|a|b|\n|-|-|\n|1|2|")
    assert '<ol start="3">' in safe_html("3. c\n4. d")


def test_a_number_alone_is_no_list() -> None:
    assert safe_html("56.") == '<p dir="auto">56.</p>\n'
    assert safe_html("1969)\n\nB") == '<p dir="auto">1969)</p>\n<p dir="auto">B</p>\n'
    assert "1986. A good year" not in safe_html("1986. A good year")
    assert '<ol start="1986" class="wide">' in safe_html("1986. A good year")


def test_blocks_find_their_own_direction() -> None:
    assert safe_html("שלום") == '<p dir="auto">שלום</p>\n'


def test_headings_stay_below_those_of_the_page() -> None:
    assert "<h3" in safe_html("# One")
    assert "<h6" in safe_html("###### Six")


@pytest.mark.parametrize("text", ["> " * 500 + "END", "".join("  " * i + "- a\n" for i in range(100)) + "END"])
def test_huge_nesting_loses_no_text(text: str) -> None:
    html = safe_html(text)
    assert "END" in html
    assert html.startswith('<pre class="plain"')


def test_a_huge_text_is_shown_as_it_is() -> None:
    html = safe_html("**b** <i>" * 20_000)
    assert html.startswith('<pre class="plain" dir="auto">**b** &lt;i&gt;')


@pytest.mark.parametrize("piece", ["[", "![", "*a", "`", "<", "|", "> ", "[a](", "**a *", "~~", "\\", "&"])
def test_hostile_repetition_is_not_slow(piece: str) -> None:
    start = time.thread_time()  # the processor's time: the machine may be busy
    safe_html(piece * (15_900 // len(piece)))
    assert time.thread_time() - start < 2


def test_empty_text_is_empty() -> None:
    assert safe_html("") == ""
