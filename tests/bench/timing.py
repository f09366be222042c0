"""``uv run python -m tests.bench.timing``: does the time of a refusal tell what is there?

Somebody else's answer must not be told from one that never was, nor a token that is nearly right from any other. Each
kind is asked for in turns, in an order that is drawn anew for each turn, on one connection, with nothing in between;
printed is how the kinds differ from the first one: the difference of the medians and of the fastest hundredths with
95 % intervals (bootstrap), and how often one of a kind takes longer than one of the first (Mann and Whitney's U; 50 % is
no difference) with the probability of so much by chance.
"""

import argparse
import math
import random
import secrets
import socket
import sys
import tempfile
import time
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

from app.auth.tokens import PREFIX, SCHEME, digest
from app.generation import new_id
from tests.bench.answers import Case
from tests.bench.load import Address, post
from tests.bench.targets import OURS, fake_claude, run

RESAMPLES = 400
"""Of the bootstrap."""

USERS = 200
"""Who ask for what is not theirs take turns: one of them would be refused after 600 in a minute."""

WARM_UP = 300

SOME = 50
"""Answers, ids and tokens of a kind, which take turns."""

OWNER = PREFIX + "owner-of-the-answers-0123456789-0123456789"


@dataclass(frozen=True, slots=True)
class Kind:
    """What is asked for again and again.

    Attributes:
        name: In words.
        requests: One for each turn, made beforehand: making them would leave other things in the processor's caches.
    """

    name: str
    requests: Sequence[bytes]


class Wire:
    """One connection."""

    def __init__(self, address: Address) -> None:
        self._socket = socket.create_connection(address, timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[bytes, int]:
        """Return the whole answer, and the nanoseconds to its first byte."""
        began = time.perf_counter_ns()
        self._socket.sendall(request)
        got = self._socket.recv(65536)
        took = time.perf_counter_ns() - began
        while b"\r\n\r\n" not in got:
            got += self._socket.recv(65536)
        head, _, body = got.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        while len(body) < length:
            body += self._socket.recv(65536)
        return head + b"\r\n\r\n" + body, took


def get(path: str, token: str, address: str) -> bytes:
    """Return a request with *token*, by who says to be at *address*."""
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}"]
    return "\r\n".join([*lines, f"X-Forwarded-For: {address}", "", ""]).encode()


def sample(wire: Wire, kinds: Sequence[Kind], status: int) -> list[list[int]]:
    """Make all requests of all kinds; return the nanoseconds of each but the first ones.

    Raises:
        RuntimeError: an answer was not the refusal that was expected, or was not that of the others.
    """
    took: list[list[int]] = [[] for _ in kinds]
    said: set[bytes] = set()
    for turn in range(len(kinds[0].requests)):
        for index in random.sample(range(len(kinds)), len(kinds)):
            answer, ns = wire.ask(kinds[index].requests[turn])
            head, _, body = answer.partition(b"\r\n\r\n")
            if not head.startswith(f"HTTP/1.1 {status} ".encode()):
                msg = f"{kinds[index].name}: {head[:60]!r} {body[:200]!r}"
                raise RuntimeError(msg)
            said.add(body.partition(b',"request_id"')[0])
            if turn >= WARM_UP:
                took[index].append(ns)
    if len(said) > 1:
        msg = f"the answers differ: {said}"
        raise RuntimeError(msg)
    return took


# What is counted


def quantile(ordered: Sequence[int], share: float) -> float:
    """Return the value below which *share* of *ordered* lie."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def interval(one: Sequence[int], other: Sequence[int], share: float) -> tuple[float, float, float]:
    """Return how much the *share* quantile of *other* is above that of *one*, and the ends of its 95 % interval."""

    def drawn(values: Sequence[int]) -> float:
        return quantile(sorted(random.choices(values, k=len(values))), share)  # noqa: S311 - no secret

    differences = sorted(drawn(other) - drawn(one) for _ in range(RESAMPLES))
    low, high = differences[int(0.025 * RESAMPLES)], differences[int(0.975 * RESAMPLES)]
    return quantile(sorted(other), share) - quantile(sorted(one), share), low, high


def mann_whitney(one: Sequence[int], other: Sequence[int]) -> tuple[float, float]:
    """Return how often one of *other* is above one of *one*, ties as half, and the two-sided probability by chance."""
    ordered = sorted(one)
    above = sum(bisect_left(ordered, each) + bisect_right(ordered, each) for each in other) / 2
    pairs = len(one) * len(other)
    # Nanoseconds hardly ever tie, so the variance needs no correction for it.
    deviation = math.sqrt(pairs * (len(one) + len(other) + 1) / 12)
    return above / pairs, 2 * (1 - NormalDist().cdf(abs(above - pairs / 2) / deviation))


def tell(title: str, kinds: Sequence[Kind], took: Sequence[Sequence[int]]) -> None:
    """Print how the kinds differ from the first."""
    print(f"\n### {title}: {len(took[0]):,} of each\n")  # noqa: T201
    print("| | median µs | difference of medians µs | of the fastest hundredths µs | takes longer | p |")  # noqa: T201
    print("| --- | ---: | ---: | ---: | ---: | ---: |")  # noqa: T201
    for index, (kind, times) in enumerate(zip(kinds, took, strict=True)):
        cells = [kind.name, f"{quantile(sorted(times), 0.5) / 1000:.1f}"]
        if index:
            for share in (0.5, 0.01):
                difference, low, high = (each / 1000 for each in interval(took[0], times, share))
                cells.append(f"{difference:+.2f} ({low:+.2f} to {high:+.2f})")
            more, chance = mann_whitney(took[0], times)
            cells += [f"{more:.2%}", f"{chance:.2f}"]
        print(f"| {' | '.join(cells)} |")  # noqa: T201


# What is asked for


def ids(address: Address, askers: Sequence[str], turns: int) -> list[Kind]:
    """Return kinds of answers that are none of the asker's."""
    question = post("/api/chat", address, Case(1).body(), {"Authorization": f"Bearer {OWNER}"})

    def started() -> str:
        with socket.create_connection(address) as connection:
            connection.sendall(question)
            got = b""
            while b"[DONE]" not in got:
                piece = connection.recv(65536)
                if not piece:
                    msg = f"no answer could be started: {got[:300]!r}"
                    raise RuntimeError(msg)
                got += piece
        return got.lower().partition(b"location: /api/chat/")[2].partition(b"\r\n")[0].decode()

    theirs, purged = ([started() for _ in range(SOME)] for _ in range(2))
    wire = Wire(address)
    for each in purged:
        wire.ask(get(f"/api/chat/{each}?purge=true", OWNER, "10.0.0.1").replace(b"GET", b"DELETE", 1))

    def asking(name: str, among: Sequence[str]) -> Kind:
        requests = [
            get(f"/api/chat/{among[turn % len(among)]}", askers[turn % len(askers)], "10.0.0.1")
            for turn in range(turns)
        ]
        return Kind(name, requests)

    return [
        asking("ids that never were", [new_id(None) for _ in range(SOME)]),
        asking("other such ids", [new_id(None) for _ in range(SOME)]),
        asking("such ids, each once", [new_id(None) for _ in range(turns)]),
        asking("somebody else's answers", theirs),
        asking("somebody else's, purged", purged),
    ]


def tokens(turns: int) -> list[Kind]:
    """Return kinds of tokens that are nobody's."""

    def asking(name: str, among: Sequence[str]) -> Kind:
        # From another address each time: who shows many is made to wait.
        requests = [
            get("/api/models", among[turn % len(among)], f"10.0.{turn >> 8 & 255}.{turn & 255}")
            for turn in range(turns)
        ]
        return Kind(name, requests)

    def ending(right: int) -> list[str]:
        """Return tokens of which the first *right* characters are those of a token that is valid."""
        return [OWNER[:right] + secrets.token_hex(len(OWNER))[: len(OWNER) - right] for _ in range(SOME)]

    return [
        asking("wrong tokens", ending(len(PREFIX))),
        asking("other wrong tokens", ending(len(PREFIX))),
        asking("right in their first half", ending(len(OWNER) // 2)),
        asking("right but for their last letter", [OWNER[:-1] + each for each in "abcdefghijkl"]),
    ]


def main() -> int:
    """Run it and tell."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.timing", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--samples", type=int, default=10_000, help="of each kind")
    turns = WARM_UP + parser.parse_args().samples
    askers = [PREFIX + secrets.token_urlsafe(32) for _ in range(USERS)]
    with tempfile.TemporaryDirectory(prefix="timing-") as folder:
        file = Path(folder, "tokens")
        everybody = {"owner": OWNER} | {f"asker-{n}": token for n, token in enumerate(askers)}
        file.write_text(
            "".join(f"{name} {SCHEME}{digest(token).hex()}\n" for name, token in everybody.items())
        )
        environment = {"GATEWAY_AUTH": "token", "GATEWAY_TOKENS_FILE": str(file)}
        with fake_claude() as (upstream, _), run(OURS, upstream, extra=environment) as running:
            address = running.ready().address
            for title, kinds, status in (
                ("answers", ids(address, askers, turns), 404),
                ("tokens", tokens(turns), 401),
            ):
                tell(title, kinds, sample(Wire(address), kinds, status))
    return 0


if __name__ == "__main__":
    sys.exit(main())
