"""The one place where a user's mistake is caught: the page shows its line, a bug keeps its traceback."""

from collections.abc import Callable
from typing import TypeVar

from rlhf_studio.core.errors import StudioError

T = TypeVar("T")


def attempt(call: Callable[[], T]) -> T | StudioError:
    """Return what the call returns, or the StudioError that it raised."""
    try:
        return call()
    except StudioError as error:
        return error
