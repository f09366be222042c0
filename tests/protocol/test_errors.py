"""Whose fault a failure is: its status, Claude's type for it, and whether the same request can work later."""

import pytest

from app.protocol import errors
from app.protocol.errors import (
    IN_BAND_STATUS,
    BadCall,
    BadRequest,
    Broken,
    Bug,
    Drained,
    Forbidden,
    Garbled,
    Gone,
    KeyReused,
    Misconfigured,
    NotFound,
    Problem,
    Refused,
    Reset,
    SlowBody,
    TimedOut,
    TooLarge,
    TooLong,
    TooMany,
    Truncated,
    Unauthenticated,
    Unavailable,
    Unreachable,
    WrongCredential,
    WrongMediaType,
    WrongMethod,
)

TREE = [
    (BadRequest, 400, "invalid_request_error", False),
    (WrongMethod, 405, "invalid_request_error", False),
    (SlowBody, 408, "invalid_request_error", False),
    (WrongMediaType, 415, "invalid_request_error", False),
    (KeyReused, 422, "invalid_request_error", False),
    (Unauthenticated, 401, "authentication_error", False),
    (WrongCredential, 401, "authentication_error", False),
    (Forbidden, 403, "permission_error", False),
    (NotFound, 404, "not_found_error", False),
    (Gone, 410, "not_found_error", False),
    (TooLarge, 413, "request_too_large", False),
    (TooMany, 429, "rate_limit_error", True),
    (TooLong, 500, "api_error", False),
    (Bug, 500, "api_error", False),
    (Unavailable, 503, "api_error", True),
    (Drained, 503, "api_error", True),
    (Misconfigured, 502, "api_error", False),
    (Unreachable, 502, "api_error", True),
    (TimedOut, 504, "timeout_error", True),
    (Broken, 502, "api_error", True),
    (Reset, 502, "api_error", True),
    (Truncated, 502, "api_error", True),
    (Garbled, 502, "api_error", False),
    (BadCall, 502, "api_error", True),
]


@pytest.mark.parametrize(("cls", "status", "kind", "retryable"), TREE)
def test_a_problem_says_whose_fault_it_is(
    cls: type[Problem], status: int, kind: str, retryable: bool
) -> None:
    problem = cls("Do this.", retry_after_s=2.5, upstream_request_id="req_up", said="for the operator")
    assert "operator" not in str(problem.body("req_1"))
    assert (problem.status, problem.type, problem.retryable) == (status, kind, retryable)
    assert (problem.message, str(problem)) == ("Do this.", "Do this.")
    assert (problem.retry_after_s, problem.upstream_request_id) == (2.5, "req_up")
    assert problem.body("req_1") == {
        "type": "error",
        "error": {"type": kind, "message": "Do this."},
        "request_id": "req_up",
    }
    assert cls("Do this.").body("req_1")["request_id"] == "req_1"
    said = {"type": kind, "message": "Do this.", "retryable": retryable}
    assert (problem.wire(), cls("Do this.").wire()) == (said | {"retry_after_s": 2.5}, said)


def test_every_problem_is_in_the_table_and_in_the_picture() -> None:
    classes = {cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, Problem)}
    assert classes == {row[0] for row in TREE} | {Problem, Refused}
    assert all(cls.__name__ in (errors.__doc__ or "") for cls in classes)


@pytest.mark.parametrize(
    ("status", "given", "kind", "retryable"),
    [
        (400, None, "invalid_request_error", False),
        (413, None, "request_too_large", False),
        (418, None, "invalid_request_error", False),
        (429, None, "rate_limit_error", True),
        (500, None, "api_error", True),
        (501, None, "api_error", True),
        (503, None, "api_error", True),
        (504, None, "timeout_error", True),
        (529, None, "overloaded_error", True),
        (529, "some_new_error", "some_new_error", True),
    ],
)
def test_a_refusal_is_passed_on_as_claude_gave_it(
    status: int, given: str | None, kind: str, retryable: bool
) -> None:
    refused = Refused(status, "Overloaded", type=given, retry_after_s=3, upstream_request_id="req_up")
    assert (refused.status, refused.type, refused.retryable) == (status, kind, retryable)
    assert (refused.message, refused.retry_after_s, refused.upstream_request_id) == (
        "Overloaded",
        3,
        "req_up",
    )


@pytest.mark.parametrize(
    ("cls", "what"),
    [
        (Unreachable, "unreachable"),
        (TimedOut, "stalled"),
        (Reset, "reset"),
        (Truncated, "truncated"),
        (Bug, None),
    ],
)
def test_one_word_says_what_happened_upstream_where_the_type_does_not(
    cls: type[Problem], what: str | None
) -> None:
    assert cls("x").what == what


def test_an_error_in_band_has_the_status_it_would_have_had() -> None:
    assert IN_BAND_STATUS["overloaded_error"] == 529
    assert IN_BAND_STATUS["rate_limit_error"] == 429


@pytest.mark.parametrize(
    ("problem", "fault"),
    [
        (BadRequest("x"), "client"),
        (TooMany("x"), "client"),
        (Bug("x"), "gateway"),
        (Drained("x"), "gateway"),
        (Misconfigured("x"), "operator"),
        (Unreachable("x"), "claude"),
        (TimedOut("x"), "claude"),
        (Garbled("x"), "claude"),
        # What Claude refuses: the request itself, or any, for now.
        (Refused(400, "x"), "client"),
        (Refused(413, "x"), "client"),
        (Refused(429, "x"), "claude"),
        (Refused(529, "x"), "claude"),
    ],
)
def test_a_problem_says_who_can_do_something_about_it(problem: Problem, fault: str) -> None:
    assert problem.fault == fault


def test_a_problem_that_is_kept_keeps_nothing_else() -> None:
    def fail() -> None:
        try:
            raise OSError
        except OSError as error:
            msg = "gone"
            raise NotFound(msg) from error

    with pytest.raises(NotFound) as raised:
        fail()
    problem = raised.value.untraced()
    assert problem is raised.value
    assert (problem.__traceback__, problem.__cause__, problem.__context__) == (None, None, None)


def test_what_happened_upstream_is_said_to_the_operator_where_the_type_does_not() -> None:
    assert errors.Unreachable("x", said="Connection refused").why == "unreachable: Connection refused"
    assert errors.Reset("x").why == "reset"
    assert NotFound("x").why is None
