"""``uv run python -m tests.bench.fuzz``: malformed requests against a live gateway, from a seed.

Every answer must be a refusal in one shape or a proper success; never a 5xx of a bug, a stack trace or silence. In the end
the gateway must answer a good question, with as many descriptors open and as much memory in use as after the
first tenth, and with nothing in its log that it should not say. The exit code is 1 if anything of this fails.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from tests.bench import kernel
from tests.bench.malformed import Malformed, malformed
from tests.bench.verdict import Answered, verdict
from tests.reading import Client
from tests.running import KEY, Program, program

ANSWER_S = 20
"""How long a whole request may go unanswered. Much longer than any takes, on any machine."""

AT_ONCE = 16
READ_BYTES = 64 * 1024
MAX_GROWTH_BYTES = 16 * 2**20
"""What memory may grow by between the first tenth of a run and its end, 90,000 requests: what the allocator keeps of bodies of
100 kB that came at the same moment. A leak of 200 bytes a request is more."""

ENVIRONMENT = {
    "GATEWAY_ORPHAN_GRACE": "0",
    "GATEWAY_RETENTION": "1",
    "GATEWAY_MAX_STREAMS_PER_CLIENT": "1000",
    "GATEWAY_MAX_BODY_BYTES": "200000",
    "GATEWAY_TOOLS": "app.tools.examples",
}
TROUBLE = ("Traceback", "never retrieved", "was destroyed", "ASGI", KEY, "MALFORMED-CANARY")
"""What no log line may hold; the last stands in the text of messages."""


@dataclass
class Findings:
    """What a run showed.

    Attributes:
        answers: How often each status came; 0 for a connection that was closed without an answer.
        kinds: How many requests of each kind were sent.
        wrong: What must not be, in words.
        rss: Resident memory of the gateway's own process at each tenth, in bytes.
    """

    answers: Counter[int] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    rss: list[int] = field(default_factory=list)


async def send(host: str, port: int, request: Malformed) -> Answered | None:
    """Send one request on a connection of its own; return what came back, None if it is not waited for."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        with suppress(ConnectionError):
            for piece in request.pieces:
                writer.write(piece)
                await writer.drain()
        if not request.whole:
            return None
        read = b""
        # Once it is clear what the answer is, a stream is not waited for: leaving is one more thing to bear.
        with suppress(ConnectionError):
            async with asyncio.timeout(ANSWER_S):
                while not Answered(read).complete and (piece := await reader.read(READ_BYTES)):
                    read += piece
        return Answered(read)
    finally:
        writer.transport.abort()


async def lane(host: str, port: int, seeds: range, seed: int, findings: Findings) -> None:
    """Send the requests number *seeds* of the run *seed*, one after the other."""
    for number in seeds:
        request = malformed(random.Random(f"{seed}-{number}"))  # noqa: S311 - no secret
        findings.kinds[request.kind] += 1
        try:
            answer = await send(host, port, request)
        except TimeoutError:
            findings.wrong.append(f"{number}: {request.kind}: no answer within {ANSWER_S} s")
            continue
        if answer is not None:
            findings.answers[answer.status] += 1
            findings.wrong += [f"{number}: {request.kind}: {each}" for each in verdict(answer)]


async def attack(running: Program, count: int, seed: int) -> Findings:
    """Send *count* requests to *running*, and look at it afterwards."""
    findings, client = Findings(), Client(running.url)
    pid = running.process.pid
    tenth = -(-count // 10)
    descriptors: list[int] = []
    for begin in range(0, count, tenth):
        end = min(begin + tenth, count)
        lanes = (
            lane(client.host, client.port, range(first, end, AT_ONCE), seed, findings)
            for first in range(begin, min(begin + AT_ONCE, end))
        )
        await asyncio.gather(*lanes)
        health = await client.request("GET", "/healthz")
        if health.status != 200:
            findings.wrong.append(f"after {end}: /healthz answers {health.status}")
        findings.rss.append(kernel.rss_bytes([pid]))
        descriptors.append(len([*(kernel.PROC / str(pid) / "fd").iterdir()]))
    stream = await (await client.stream({"prompt": "[[speed max]] Are you still there?"})).rest()
    if stream.done != 1 or stream.terminal["type"] != "done":
        findings.wrong.append("a good question is not answered any more")
    if descriptors[-1] > descriptors[0] + 2 * AT_ONCE:
        findings.wrong.append(f"descriptors stay open: {descriptors}")
    for each in TROUBLE:
        before, found, after = running.text().partition(each)
        if found:
            findings.wrong.append(f"the log has {each!r}: {before[-300:]}{each}{after[:3000]}")
    return findings


def main() -> int:
    """Run it and tell."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.fuzz", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="printed")  # noqa: S311
    given = parser.parse_args()
    began = time.monotonic()
    with program(**ENVIRONMENT) as running:
        findings = asyncio.run(attack(running, given.requests, given.seed))
    if findings.rss[-1] - findings.rss[0] > MAX_GROWTH_BYTES:
        findings.wrong.append("memory grew")
    print(f"{given.requests:,} requests, seed {given.seed}, {time.monotonic() - began:.0f} s")  # noqa: T201
    print("kinds:  ", dict(findings.kinds.most_common()))  # noqa: T201
    print("answers:", dict(sorted(findings.answers.items())), "(0: closed without one)")  # noqa: T201
    print("MiB at each tenth:", " ".join(f"{each / 2**20:.1f}" for each in findings.rss))  # noqa: T201
    print("\n".join(findings.wrong[:50]) or "nothing wrong")  # noqa: T201
    return 1 if findings.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
