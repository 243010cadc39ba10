"""The errors a user may read: each message says what is wrong and what to do about it.

Anything else that escapes is a bug and keeps its traceback. The command line ends with
status 2 on a `StudioError`, the REST API answers with `http_status`, a page shows the message.
"""


class StudioError(Exception):
    """Base of all errors that are the user's to mend."""

    http_status = 400


class InvalidInput(StudioError, ValueError):
    """A value, file or configuration that cannot be used as it is."""

    http_status = 422


class NotFound(StudioError, LookupError):
    """Something named by the user does not exist."""

    http_status = 404


class NotAllowed(StudioError, PermissionError):
    """The one who asks may not do this."""

    http_status = 403


class Conflict(StudioError):
    """The request contradicts what is already stored."""

    http_status = 409


class Unavailable(StudioError, OSError):
    """The machine cannot do it now: no space, no network, a port in use."""

    http_status = 503
