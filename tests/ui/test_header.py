from rlhf_studio.ui.header import LINKS, header_html


def test_five_links_and_the_current_one_is_marked() -> None:
    html = header_html("/data")
    assert all(f'<a href="{path}"' in html for path, _ in LINKS)
    assert html.count("aria-current") == 1 and '<a href="/data" aria-current="page">' in html
