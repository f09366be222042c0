"""``uv run python -m tests.bench.flood``: slow clients through the real nginx, and what others feel of them.

A third of the sockets sends the head of a request a byte a second, a third the body, a third reads an answer so; who is cut
comes back at once. Meanwhile somebody else asks, again and again. Calm and flood take turns; printed is the
other's time to first token, as a ratio to the calm before. No timing is a failure, a wrong answer is.
"""

import argparse
import asyncio
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import median, quantiles

from tests.bench import kernel
from tests.bench.answers import Case
from tests.bench.load import Address, Start, play, post
from tests.bench.reading import read
from tests.bench.targets import OURS, fake_claude, run
from tests.nginx import Nginx

SOURCES = 10
"""From so many addresses they come: from one, nginx would let in a hundred."""

SLOWLY_S = 1.0
PAUSE_S = 0.02
ANSWER = Case(20)
LONG_ANSWER = Case(400, ms=20)
ENVIRONMENT = {"GATEWAY_ALLOW_ANONYMOUS": "true", "GATEWAY_RETENTION": "30", "GATEWAY_ORPHAN_GRACE": "0"}

Slow = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]


async def slow_head(_: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    """Send a request from its first byte on."""
    await _trickle(writer, request)


async def slow_body(_: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    """Send the head of a request at once, then its body."""
    head, end, body = request.partition(b"\r\n\r\n")
    writer.write(head + end)
    await _trickle(writer, body)


async def slow_reader(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    """Send a request at once and read its answer."""
    writer.write(request)
    while await reader.read(1):  # noqa: ASYNC110 - a byte a second is the point
        await asyncio.sleep(SLOWLY_S)


KINDS: tuple[Slow, ...] = (slow_head, slow_body, slow_reader)


async def _trickle(writer: asyncio.StreamWriter, what: bytes) -> None:
    for at in range(len(what)):
        writer.write(what[at : at + 1])
        await writer.drain()
        await asyncio.sleep(SLOWLY_S)


async def nuisance(number: int, address: Address, opened: asyncio.Semaphore) -> None:
    """Be one slow client, for ever. *opened* is released when it is connected first."""
    kind, source = KINDS[number % len(KINDS)], f"127.0.1.{1 + number % SOURCES}"
    request = post("/api/chat", address, LONG_ANSWER.other(number).body())
    while True:
        writer: asyncio.StreamWriter | None = None
        with suppress(OSError):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.setblocking(False)
            connection.bind((source, 0))
            await asyncio.get_running_loop().sock_connect(connection, address)
            reader, writer = await asyncio.open_connection(sock=connection, limit=1024)
            opened.release()
            await kind(reader, writer, request)
        if writer:
            writer.transport.abort()
        await asyncio.sleep(SLOWLY_S)


@asynccontextmanager
async def flood(sockets: int, address: Address) -> AsyncIterator[None]:
    """Have *sockets* slow clients."""
    opened = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(nuisance(number, address, opened)) for number in range(sockets)]
    try:
        for _ in tasks:
            await opened.acquire()
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def others(address: Address, asks: int) -> list[float]:
    """Ask so often, one after the other; return the milliseconds to the first token of each.

    Raises:
        RuntimeError: an answer was wrong.
    """
    waited = []
    for number in range(asks):
        case = ANSWER.other(number)
        [reader] = await play(address, [Start(post("/api/chat", address, case.body()))], 30)
        answer = read(reader, OURS.dialect)
        if not answer.is_right(case, OURS.dialect):
            msg = f"a wrong answer: {b''.join(data for _, data in reader.reads)[:300]!r}"
            raise RuntimeError(msg)
        waited.append((answer.pieces[0][0] - reader.sent_at) * 1000)
        await asyncio.sleep(PAUSE_S)
    return waited


async def trial(sockets: int, asks: int, rounds: int, gateway: Address) -> None:
    """Take turns, and print a line for each."""
    changes = {"rate=10r/s": "rate=100000r/s"}  # the one who asks asks more often than anybody
    with tempfile.TemporaryDirectory(prefix="flood-") as folder:
        async with Nginx(Path(folder), gateway, changes=changes, processes="auto") as nginx:
            address = ("127.0.0.1", nginx.port)
            await others(address, 20)
            ratios = []
            for _ in range(rounds):
                calm = await others(address, asks)
                async with flood(sockets, address):
                    rough = await others(address, asks)
                ratios.append(median(rough) / median(calm))
                print(f"calm {_times(calm)}   {sockets} slow clients {_times(rough)}   {ratios[-1]:.2f}×")  # noqa: T201
            print(f"median of the medians: {median(ratios):.2f}×")  # noqa: T201


def _times(waited: list[float]) -> str:
    return f"p50 {median(waited):.1f} ms, p95 {quantiles(waited, n=20)[-1]:.1f} ms"


def main() -> int:
    """Run it and tell."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.flood", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--sockets", type=int, default=500)
    parser.add_argument("--asks", type=int, default=200, help="in each turn")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    kernel.raise_file_limit()
    with fake_claude() as (upstream, _), run(OURS, upstream, extra=ENVIRONMENT) as running:
        asyncio.run(trial(given.sockets, given.asks, given.rounds, running.ready().address))
    return 0


if __name__ == "__main__":
    sys.exit(main())
