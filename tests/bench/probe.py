"""Feels for stalls of a target's event loop: asks where it says that it lives, again and again, from its own process.

``python -m tests.bench.probe PORT PATH`` runs until its standard input ends, then writes a JSON list of
``[time.monotonic, milliseconds, overslept milliseconds]``. The last number is how late the probe itself was woken:
where the machine is busy, that much of a latency is not the target's.
"""

import json
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.load import Address
from tests.bench.targets import ROOT

EVERY_S = 0.005


@contextmanager
def probing(address: Address, path: str) -> Iterator[list[tuple[float, float, float]]]:
    """Probe while the context is open; afterwards the list that was yielded is full."""
    found: list[tuple[float, float, float]] = []
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.probe", str(address[1]), path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout
    try:
        process.stdout.readline()  # it is ready
        yield found
        said, _ = process.communicate(timeout=10)
        found += map(tuple, json.loads(said))
    finally:
        process.kill()
        process.wait()


def worst_ms(found: list[tuple[float, float, float]], since: float, until: float) -> tuple[float, float]:
    """Return the longest latency of probes sent between the two, and how long that probe had overslept."""
    return max(
        ((took, slept) for at, took, slept in found if since - EVERY_S <= at <= until), default=(0.0, 0.0)
    )


def _probe(port: int, path: str) -> list[tuple[float, float, float]]:
    found: list[tuple[float, float, float]] = []
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as connection,
        selectors.DefaultSelector() as ends,
    ):
        ends.register(sys.stdin, selectors.EVENT_READ)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        due = time.monotonic()
        while not ends.select(max(0.0, due - time.monotonic())):
            at = time.monotonic()
            connection.sendall(request)
            _whole_answer(connection)
            found.append((at, (time.monotonic() - at) * 1000, max(0.0, at - due) * 1000))
            due = max(due, at) + EVERY_S
    return found


def _whole_answer(connection: socket.socket) -> None:
    said = b""
    while True:
        said += (more := connection.recv(65536))
        head, blank, body = said.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0].strip()
        if not more or (blank and len(body) >= int(length or 0)):
            return


if __name__ == "__main__":
    json.dump(_probe(int(sys.argv[1]), sys.argv[2]), sys.stdout)
