"""The process: listen, serve, drain on the first signal, end all answers on the second, wait for nobody on the third."""

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from app.hub import Hub
from app.listener import listen, spelt
from app.main import create_app
from app.settings import Settings
from app.web.upgraded import WebSocket
from app.web.wire import Http1

logger = logging.getLogger(__name__)

SAME_SIGNAL_S = 0.2
"""Within this a signal is not a second one: started by ``uv run``, a process whose group gets a signal gets it
twice, from the kernel and passed on by uv."""

FAREWELL_S = 2
"""How long readers have, after the drain, to be sent the end of their stream."""


class Server(uvicorn.Server):
    """uvicorn, but a SIGTERM lets open streams, and reconnects to them, end first.

    uvicorn closes its listener at the first signal, so that a reader who is cut during the drain could not
    come back. Here the listener stays open until the drain is over.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI, settings: Settings) -> None:
        super().__init__(config)
        self._app = app
        self._drain_s = settings.drain_timeout
        self._draining: asyncio.Task[None] | None = None
        self._signalled = 0.0
        self._hurried = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain at the first signal, cut the drain short at the second, end at once at the third."""
        now = time.monotonic()
        if not self.started:
            self.should_exit = True
        elif self._draining is None:
            # Kept from uvicorn's own list of signals, which it would raise again in the end: a drain is a success.
            self._signalled = now
            self._draining = asyncio.get_running_loop().create_task(self._drain(signal.Signals(sig).name))
        elif now - self._signalled <= SAME_SIGNAL_S:
            pass
        elif not self._hurried:
            self._signalled, self._hurried = now, True
            logger.warning("second signal: ending all answers")
        else:
            logger.warning("third signal: ending at once")
            logging.shutdown()
            os._exit(128 + sig)

    async def _drain(self, name: str) -> None:
        hub: Hub = self._app.state.gateway.hub
        logger.info("%s: draining %d answers, at most %g s", name, hub.count(), self._drain_s)
        hub.draining = True
        await self._quiet(hub.awaited, self._drain_s, lambda: self._hurried)
        hub.interrupt()
        if not await self._quiet(hub.count, FAREWELL_S):
            for connection in filter(_busy, self.server_state.connections):
                connection.transport.abort()
        self.should_exit = True

    async def _quiet(
        self, left: Callable[[], int], longest_s: float, hurried: Callable[[], bool] = lambda: False
    ) -> bool:
        """Wait until no generation is *left* and all is sent, or *hurried* says so; return False if the time was over before."""
        try:
            async with asyncio.timeout(longest_s):
                # uvicorn tells nobody when a connection has nothing more to do.
                while not hurried() and (left() or any(map(_busy, self.server_state.connections))):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        except TimeoutError:
            return False
        return True


def _busy(connection: Any) -> bool:
    """Say whether a request is being answered, or what was answered is still to be sent."""
    if not isinstance(connection, Http1):
        return True  # a WebSocket; it closes when its answer has ended
    answering = connection.cycle is not None and not connection.cycle.response_complete
    return answering or connection.transport.get_write_buffer_size() > 0


def build(settings: Settings, base_url: str | None) -> tuple[Server, socket.socket]:
    """Return the server and the socket it is to serve.

    Raises:
        CannotListen: the address cannot be listened on.
    """
    listener = listen(settings.host, settings.port)
    app = create_app(settings, base_url)
    config = uvicorn.Config(
        app,
        http=Http1,
        ws=WebSocket,
        ws_max_size=settings.max_body_bytes,
        ws_ping_interval=settings.ping_interval,
        ws_ping_timeout=settings.send_timeout,
        ws_per_message_deflate=False,  # it would hold back what should arrive at once
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the edge decides whom to believe
        timeout_graceful_shutdown=FAREWELL_S,
        timeout_keep_alive=75,  # above nginx's 60, so that nginx closes first and never meets a closing socket
    )
    return Server(config, app, settings), listener


def serve(settings: Settings, base_url: str | None) -> int:
    """Serve until a signal; return the exit code.

    Raises:
        CannotListen: the address cannot be listened on.
    """
    server, listener = build(settings, base_url)
    logger.info("listening on http://%s", spelt(*listener.getsockname()[:2]))
    server.run(sockets=[listener])
    return 0 if server.started else 1
