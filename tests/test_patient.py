"""The loop that tests run in."""

import asyncio
import socket
import time


async def test_no_deadline_passes_while_the_process_stands_still_and_there_is_something_to_do() -> None:
    near, far = socket.socketpair()
    with far:
        reader, writer = await asyncio.open_connection(sock=near)
        async with asyncio.timeout(0.05):
            far.send(b"x")
            time.sleep(0.2)  # noqa: ASYNC251 - as a machine does that is busy elsewhere
            assert await reader.readexactly(1) == b"x"
        writer.close()


async def test_a_deadline_passes_when_there_is_nothing_to_do() -> None:
    began = time.monotonic()
    await asyncio.sleep(0.05)
    assert time.monotonic() - began >= 0.05
