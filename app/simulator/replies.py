"""Responses that are no streams, and the headers of all."""

from datetime import UTC, datetime, timedelta

import orjson

from app.simulator.blocks import Json
from app.simulator.errors import ClaudeError, error_body
from app.simulator.steps import End, Head, Send, Step

Headers = tuple[tuple[str, str], ...]

LIMITS = {"requests": 4_000, "tokens": 2_400_000, "input-tokens": 2_000_000, "output-tokens": 400_000}
"""A minute's worth, as for an account of the highest tier."""

JSON = "application/json"
STREAM = "text/event-stream; charset=utf-8"
HTML = b"<!doctype html>\n<title>Welcome</title>\n<h1>Welcome to the proxy</h1>\n"


def headers(request_id: str, kind: str, now: float) -> Headers:
    """Return the headers that every response has; limits are told, never enforced."""
    reset = (datetime.fromtimestamp(now, UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    limits = [
        pair
        for name, limit in LIMITS.items()
        for pair in (
            (f"anthropic-ratelimit-{name}-limit", str(limit)),
            (f"anthropic-ratelimit-{name}-remaining", str(limit - 1)),
            (f"anthropic-ratelimit-{name}-reset", reset),
        )
    ]
    return (
        ("content-type", kind),
        ("request-id", request_id),
        ("anthropic-organization-id", "org_simulated"),
        *limits,
    )


def body(data: bytes, status: int, given: Headers) -> list[Step]:
    """Return the steps of a response of known length."""
    return [Head(status, (*given, ("content-length", str(len(data))))), Send(data), End()]


def answered(value: Json, request_id: str, now: float) -> list[Step]:
    """Return the steps of a response that is JSON."""
    return body(orjson.dumps(value), 200, headers(request_id, JSON, now))


def refused(error: ClaudeError, request_id: str, now: float) -> list[Step]:
    """Return the steps of an error."""
    given = headers(request_id, JSON, now) + error.headers
    if error.status == 400:
        given = (*given, ("x-should-retry", "false"))  # real 400s say so
    return body(error_body(error, request_id), error.status, given)
