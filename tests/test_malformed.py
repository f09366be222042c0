"""Malformed requests against the program. ``tests/bench/fuzz.py`` sends a hundred thousand of them."""

from collections import Counter
from random import Random

from tests.bench.fuzz import ENVIRONMENT, attack
from tests.bench.malformed import malformed
from tests.bench.verdict import Answered, verdict
from tests.running import program

SEED = 20261121


async def test_malformed_requests_are_refused_in_one_shape_and_leave_nothing_behind() -> None:
    with program(**ENVIRONMENT) as running:
        findings = await attack(running, 600, SEED)
    assert not findings.wrong
    assert len(findings.kinds) > 10
    assert findings.answers[400] > 100
    assert findings.answers[404]
    assert findings.answers[101]


def test_a_run_can_be_repeated_from_its_seed() -> None:
    assert malformed(Random("1-7")) == malformed(Random("1-7"))  # noqa: S311 - no secret


def test_a_verdict_finds_what_must_not_be() -> None:
    def answer(status: str, body: bytes, *headers: str) -> Answered:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
        return Answered("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    kind = "Content-Type: application/json"
    right = b'{"type":"error","error":{"type":"x","message":"y"},"request_id":"z"}'
    wrong = Counter(
        bool(verdict(each))
        for each in (
            answer("500 Internal Server Error", right, kind),
            answer("400 Bad Request", b'{"detail":"x"}', kind),
            answer("400 Bad Request", b"no JSON", kind),
            answer("404 Not Found", b'Traceback: File "/x"'),
            answer("200 OK", b"{}", "Server: uvicorn/1"),
            Answered(b"garbage"),
        )
    )
    assert wrong == {True: 6}
    assert not verdict(answer("400 Bad Request", right, kind))
    assert not verdict(Answered(b""))
