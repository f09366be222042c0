"""The simulator as a server: listen, hand each request to ``api``, keep records.

In a test::

    async with Simulator(SimulatorSettings(speed=0)) as simulator:
        client = anthropic.AsyncAnthropic(base_url=simulator.url, api_key="any")
        ...
        await simulator.requests[-1].over()
        assert simulator.requests[-1].aborted
"""

import asyncio
import sys
import time
from types import TracebackType
from typing import Self

from app.simulator.api import Claude
from app.simulator.connection import Connection
from app.simulator.records import RequestRecord, Requests
from app.simulator.settings import SimulatorSettings
from app.simulator.steps import Steps


class Simulator:
    """A Claude that needs no key; an async context manager that listens while it is entered.

    Attributes:
        requests: The latest requests with their bodies, oldest first.
        claude: What answers them; ``claude.settings`` may be replaced between requests.
    """

    def __init__(self, settings: SimulatorSettings | None = None) -> None:
        self.settings = settings or SimulatorSettings()
        self.requests = Requests(self.settings.keep_requests)
        self.claude = Claude(self.settings)
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._accepted = 0

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._server is None:
            raise RuntimeError("the simulator does not listen yet: use `async with` or `await start()`")
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """The base URL for a client, without a slash at its end."""
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        return f"http://{host}:{self.port}"

    @property
    def accepted_connections(self) -> int:
        """How many connections there were in all; tells whether a client reuses them."""
        return self._accepted

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address cannot be had.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._connection, self.settings.host, self.settings.port, backlog=2048
        )

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        await asyncio.gather(*(connection.stop() for connection in tuple(self._connections)))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _connection(self) -> Connection:
        self._accepted += 1
        return Connection(
            self._respond,
            self._refuse,
            self._finished,
            self._connections,
            max_body_bytes=self.settings.max_body_bytes,
        )

    def _respond(self, record: RequestRecord) -> Steps:
        self.requests.add(record)
        return self.claude.respond(
            record.method, record.path, record.query, record.headers, record.body, time.time()
        )

    def _refuse(self, status: int) -> Steps:
        return self.claude.refuse(status, time.time())

    def _finished(self, record: RequestRecord) -> None:
        if self.settings.access_log:
            seconds = (record.ended or record.started) - record.started
            left = " client left" if record.aborted else ""
            # the path is the client's: repr keeps control characters out of the log
            line = (
                f"{record.method} {record.path!r} {record.status} {record.sends} writes {seconds:.3f} s{left}"
            )
            print(line, file=sys.stderr, flush=True)  # noqa: T201 the access log is this program's output
