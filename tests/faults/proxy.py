"""A TCP proxy that breaks what it carries: for either side of the gateway, and for nginx.

    client ──up──▶ FaultProxy ──up──▶ target
           ◀─down─            ◀─down─

Without a fault it is transparent: bytes, half-closed connections and resets pass from one side to the other.
Faults are set at run time, per direction, and hold for the connections that are open and for those to come::

    async with FaultProxy("127.0.0.1", port) as proxy:
        proxy.down.cut("reset", after=1000, times=1)    # the next answer breaks after exactly 1,000 bytes
        proxy.up.stall()                                # nothing more arrives at the target, nobody is told
        proxy.down.slice_bytes = 1                      # every byte travels alone
        proxy.down.bytes_per_second = 1024
        await proxy.refuse()                            # new connections are refused by the kernel
        proxy.heal()                                    # all of it is over
        await proxy.until(lambda: proxy.open == 0)      # wait for what happened, not for the clock

It holds at most 64 KiB of each direction of a connection, and whatever it started has ended when its block is left.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Literal, Self

CHUNK_BYTES = 64 * 1024
"""As much as is read at once, and so as much as waits in a direction that stalls."""

TICK_SECONDS = 0.02
"""How often a slow direction sends."""

End = Literal["reset", "close"]
"""How a connection ends: with RST (whatever is under way is lost) or with FIN (what was sent arrives)."""

Cut = Literal["reset", "close", "stall"]


class Direction:
    """One direction of all connections: what is wrong with it, and what passed.

    Attributes:
        bytes: Bytes passed on, over all connections.
        sends: In how many pieces; a slow reader may still get several at once.
        cuts: Cuts and stalls that were carried out.
        slice_bytes: The most bytes that are sent at once; None for as many as came.
        bytes_per_second: The pace of each connection; None for as fast as possible.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self.bytes = 0
        self.sends = 0
        self.cuts = 0
        self.slice_bytes: int | None = None
        self.bytes_per_second: float | None = None
        self._changed = changed
        self._flows: set[_Flow] = set()
        self._cut: Cut | None = None
        self._after = 0
        self._times: int | None = None

    def cut(self, how: Cut, *, after: int = 0, times: int | None = None) -> None:
        """Break every connection, or the first *times* of them, once *after* more bytes have passed this way.

        The bytes are counted from now on where a connection is open, else from its start. With 0 an open
        connection breaks at once, and a new one before its first byte. Both sides see the break.
        """
        self._cut, self._after, self._times = how, after, times
        for flow in tuple(self._flows):
            flow.left = after
            if not after:
                self._carry_out(flow)

    def stall(self, *, after: int = 0, times: int | None = None) -> None:
        """Pass nothing on any more, and read nothing any more, without a word to either side."""
        self.cut("stall", after=after, times=times)

    def heal(self) -> None:
        """Forget every fault of this direction; what stalled goes on, nothing of it lost."""
        self._cut, self._times = None, None
        self.slice_bytes, self.bytes_per_second = None, None
        for flow in self._flows:
            flow.left = None
            if not flow.connection.ended:
                flow.flowing.set()

    def _enter(self, flow: "_Flow") -> None:
        self._flows.add(flow)
        if self._cut:
            flow.left = self._after

    def _leave(self, flow: "_Flow") -> None:
        self._flows.discard(flow)

    def _passed(self, flow: "_Flow", count: int) -> None:
        self.bytes += count
        self.sends += 1
        if flow.left is not None:
            flow.left = max(0, flow.left - count)
        self._changed()

    def _carry_out(self, flow: "_Flow") -> None:
        flow.left = None
        how = self._cut
        if how is None:
            return
        if self._times is not None:
            self._times -= 1
            if self._times <= 0:
                self._cut, self._times = None, None
                for other in self._flows:
                    other.left = None
        self.cuts += 1
        flow.flowing.clear()
        if how != "stall":
            flow.connection.end(how)
        self._changed()


class _Flow:
    """One direction of one connection.

    Attributes:
        left: Bytes that may still pass before the cut; None where there is none to come.
        flowing: Clear while this direction stalls.
    """

    def __init__(
        self, connection: "_Connection", direction: Direction, source: socket.socket, sink: socket.socket
    ) -> None:
        self.connection = connection
        self.left: int | None = None
        self.flowing = asyncio.Event()
        self.flowing.set()
        self._direction = direction
        self._source = source
        self._sink = sink

    async def pump(self) -> None:
        """Carry bytes until this side says that there are no more."""
        direction = self._direction
        direction._enter(self)
        try:
            while True:
                if self.left == 0:
                    direction._carry_out(self)
                await self._until_flowing()
                data = await asyncio.get_running_loop().sock_recv(self._source, CHUNK_BYTES)
                if not data:
                    # In a network that swallows everything, a FIN is swallowed too.
                    await self._until_flowing()
                    self._sink.shutdown(socket.SHUT_WR)
                    return
                await self._send(memoryview(data))
        finally:
            direction._leave(self)

    async def _until_flowing(self) -> None:
        while not self.flowing.is_set():  # it may stall again before this task's turn has come
            await self.flowing.wait()

    async def _send(self, data: memoryview) -> None:
        loop = asyncio.get_running_loop()
        direction = self._direction
        while data:
            if self.left == 0:
                direction._carry_out(self)
            await self._until_flowing()
            pace = direction.bytes_per_second
            sizes = [len(data)]
            if self.left is not None:
                sizes.append(self.left)
            if direction.slice_bytes:
                sizes.append(direction.slice_bytes)
            if pace:
                sizes.append(max(1, int(pace * TICK_SECONDS)))
            piece = data[: min(sizes)]
            await loop.sock_sendall(self._sink, piece)
            direction._passed(self, len(piece))
            data = data[len(piece) :]
            # Giving way after each slice lets a reader in this loop have it by itself, mostly.
            await asyncio.sleep(len(piece) / pace if pace else 0)


class _Connection:
    """A client, its connection to the target, and what passes between them."""

    def __init__(self, client: socket.socket, target: socket.socket, up: Direction, down: Direction) -> None:
        self._sides = (client, target)
        self._flows = (_Flow(self, up, client, target), _Flow(self, down, target, client))
        self._end: asyncio.Future[End] = asyncio.get_running_loop().create_future()

    @property
    def ended(self) -> bool:
        """Whether somebody has decided that it is over."""
        return self._end.done()

    def end(self, how: End) -> None:
        """Let the connection end, on both sides alike."""
        if not self._end.done():
            self._end.set_result(how)

    async def run(self, address: tuple[str, int]) -> None:
        """Connect to the target and carry bytes both ways until the connection ends; then let go of both sides."""
        carrying = asyncio.create_task(self._carry(address))
        how: End = "reset"
        try:
            await asyncio.wait((self._end, carrying), return_when=asyncio.FIRST_COMPLETED)
            if self._end.done():
                how = self._end.result()
            elif carrying.result():
                how = "close"
        finally:
            # No call of the loop may be waiting on a socket that is closed.
            carrying.cancel()
            await asyncio.wait((carrying,))
            try:
                if how == "close":
                    await asyncio.gather(*(self._say_goodbye(side) for side in self._sides))
            finally:
                for side in self._sides:
                    _close(side, reset=how == "reset")

    async def _carry(self, address: tuple[str, int]) -> bool:
        """Carry bytes both ways; say whether both sides ended well."""
        whole = False
        try:
            await asyncio.get_running_loop().sock_connect(self._sides[1], address)
            async with asyncio.TaskGroup() as both:
                for flow in self._flows:
                    both.create_task(flow.pump())
            whole = True
        except* OSError:
            pass  # one side was reset, or was never there: the other shall see the same
        return whole

    @staticmethod
    async def _say_goodbye(side: socket.socket) -> None:
        """Send FIN, then wait for the other's: a socket closed with bytes unread would send RST instead."""
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_WR)
            while await asyncio.get_running_loop().sock_recv(side, CHUNK_BYTES):
                pass


class FaultProxy:
    """A TCP proxy in front of one target, with faults: see the head of this module.

    Attributes:
        host: The address it listens on.
        port: Its port, the same from beginning to end.
        up: From the client to the target.
        down: From the target to the client.
        connections: Connections accepted so far.
        open: Connections that are open now.
    """

    def __init__(self, target_host: str, target_port: int, *, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = 0
        self.connections = 0
        self.open = 0
        self.up = Direction(self._changed)
        self.down = Direction(self._changed)
        self._target = (target_host, target_port)
        self._bell = asyncio.Event()
        self._live: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []
        self._listening: asyncio.Task[None] | None = None
        # Bound and never listening, it keeps the port ours while new connections are refused.
        self._claim: socket.socket | None = None

    @property
    def url(self) -> str:
        """The address for an HTTP client."""
        return f"http://{self.host}:{self.port}"

    async def __aenter__(self) -> Self:
        self._claim = self._bound()
        self.port = self._claim.getsockname()[1]
        self.accept()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._claim:
            self._claim.close()
        if self._failures and error is None:
            raise self._failures[0]

    async def refuse(self) -> None:
        """Refuse new connections, as a host does where nothing listens; open ones stay."""
        if self._listening:
            self._listening.cancel()
            await asyncio.wait((self._listening,))
            self._listening = None

    def accept(self) -> None:
        """Take new connections again."""
        if self._listening is None:
            listener = self._bound()
            listener.listen(1024)
            self._listening = self._own(self._listen(listener))

    def end(self, how: End) -> None:
        """End all open connections, with RST or with FIN; new ones are welcome."""
        for connection in self._live:
            connection.end(how)

    def heal(self) -> None:
        """Forget every fault."""
        self.up.heal()
        self.down.heal()
        self.accept()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return as soon as *condition*, which looks at this proxy's numbers, holds."""
        while not condition():
            self._bell.clear()
            await self._bell.wait()

    def _changed(self) -> None:
        self._bell.set()

    def _bound(self) -> socket.socket:
        bound = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((self.host, self.port))
        return bound

    def _own(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._disown)
        return task

    def _disown(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()):
            self._failures.append(failure)

    async def _listen(self, listener: socket.socket) -> None:
        with listener:
            while True:
                client, _ = await asyncio.get_running_loop().sock_accept(listener)
                self.connections += 1
                self.open += 1
                self._own(self._serve(client))
                self._changed()

    async def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_INET6 if ":" in self._target[0] else socket.AF_INET) as target:
            for side in (client, target):
                side.setblocking(False)
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = _Connection(client, target, self.up, self.down)
            self._live.add(connection)
            try:
                await connection.run(self._target)
            finally:
                self._live.discard(connection)
                self.open -= 1
                self._changed()


def _close(side: socket.socket, *, reset: bool) -> None:
    if reset:
        # Lingering on, for no time at all: the kernel forgets what it has not sent, and sends RST.
        side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    side.close()
