"""What can go wrong, sorted by whose fault it is.

Each has its HTTP status, Claude's error type, and whether the same request can work later.

Problem                          anything that a client is told
├── BadRequest            400    the client's: what it sent
│   ├── WrongMethod       405
│   ├── SlowBody          408
│   ├── WrongMediaType    415
│   └── KeyReused         422
├── Unauthenticated       401
│   └── WrongCredential
├── Forbidden             403
├── NotFound              404
├── Gone                  410
├── TooLarge              413
├── TooMany               429    the client's: how often
├── TooLong               500    the client's: an answer larger than is kept, or with more turns of tools
├── Bug                   500    ours
├── Unavailable           503    ours: draining, full
│   └── Drained                  the same, in the middle of an answer
├── Refused               as is  Claude's answer to this request (400, 413, 429, 529, 5xx)
├── Misconfigured         502    the operator's: key, billing, permission, address
├── Unreachable           502    no connection to Claude
├── TimedOut              504    Claude did not answer in time
└── Broken                502    Claude's stream ended before its end
    ├── Reset                    the connection was lost
    ├── Truncated                it was closed without ``message_stop``
    ├── Garbled                  what came is not Claude's protocol
    └── BadCall                  a tool's input is not JSON
"""

from collections.abc import Mapping
from typing import Any, Literal, Self

Fault = Literal["client", "claude", "operator", "gateway"]
"""Who can do something about it. Claude's own limits and overload are Claude's."""

CLAUDE_TYPES = {
    400: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""HTTP status → ``error.type`` (Claude's API reference, "Errors")."""

IN_BAND_STATUS = {kind: status for status, kind in CLAUDE_TYPES.items()}
"""``error.type`` of an ``error`` frame inside HTTP 200 → the status it would have had here."""

KNOWN_TYPES = frozenset(
    {
        *CLAUDE_TYPES.values(),
        "authentication_error",
        "billing_error",
        "conflict_error",
        "not_found_error",
        "permission_error",
    }
)
"""All ``error.type`` that there are so far. An ``error`` frame may bring any other."""

OPERATORS = frozenset({"authentication_error", "billing_error", "permission_error"})
"""``error.type`` of what is wrong with the gateway's account, not with the request (401, 402, 403)."""


class Problem(Exception):
    """Anything that a client is told: a sentence that says what was wrong and what to do.

    Args:
        message: The sentence. Never a key, a path or a trace.
        retry_after_s: Seconds after which trying again can help, where that is known.
        upstream_request_id: Claude's own request id, for the operator's log and for support.
        headers: What its HTTP answer says besides.
        limit: Which of the gateway's limits was hit, if it is about one.
        said: What was said upstream, for the operator alone.
    """

    status: int = 500
    type: str = "api_error"
    fault: Fault = "gateway"
    retryable: bool = False
    what: str | None = None
    """One word for what happened upstream, where ``type`` does not say it."""

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float | None = None,
        upstream_request_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        limit: str | None = None,
        said: str = "",
    ) -> None:
        super().__init__(message)
        self.said = said
        self.message = message
        self.limit = limit
        self.retry_after_s = retry_after_s
        self.upstream_request_id = upstream_request_id
        self.headers = headers or {}

    @property
    def why(self) -> str | None:
        """What happened upstream, for the operator alone; None where ``type`` says it."""
        return ": ".join(filter(None, (self.what, self.said))) or None

    def wire(self) -> dict[str, Any]:
        """Return what ``error`` events and snapshots say of it."""
        said: dict[str, Any] = {"type": self.type, "message": self.message, "retryable": self.retryable}
        return said if self.retry_after_s is None else said | {"retry_after_s": self.retry_after_s}

    def untraced(self) -> Self:
        """Return it without where it came from.

        A trace holds every frame that it passed, and all that these know: an answer, its question. Who keeps a problem,
        or meets one that is kept, would keep them too, in a circle that only a full collection finds.
        """
        self.__traceback__ = self.__cause__ = self.__context__ = None
        return self

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the JSON of an HTTP error, in Claude's shape, with Claude's own request id where it is Claude's."""
        return {
            "type": "error",
            "error": {"type": self.type, "message": self.message},
            "request_id": self.upstream_request_id or request_id,
        }


class BadRequest(Problem):
    """The client sent what cannot be understood or is not allowed; the message names the field."""

    status = 400
    type = "invalid_request_error"
    fault = "client"


class WrongMethod(BadRequest):
    """The route exists, the method does not."""

    status = 405


class SlowBody(BadRequest):
    """The body did not come in time."""

    status = 408


class WrongMediaType(BadRequest):
    """The body is not said to be JSON."""

    status = 415


class KeyReused(BadRequest):
    """An Idempotency-Key came again with another body."""

    status = 422


class Unauthenticated(Problem):
    """Nobody has said who is asking."""

    status = 401
    type = "authentication_error"
    fault = "client"


class WrongCredential(Unauthenticated):
    """What was shown is not valid, or no longer."""


class Forbidden(Problem):
    """Who is asking may not."""

    status = 403
    type = "permission_error"
    fault = "client"


class NotFound(Problem):
    """There is no such thing, or it is somebody else's, which must look the same."""

    status = 404
    type = "not_found_error"
    fault = "client"


class Gone(NotFound):
    """It was there and has been retired."""

    status = 410


class TooLarge(Problem):
    """The body has more bytes than the gateway takes."""

    status = 413
    type = "request_too_large"
    fault = "client"


class TooMany(Problem):
    """The client asks too often or has too much open."""

    status = 429
    type = "rate_limit_error"
    fault = "client"
    retryable = True


class Bug(Problem):
    """Our own fault: the log has the trace, the client a sentence."""


class TooLong(Problem):
    """An answer is longer than the gateway lets it be."""

    fault = "client"


class Unavailable(Problem):
    """The gateway is draining or full; another replica or a later try can help."""

    status = 503
    retryable = True


class Drained(Unavailable):
    """The gateway ended an answer because it restarts."""


class Refused(Problem):
    """Claude's own answer to the request, passed on as it is: status, type and text."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str | None = None,
        retry_after_s: float | None = None,
        upstream_request_id: str | None = None,
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s, upstream_request_id=upstream_request_id)
        self.status = status
        self.type = type or CLAUDE_TYPES.get(status) or ("api_error" if status >= 500 else CLAUDE_TYPES[400])
        self.retryable = status == 429 or status >= 500
        self.fault = "claude" if self.retryable else "client"


class Misconfigured(Problem):
    """The operator's fault at Claude: key, billing or permission. The client learns no more than that."""

    fault = "operator"
    status = 502


class Unreachable(Problem):
    """No connection to Claude, or it was lost before an answer began."""

    fault = "claude"
    what = "unreachable"
    status = 502
    retryable = True


class TimedOut(Problem):
    """Claude did not answer, or not go on, in time."""

    fault = "claude"
    what = "stalled"
    status = 504
    type = "timeout_error"
    retryable = True


class Broken(Problem):
    """Claude's stream ended before its end."""

    fault = "claude"
    status = 502
    retryable = True


class Reset(Broken):
    """The connection was lost."""

    what = "reset"


class Truncated(Broken):
    """The connection was closed in good order, but before ``message_stop``."""

    what = "truncated"


class Garbled(Broken):
    """What came is not Claude's protocol."""

    retryable = False


class BadCall(Broken):
    """Claude called a tool with input that is not JSON, and was not cut off."""


def in_band(data: dict[str, Any]) -> Problem:
    """Return the refusal that an ``error`` frame inside HTTP 200 stands for; *data* is its JSON."""
    error = data.get("error")
    error = error if isinstance(error, dict) else {"message": error}
    kind = str(error.get("type") or "api_error")
    text = str(error.get("message") or f"Claude broke the answer off with {kind}.")
    request_id = data.get("request_id")
    if kind in OPERATORS:
        msg = "The gateway's account at Claude does not work. Its operator must look at the key and the billing."
        return Misconfigured(msg, said=text, upstream_request_id=request_id)
    if kind == "not_found_error":  # what the request names is not there; here a 404 would mean the answer
        kind = CLAUDE_TYPES[400]
    return Refused(IN_BAND_STATUS.get(kind, 502), text, type=kind, upstream_request_id=request_id)
