"""The gateway, in the test's own loop over real HTTP, or as the program that a user starts."""

import asyncio
import os
import re
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.gateway import Gateway as Parts
from app.hub import Hub
from app.server import Server, build
from app.settings import Settings
from tests.reading import Client

KEY = "sk-ant-canary-0123456789abcdef"
"""No answer, log line or page may hold it."""

UNLIMITED = {"rate_limit": "1000000/minute"}
"""Tests are a crowd on one address."""

START_S = 50
"""Only what hangs takes so long, also where ten other things run."""


@dataclass
class Gateway(Client):
    """A gateway that serves, and a client of it."""

    url: str
    server: Server

    def __post_init__(self) -> None:
        super().__init__(self.url)

    @property
    def parts(self) -> Parts:
        """What its routes work with."""
        parts: Parts = self.server._app.state.gateway
        return parts

    @property
    def hub(self) -> Hub:
        return self.parts.hub


@asynccontextmanager
async def serving(base_url: str | None, **settings: Any) -> AsyncIterator[Gateway]:
    """Run a gateway in this loop, over real HTTP, in front of *base_url*."""
    sources = {"_env_file": None, "ANTHROPIC_API_KEY": KEY, "base_url": base_url, "port": 0, **UNLIMITED}
    given = Settings(**{**sources, **settings})
    server, listener = build(given, base_url)
    # What uvicorn's own ``serve`` does, without its signals and its waits of a tenth of a second.
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup(sockets=[listener])
    await server.on_tick(0)
    try:
        yield Gateway(f"http://127.0.0.1:{listener.getsockname()[1]}", server)
    finally:
        for each in server.servers:
            each.close()
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        if server.server_state.tasks:
            await asyncio.wait(server.server_state.tasks, timeout=10)
        await server.lifespan.shutdown()


@dataclass
class Program:
    """``claude-gateway`` as a user starts it.

    Attributes:
        url: Where it listens.
    """

    process: subprocess.Popen[bytes]
    url: str = ""
    _log: list[bytes] = field(default_factory=list)
    _reading: threading.Thread | None = None

    def text(self) -> str:
        """Return what it has logged: all of it, once it has ended."""
        if self.process.poll() is not None and self._reading:
            self._reading.join()
        return b"".join(self._log).decode(errors="replace")

    def signal(self, number: signal.Signals, *, group: bool = False) -> None:
        if group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def until_listening(self) -> None:
        assert self.process.stderr
        descriptor = self.process.stderr.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while not (found := re.search(rb"listening on (http://\S+)\n", b"".join(self._log))):
                assert selector.select(START_S), f"the gateway did not come up: {self.text()}"
                piece = os.read(descriptor, 4096)
                assert piece, f"the gateway ended: {self.text()}"
                self._log.append(piece)
        self.url = found[1].decode()
        self._reading = threading.Thread(target=self._read, args=(descriptor,))
        self._reading.start()

    def _read(self, descriptor: int) -> None:
        while piece := os.read(descriptor, 4096):
            self._log.append(piece)


def run(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run(
        [sys.executable, "-m", "app", *args],
        env={**os.environ, "GATEWAY_PORT": "0", **environment},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        timeout=2 * START_S,
        check=False,
    )


@contextmanager
def program(*args: str, **environment: str) -> Iterator[Program]:
    """Start ``claude-gateway`` on a free port and wait until it says where it listens."""
    with subprocess.Popen(
        [sys.executable, "-m", "app", "--port", "0", *args],
        env={**os.environ, "GATEWAY_RATE_LIMIT": UNLIMITED["rate_limit"], **environment},
        cwd=Path(__file__).parent.parent,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        running = Program(process)
        try:
            running.until_listening()
            yield running
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
            process.wait()
            running.text()
