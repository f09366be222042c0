"""A program that speaks MCP on its standard input and output: its process, its lines, its end.

The SDK's own transport is not used, since it keeps a line whatever its length, logs what it cannot read word
by word, and cannot say why a program ended. This one is spoken to by the SDK's client all the same.

Rules: what the program prints is read to the end whatever happens, so that it never waits for us; nothing it
prints raises here; and when the context is left, the process and all it has started are gone.
"""

import asyncio
import contextlib
import logging
import os
import re
import signal
import time
from asyncio.subprocess import PIPE, Process, SubprocessStreamProtocol
from collections.abc import Callable
from types import TracebackType

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp_types import INTERNAL_ERROR, ErrorData, JSONRPCError, JSONRPCMessage, jsonrpc_message_adapter

from app.tools.mcp_servers.config import ServerConfig
from app.tools.mcp_servers.lines import Line, Lines

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""Of one message. A result that may be passed on has at most a sixteenth of it."""

MAX_DROPPED_BYTES = 256 * 1024 * 1024
"""Of one line that does not end; then its program is ended."""

ENDS_BYTES = 512
"""What is kept of either end of a longer message: its id is in one of them."""

MAX_GARBAGE_LINES = 100
"""On standard output, one after the other; then the program is ended."""

CHUNK_BYTES = 64 * 1024
WAITING_MESSAGES = 64
"""To a program that does not read, before calls wait for it."""

GRACE_S = 1.0
"""How long it has to end when its input ends, and again when it is asked to by a signal."""

MAX_LOG_LINES, LOG_WINDOW_S = 100, 60
"""Lines of its standard error in the log, per so many seconds."""

MAX_LOG_LINE_BYTES = 1000

ID_AT_AN_END = re.compile(
    rb'\A\s*\{\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(\d{1,15})\b'
    rb'|[,{]\s*"id"\s*:\s*(\d{1,15})\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*\Z'
)

ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

Incoming = SessionMessage | Exception


class Program:
    """One run of a program: a transport for the SDK's client.

    Attributes:
        ended: It says nothing more: it has ended, or closed its output.
    """

    def __init__(self, config: ServerConfig, ring: Callable[[], None]) -> None:
        """Prepare a run; *ring* is called when it has ended."""
        self._config = config
        self._ring = ring
        self._tasks: list[asyncio.Task[None]] = []
        self._stderr = ""
        self._why = ""
        self._complained = False
        self.ended = False

    def why(self) -> str:
        """Return why it ended, once the context has been left; empty if it did not end by itself."""
        if not self._why:
            return ""
        return f"{self._why}; the last it said: {self._stderr}" if self._stderr else self._why

    async def __aenter__(
        self,
    ) -> tuple[MemoryObjectReceiveStream[Incoming], MemoryObjectSendStream[SessionMessage]]:
        """Start it.

        Raises:
            OSError: it cannot be started.
        """
        config, loop = self._config, asyncio.get_running_loop()
        self._transport, protocol = await loop.subprocess_exec(
            lambda: SubprocessStreamProtocol(limit=CHUNK_BYTES, loop=loop),
            str(config.command),
            *config.args,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=config.cwd,
            # Not the gateway's own variables, where its keys are.
            env=get_default_environment() | config.env,
            # A Ctrl-C is for the gateway, which may still need it; and what it starts can be ended with it.
            start_new_session=True,
        )
        self._process = Process(self._transport, protocol, loop)
        incoming, read = anyio.create_memory_object_stream[Incoming](0)
        write, outgoing = anyio.create_memory_object_stream[SessionMessage](WAITING_MESSAGES)
        self._streams = (incoming, read, write, outgoing)
        jobs = (self._write(outgoing), self._read(incoming), self._log())
        self._tasks = [loop.create_task(job) for job in jobs]
        return read, write

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it: close its input, then a signal, then one that it cannot refuse."""
        by_itself = self.ended
        try:
            await self._end()
        finally:
            self._kill(signal.SIGKILL)  # what it started and left behind
            await asyncio.wait(self._tasks[1:], timeout=GRACE_S)  # for its last words
            self._transport.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for stream in self._streams:
                stream.close()
        if by_itself and not self._why:
            self._why = _how(self._process.returncode)

    async def _end(self) -> None:
        assert self._process.stdin  # noqa: S101 - asked for above
        self._process.stdin.close()
        for number in (signal.SIGTERM, signal.SIGKILL, None):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GRACE_S):
                    await self._process.wait()
                return
            if number:
                self._kill(number)
        logger.warning("the MCP server %s does not end", self._config.name)

    def _kill(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    # What goes in

    async def _write(self, outgoing: MemoryObjectReceiveStream[SessionMessage]) -> None:
        stdin = self._process.stdin
        assert stdin  # noqa: S101 - asked for above
        with contextlib.suppress(ConnectionError):  # then it has ended, which its output tells
            async for each in outgoing:
                stdin.write(each.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
                await stdin.drain()

    # What comes out

    async def _read(self, incoming: MemoryObjectSendStream[Incoming]) -> None:
        stdout = self._process.stdout
        assert stdout  # noqa: S101 - asked for above
        try:
            await self._pass_on(stdout, incoming)
        finally:
            incoming.close()
            self.ended = True
            self._ring()
        while await stdout.read(CHUNK_BYTES):  # noqa: ASYNC110 - to the end, so that it can end
            await asyncio.sleep(0)

    async def _pass_on(
        self, stdout: asyncio.StreamReader, incoming: MemoryObjectSendStream[Incoming]
    ) -> None:
        lines = Lines(MAX_MESSAGE_BYTES, ENDS_BYTES)
        garbage = 0
        while chunk := await stdout.read(CHUNK_BYTES):
            for line in lines.feed(chunk):
                if message := _message(line):
                    garbage = 0
                    # It is read on when nobody listens any more.
                    with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                        await incoming.send(SessionMessage(message))
                elif line.data.strip():
                    garbage += 1
                    self._complain(line)
            if garbage > MAX_GARBAGE_LINES or lines.dropped > MAX_DROPPED_BYTES:
                self._why = "it prints what is no JSON-RPC on its standard output"
                return
            await asyncio.sleep(0)  # much of it must not hold up the others

    def _complain(self, line: Line) -> None:
        if not self._complained:
            self._complained = True
            logger.warning(
                "the MCP server %s prints what is no JSON-RPC on its standard output: %s",
                self._config.name,
                _shown(line)[:200],
            )

    async def _log(self) -> None:
        assert self._process.stderr  # noqa: S101 - asked for above
        lines = Lines(MAX_LOG_LINE_BYTES, MAX_LOG_LINE_BYTES // 2)
        began, logged = time.monotonic(), 0
        while True:
            chunk = await self._process.stderr.read(CHUNK_BYTES)
            for line in lines.feed(chunk) if chunk else lines.flush():
                text = _shown(line)
                if not text:
                    continue
                self._stderr = text[:200]
                if time.monotonic() - began > LOG_WINDOW_S:
                    if logged > MAX_LOG_LINES:
                        logger.info("%s: %d lines were left out", self._config.name, logged - MAX_LOG_LINES)
                    began, logged = time.monotonic(), 0
                logged += 1
                if logged <= MAX_LOG_LINES:
                    logger.info("%s: %s", self._config.name, text)
            if not chunk:
                return
            await asyncio.sleep(0)


def _message(line: Line) -> JSONRPCMessage | None:
    if line.dropped:
        found = ID_AT_AN_END.search(line.data)
        if not found:
            return None
        size = len(line.data) + line.dropped
        said = f"the answer has {size:,} bytes, more than the {MAX_MESSAGE_BYTES:,} that are read"
        return JSONRPCError(
            jsonrpc="2.0",
            id=int(found[1] or found[2]),
            error=ErrorData(code=INTERNAL_ERROR, message=said),
        )
    try:
        return jsonrpc_message_adapter.validate_json(line.data, by_name=False)
    except ValueError:
        return None


def _shown(line: Line) -> str:
    text = ANSI.sub("", line.data.decode(errors="replace")).strip()
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _how(code: int | None) -> str:
    if code is None:
        return "it closed its output"
    if code < 0:
        return f"it was ended by {signal.Signals(-code).name}"
    return f"it ended with exit code {code}"
