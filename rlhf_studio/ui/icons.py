"""Icons as inline SVG: drawn in the text's colour, no emoji, no font, no file to fetch."""

from markupsafe import Markup


def icon(body: str, *, size: int = 18) -> Markup:
    """Wrap paths on a 24×24 grid; hidden from screen readers because text stands beside every icon."""
    return Markup(
        f'<svg class="rs-icon" width="{size}" height="{size}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        f'stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">'
        f"{body}</svg>"
    )


BRAND = icon(
    '<path d="M20.5 12a8.5 8.5 0 1 1-3.2-6.6"/><path d="M17.6 2.2v3.5h-3.5"/><circle cx="12" cy="12" r="2.4" '
    'fill="currentColor" stroke="none"/>',
    size=22,
)
SUN = icon(
    '<circle cx="12" cy="12" r="4"/><path d="M12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1'
    ' 1.1M5.6 18.4l1.1-1.1M17.3 6.7l1.1-1.1"/>'
)
MOON = icon('<path d="M20 14.2A8.2 8.2 0 1 1 9.8 4a6.6 6.6 0 0 0 10.2 10.2z"/>')
ALERT = icon('<path d="M12 4.2 21 19.5H3z"/><path d="M12 10v4.2M12 17v.01"/>')
INFO = icon('<circle cx="12" cy="12" r="8.5"/><path d="M12 11v5M12 8v.01"/>')
CHECK = icon('<path d="m5 12.5 4.5 4.5L19 7.5"/>')
ARROW = icon('<path d="M5 12h14M13 6l6 6-6 6"/>')
CHEVRON = icon('<path d="m9 6 6 6-6 6"/>', size=16)
LOOP = icon(
    '<path d="M4 12a8 8 0 0 1 13.7-5.6L20 8.5"/><path d="M20 4v4.5h-4.5"/><path d="M20 12a8 8 0 0 1-13.7 5.6L4 '
    '15.5"/><path d="M4 20v-4.5h4.5"/>'
)
FILE = icon('<path d="M13.5 3.5h-7v17h11v-13z"/><path d="M13.5 3.5v4h4"/>')
PROMPTS = icon('<path d="M4 5.5h16v10.5H11l-4 3.5v-3.5H4z"/>')
COMPLETIONS = icon('<path d="M5 7h14M5 12h14M5 17h8"/>')
PAIRS = icon(
    '<rect x="3.5" y="5" width="7" height="14" rx="1.5"/><rect x="13.5" y="5" width="7" height="14" rx="1.5"/>'
)
VOTES = icon('<circle cx="12" cy="12" r="8.5"/><path d="m8.3 12.3 2.6 2.6 4.9-5.2"/>')
REWARD_MODEL = icon('<path d="M4 17a8 8 0 1 1 16 0"/><path d="m12 17 4-5.5"/>')
POLICY = icon('<path d="M12 3.5 14 10l6.5 2-6.5 2-2 6.5-2-6.5-6.5-2L10 10z"/>')
