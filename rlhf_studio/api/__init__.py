"""The web interface for programs: REST under /api/v1, and the guard that stands before the whole app."""

from rlhf_studio.api.errors import install_error_handlers
from rlhf_studio.api.guard import Guard
from rlhf_studio.api.label import routes

__all__ = ["Guard", "install_error_handlers", "routes"]
