"""The rewards by rule that exist, by name. Kept apart from their code: pages list them."""

RULES: dict[str, str] = {
    "short": "1 for an answer of up to 20 words, falling to 0 at 80 words.",
    "finished": "1 for an answer that ends with a full stop, question mark or exclamation mark.",
}
