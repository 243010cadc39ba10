"""Which prompts a reward model may learn from, and which are kept to measure it."""

import hashlib
from collections.abc import Sequence

from rlhf_studio.core.preferences import PreferencePair


def is_held_out(prompt_id: str, share: float) -> bool:
    """Say whether a prompt belongs to the held-out `share`.

    Decided by the prompt alone, so that a prompt once kept out stays out in every later
    training on the same share, and all pairs of a prompt stay on one side.
    """
    return int.from_bytes(hashlib.sha256(prompt_id.encode()).digest()[:8]) / 2**64 < share


def split_by_prompt(pairs: Sequence[PreferencePair], share: float) -> tuple[list[PreferencePair], list[PreferencePair]]:
    """Return (pairs to train on, pairs to measure on), with no prompt on both sides.

    Pairs on prompts of the eval split only ever measure.
    """
    train: list[PreferencePair] = []
    held_out: list[PreferencePair] = []
    for pair in pairs:
        measure = pair.prompt.split == "eval" or is_held_out(pair.prompt.id, share)
        (held_out if measure else train).append(pair)
    return train, held_out
