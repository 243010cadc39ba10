"""The service layer and the Python API: `Studio(settings)`.

A page, a REST route and a command each make one call here.
"""

from rlhf_studio.studio.studio import Studio

__all__ = ["Studio"]
