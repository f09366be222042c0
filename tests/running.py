"""The gateway, in the test's own loop over real HTTP, or as the program that a user starts."""

import asyncio
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.hub import Hub
from app.server import Server, build
from app.settings import Settings
from tests.reading import Client

KEY = "sk-ant-canary-0123456789abcdef"
"""No answer, log line or page may hold it."""

START_S = 30


@dataclass
class Gateway(Client):
    """A gateway that serves, and a client of it."""

    url: str
    server: Server

    def __post_init__(self) -> None:
        super().__init__(self.url)

    @property
    def hub(self) -> Hub:
        hub: Hub = self.server._app.state.gateway.hub
        return hub


@asynccontextmanager
async def serving(base_url: str | None, **settings: Any) -> AsyncIterator[Gateway]:
    """Run a gateway in this loop, over real HTTP, in front of *base_url*."""
    sources = {"_env_file": None, "ANTHROPIC_API_KEY": KEY, "base_url": base_url, "port": 0}
    given = Settings(**{**sources, **settings})
    server, listener = build(given, base_url)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    gateway = Gateway(f"http://127.0.0.1:{listener.getsockname()[1]}", server)
    await gateway.request(
        "GET", "/healthz"
    )  # the listener is open already; this waits for the server behind it
    try:
        yield gateway
    finally:
        server.should_exit = True
        await task


@dataclass
class Program:
    """``claude-gateway`` as a user starts it."""

    process: subprocess.Popen[bytes]
    log: Path
    url: str = ""

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def signal(self, number: signal.Signals, *, group: bool = False) -> None:
        if group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)


@contextmanager
def program(tmp_path: Path, *args: str, **environment: str) -> Iterator[Program]:
    """Start ``claude-gateway`` on a free port and wait until it says where it listens."""
    log = tmp_path / "gateway.log"
    fifo = tmp_path / "gateway.fifo"
    os.mkfifo(fifo)
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["sh", "-c", 'exec "$@" 2>"$FIFO"', "sh", sys.executable, "-m", "app", "--port", "0", *args],
            env={**os.environ, "FIFO": str(fifo), **environment},
            cwd=Path(__file__).parent.parent,
            stdout=out,
            start_new_session=True,
        )
    running = Program(process, log)
    tee = subprocess.Popen(["tee", "-a", str(log)], stdin=fifo.open("rb"), stdout=subprocess.PIPE)
    try:
        assert tee.stdout
        running.url = _address(tee.stdout.fileno())
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        tee.kill()
        tee.wait()


def _address(descriptor: int) -> str:
    said = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while b"listening on http://" not in said or not said.endswith(b"\n"):
            assert selector.select(START_S), f"the gateway did not come up: {said.decode()}"
            piece = os.read(descriptor, 4096)
            assert piece, f"the gateway ended: {said.decode()}"
            said += piece
    line = next(line for line in said.decode().splitlines() if "listening on" in line)
    return line.rpartition(" ")[2]
