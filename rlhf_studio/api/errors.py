"""Every refusal is one plain line: {"error": "what is wrong and what to do"}."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from rlhf_studio.core.errors import StudioError


def install_error_handlers(app: FastAPI) -> None:
    """Answer a StudioError with its message and status, and a malformed request with one line and 422."""
    app.add_exception_handler(StudioError, _studio_error)
    app.add_exception_handler(RequestValidationError, _malformed)


def _studio_error(request: Request, error: Exception) -> JSONResponse:
    status = error.http_status if isinstance(error, StudioError) else 500
    return JSONResponse({"error": str(error)}, status_code=status)


def _malformed(request: Request, error: Exception) -> JSONResponse:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    # The value itself stays out: a line is for reading, and it may be a whole answer.
    lines = [f"{_where(problem['loc'])}: {problem['msg']}" for problem in problems]
    return JSONResponse({"error": "; ".join(lines) or "The request cannot be read."}, status_code=422)


def _where(location: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in location[1:]) or str(location[0])
