"""Claude's errors: a type, a status, a message, and one JSON shape for all of them.

Types and statuses: https://docs.claude.com/en/api/errors
"""

from dataclasses import dataclass

import orjson

STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
TYPE_OF_STATUS = {status: kind for kind, status in STATUS_OF_TYPE.items()}

MESSAGES = {
    "authentication_error": "invalid x-api-key",
    "billing_error": "Your credit balance is too low to access the Claude API.",
    "permission_error": "Your API key does not have permission to use the specified resource.",
    "not_found_error": "Not found",
    "conflict_error": "The request conflicts with another request.",
    "request_too_large": "Request exceeds the maximum size",
    "rate_limit_error": "This request would exceed your organization's rate limit. Please try again later.",
    "api_error": "Internal server error",
    "timeout_error": "Request timed out",
    "overloaded_error": "Overloaded",
}


@dataclass(slots=True)
class ClaudeError(Exception):
    """A request that Claude would refuse.

    Attributes:
        type: Claude's error type, e.g. ``invalid_request_error``.
        message: The sentence for people.
        status: HTTP status.
        headers: Further response headers, e.g. ``retry-after``.
    """

    type: str
    message: str
    status: int
    headers: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.status} {self.type}: {self.message}"


def invalid(message: str) -> ClaudeError:
    """Return the 400 that says *message*."""
    return ClaudeError("invalid_request_error", message, 400)


def of_status(status: int) -> ClaudeError:
    """Return a typical error for an HTTP *status*."""
    kind = TYPE_OF_STATUS.get(status, "invalid_request_error" if status < 500 else "api_error")
    return ClaudeError(kind, MESSAGES.get(kind, f"Simulated error {status}"), status)


def of_type(kind: str) -> ClaudeError:
    """Return a typical error of an error type, also of one that Claude does not have."""
    return ClaudeError(kind, MESSAGES.get(kind, f"Simulated {kind}"), STATUS_OF_TYPE.get(kind, 500))


def error_body(error: ClaudeError, request_id: str | None) -> bytes:
    """Return the JSON of *error*; inside a stream *request_id* may be left out."""
    body: dict[str, object] = {
        "type": "error",
        "error": {"details": None, "type": error.type, "message": error.message},
    }
    if request_id is not None:
        body["request_id"] = request_id
    return orjson.dumps(body)
