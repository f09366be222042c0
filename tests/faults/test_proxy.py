import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from tests.faults.proxy import CHUNK_BYTES, FaultProxy
from tests.nobody import nobody


@dataclass
class Line:
    """The two ends of one connection through the proxy."""

    client_in: asyncio.StreamReader
    client_out: asyncio.StreamWriter
    server_in: asyncio.StreamReader
    server_out: asyncio.StreamWriter


class Rig:
    """A target that hands every connection to the test, the proxy in front of it, and a way to call."""

    def __init__(self) -> None:
        self.accepted: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self.writers: list[asyncio.StreamWriter] = []
        self.proxy = FaultProxy("127.0.0.1", 0)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        self.accepted.put_nowait((reader, writer))

    async def dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(self.proxy.host, self.proxy.port)
        self.writers.append(writer)
        return reader, writer

    async def line(self) -> Line:
        client = await self.dial()
        return Line(*client, *await self.accepted.get())


@asynccontextmanager
async def rigged() -> AsyncIterator[Rig]:
    rig = Rig()
    server = await asyncio.start_server(rig.take, "127.0.0.1", 0)
    rig.proxy = FaultProxy(*server.sockets[0].getsockname())
    before = asyncio.all_tasks()
    try:
        async with asyncio.timeout(20), rig.proxy:
            yield rig
        assert asyncio.all_tasks() <= before
        assert rig.proxy.open == 0
    finally:
        server.close()
        for writer in rig.writers:
            writer.close()


async def test_bytes_pass_both_ways_and_are_counted() -> None:
    async with rigged() as rig:
        line = await rig.line()
        line.client_out.write(b"question")
        assert await line.server_in.readexactly(8) == b"question"
        line.server_out.write(b"answer")
        assert await line.client_in.readexactly(6) == b"answer"
        assert (rig.proxy.connections, rig.proxy.open) == (1, 1)
        assert (rig.proxy.up.bytes, rig.proxy.down.bytes) == (8, 6)


async def test_a_megabyte_passes_unchanged_against_a_reader_that_takes_its_time() -> None:
    async with rigged() as rig:
        line = await rig.line()
        sent = bytes(range(256)) * 4096
        line.server_out.write(sent)
        got = bytearray()
        while len(got) < len(sent):
            got += await line.client_in.read(777)
        assert got == sent


async def test_a_half_closed_connection_stays_half_open() -> None:
    async with rigged() as rig:
        line = await rig.line()
        line.client_out.write(b"that is all")
        line.client_out.write_eof()
        assert await line.server_in.read() == b"that is all"
        line.server_out.write(b"still here")
        line.server_out.write_eof()
        assert await line.client_in.read() == b"still here"
        await rig.proxy.until(lambda: rig.proxy.open == 0)


async def test_a_reset_by_one_side_is_a_reset_for_the_other() -> None:
    async with rigged() as rig:
        line = await rig.line()
        line.server_out.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
        )
        line.server_out.transport.abort()
        with pytest.raises(ConnectionResetError):
            await line.client_in.read()


async def test_a_target_that_is_not_there_resets_the_client() -> None:
    with nobody() as address:
        async with asyncio.timeout(20), FaultProxy(*address) as proxy:
            reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()


@pytest.mark.parametrize("after", [0, 1, 1000])
async def test_a_cut_lets_exactly_so_many_bytes_pass(after: int) -> None:
    async with rigged() as rig:
        rig.proxy.down.cut("close", after=after)
        line = await rig.line()
        line.server_out.write(b"x" * 5000)
        assert await line.client_in.read() == b"x" * after
        assert await line.server_in.read() == b""
        assert rig.proxy.down.bytes == after
        assert rig.proxy.down.cuts == 1


async def test_a_reset_after_some_bytes_is_seen_by_both_sides() -> None:
    async with rigged() as rig:
        rig.proxy.down.cut("reset", after=3)
        line = await rig.line()
        line.server_out.write(b"abcdef")
        assert await line.client_in.readexactly(3) == b"abc"
        with pytest.raises(ConnectionResetError):
            await line.client_in.read()
        with pytest.raises(ConnectionResetError):
            await line.server_in.read()


async def test_a_cut_of_an_open_connection_counts_from_now() -> None:
    async with rigged() as rig:
        line = await rig.line()
        line.server_out.write(b"before")
        assert await line.client_in.readexactly(6) == b"before"
        rig.proxy.down.cut("close", after=2)
        line.server_out.write(b"after")
        assert await line.client_in.read() == b"af"


async def test_a_cut_without_bytes_to_wait_for_breaks_an_open_connection_at_once() -> None:
    async with rigged() as rig:
        line = await rig.line()
        rig.proxy.up.cut("reset")
        with pytest.raises(ConnectionResetError):
            await line.client_in.read()


async def test_a_cut_can_be_meant_for_one_connection_only() -> None:
    async with rigged() as rig:
        rig.proxy.down.cut("close", after=1, times=1)
        first = await rig.line()
        first.server_out.write(b"first")
        assert await first.client_in.read() == b"f"
        second = await rig.line()
        second.server_out.write(b"second")
        assert await second.client_in.readexactly(6) == b"second"


async def test_a_cut_on_the_way_up_keeps_the_rest_from_the_target() -> None:
    async with rigged() as rig:
        rig.proxy.up.cut("close", after=4)
        line = await rig.line()
        line.client_out.write(b"POST /api/chat")
        assert await line.server_in.read() == b"POST"


async def test_a_cut_breaks_a_connection_whose_reader_does_not_read() -> None:
    async with rigged() as rig:
        line = await rig.line()
        line.server_out.write(bytes(32 * 1024 * 1024))  # far more than the kernel takes
        await rig.proxy.until(lambda: rig.proxy.down.bytes > 0)
        rig.proxy.down.cut("reset")
        await rig.proxy.until(lambda: rig.proxy.open == 0)


async def test_what_stalls_goes_on_where_it_was() -> None:
    async with rigged() as rig:
        line = await rig.line()
        rig.proxy.down.stall(after=2)
        line.server_out.write(b"abcd")
        line.server_out.write_eof()
        assert await line.client_in.readexactly(2) == b"ab"
        line.client_out.write(b"anybody there?")  # the other direction is well
        assert await line.server_in.readexactly(14) == b"anybody there?"
        assert rig.proxy.down.bytes == 2
        rig.proxy.heal()
        assert await line.client_in.read() == b"cd"


async def test_what_stalls_reads_no_further() -> None:
    async with rigged() as rig:
        line = await rig.line()
        rig.proxy.down.stall()
        line.server_out.write(bytes(64 * 1024 * 1024))
        drained = asyncio.ensure_future(line.server_out.drain())
        line.client_out.write(b"x")
        await line.server_in.readexactly(1)
        assert not drained.done()
        assert rig.proxy.down.bytes <= CHUNK_BYTES
        rig.proxy.end("reset")
        with pytest.raises(ConnectionResetError):
            await drained


async def test_a_new_connection_stalls_too() -> None:
    async with rigged() as rig:
        rig.proxy.up.stall()
        line = await rig.line()
        line.client_out.write(b"hello")
        await rig.proxy.until(lambda: rig.proxy.up.cuts == 1)
        assert rig.proxy.up.bytes == 0
        rig.proxy.heal()
        assert await line.server_in.readexactly(5) == b"hello"


async def test_slices_travel_one_by_one_and_arrive_whole() -> None:
    async with rigged() as rig:
        rig.proxy.down.slice_bytes = 1
        line = await rig.line()
        line.server_out.write("é🙂\r\n".encode())
        line.server_out.write_eof()
        assert await line.client_in.read() == "é🙂\r\n".encode()
        assert rig.proxy.down.sends == rig.proxy.down.bytes == 8


async def test_a_slow_direction_takes_its_time() -> None:
    async with rigged() as rig:
        rig.proxy.down.bytes_per_second = 1000
        line = await rig.line()
        began = asyncio.get_running_loop().time()
        line.server_out.write(b"x" * 200)
        assert await line.client_in.readexactly(200) == b"x" * 200
        # The last piece is paid for after it was sent.
        assert asyncio.get_running_loop().time() - began >= 0.17


async def test_new_connections_are_refused_while_open_ones_stay() -> None:
    async with rigged() as rig:
        line = await rig.line()
        await rig.proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            await rig.dial()
        line.client_out.write(b"me?")
        assert await line.server_in.readexactly(3) == b"me?"
        rig.proxy.heal()
        again = await rig.line()
        again.client_out.write(b"and me?")
        assert await again.server_in.readexactly(7) == b"and me?"
        assert rig.proxy.connections == 2


async def test_all_open_connections_can_end_at_once() -> None:
    async with rigged() as rig:
        lines = [await rig.line() for _ in range(20)]
        rig.proxy.end("close")
        assert [await line.client_in.read() for line in lines] == [b""] * 20
        assert [await line.server_in.read() for line in lines] == [b""] * 20


async def test_two_hundred_connections_leave_nothing_behind() -> None:
    async with rigged() as rig:
        lines = await asyncio.gather(*(rig.line() for _ in range(200)))
        for line in lines:
            line.server_out.write(b"half an ans")
        await rig.proxy.until(lambda: rig.proxy.down.bytes == 200 * 11)
        assert rig.proxy.open == 200
    # What rigged() looks at on its way out is the test.
