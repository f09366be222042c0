"""What it means when Claude answers with an HTTP error.

Source: Claude's API reference, "Errors".
"""

import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from app.protocol import jsontext
from app.protocol.errors import BadRequest, Misconfigured, Problem, Refused, TimedOut

NOT_CURED_BY_WAITING = frozenset({"enforced_spend_limit_reached", "contract_spend_limit_reached"})
"""``error.details.error_code`` of a 429 that seconds do not help (Claude's API reference, "Errors")."""

LONGEST_S = 4_294_967
"""Seven weeks. Who asks for a longer wait, infinity included, has not said how long (the SDK's limit, too)."""


def refusal(answer: httpx2.Response, model: Any, clean: Callable[[str], str]) -> Problem:
    """Return what *answer*, an error that Claude gave to a request for *model*, means here.

    Args:
        answer: Claude's, read to its end.
        model: As it was asked for.
        clean: Takes out of Claude's words what must not be repeated.
    """
    status, headers = answer.status_code, answer.headers
    request_id = headers.get("request-id")
    details = _error_of(answer)
    message, more = details.get("message"), details.get("details")
    if not isinstance(message, str) or not message:
        message = f"Claude answered with status {status}."
    text = clean(message)
    if status in (401, 402, 403):
        msg = "The gateway's account at Claude does not work. Its operator must look at the key and the billing."
        return Misconfigured(msg, said=f"status {status}: {text}", upstream_request_id=request_id)
    if status == 404 and details.get("type") == "not_found_error" and model and str(model) in text:
        return BadRequest(f"model: Claude does not know {model}.", upstream_request_id=request_id)
    nothing_there = status == 404 and not details
    if nothing_there or not 400 <= status < 600:
        msg = "The gateway's upstream does not speak Claude's API. Its operator must look at its address."
        what = f"nothing is at {answer.request.url.path}" if nothing_there else "no error of HTTP's"
        return Misconfigured(msg, said=f"{what} (status {status})")
    after = retry_after(headers)
    if status == 408:
        return TimedOut(text, retry_after_s=after, upstream_request_id=request_id)
    passed_on = status if status in (400, 413, 429) or status >= 500 else 503 if status == 409 else 400
    refused = Refused(passed_on, text, retry_after_s=after, upstream_request_id=request_id)
    code = str(more.get("error_code")) if isinstance(more, dict) else ""
    said = headers.get("x-should-retry")
    refused.retryable = said == "true" if said else refused.retryable and code not in NOT_CURED_BY_WAITING
    return refused


def _error_of(answer: httpx2.Response) -> dict[str, Any]:
    """Return the ``error`` that the body tells; empty where it is none of Claude's."""
    try:
        body = jsontext.parse(answer.content)
    except ValueError:
        return {}
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ``retry-after-ms`` or ``retry-after`` (seconds or a date) ask to wait, if any."""
    said = headers.get("retry-after", "")
    asked = math.inf
    with suppress(ValueError, OverflowError):
        asked = parsedate_to_datetime(said).timestamp() - time.time()
    with suppress(ValueError):
        asked = float(said)
    with suppress(KeyError, ValueError):
        asked = float(headers["retry-after-ms"]) / 1000
    return max(0.0, asked) if asked <= LONGEST_S else None
