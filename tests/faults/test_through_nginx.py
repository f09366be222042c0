"""nginx between readers and the gateway: reloaded, killed, away for a while, badly configured."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.faults.rig import PIECES, Rig, part, rigged, whole
from tests.nginx import UNLIMITED, Nginx
from tests.reading import Client, Stream, ask
from tests.scripted import saying

READERS = 5


@asynccontextmanager
async def streaming(
    folder: Path, changes: dict[str, str] | None = None
) -> AsyncIterator[tuple[Rig, Nginx, Client, list[Stream], asyncio.Event]]:
    """Give readers of answers, through nginx, who have seen half of them; the rest comes when the event is set."""
    gate = asyncio.Event()
    frames = saying(*PIECES)
    changed = {**UNLIMITED, **(changes or {})}
    async with (
        rigged(lambda _: [*frames[:32], gate, *frames[32:]]) as rig,
        Nginx(folder, (rig.gateway.host, rig.gateway.port), changes=changed) as nginx,
    ):
        client = Client(nginx.url)
        streams = [await client.stream(ask("x")) for _ in range(READERS)]
        for stream in streams:
            await stream.until_text(len("".join(PIECES[:30])))
        yield rig, nginx, client, streams, gate
        for stream in streams:
            stream.close()


async def returning(client: Client, stream: Stream) -> Stream:
    """Resume as a browser does: again and again, until somebody answers."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await client.resume(stream.id, stream.ids[-1])
            except (OSError, asyncio.IncompleteReadError):
                await asyncio.sleep(0)


async def _killed_and_started(nginx: Nginx) -> None:
    await nginx.stop(signal.SIGKILL)
    await nginx.start()


async def _stopped_and_started(nginx: Nginx) -> None:
    await nginx.stop()
    await nginx.start()


FAULTS: dict[str, Callable[[Nginx], Awaitable[None]]] = {
    "reloaded": Nginx.reload,
    "workers killed": Nginx.kill_workers,
    "stopped and started": _stopped_and_started,
    "killed and started": _killed_and_started,
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_readers_whose_nginx_goes_away_return_and_miss_nothing(fault: str, tmp_path: Path) -> None:
    soon = {"worker_shutdown_timeout 60s": "worker_shutdown_timeout 1s"}
    async with streaming(tmp_path, soon) as (rig, nginx, client, streams, gate):
        await FAULTS[fault](nginx)
        for stream in streams:
            await stream.rest()  # up to where it is cut
            part(stream)
            assert stream.cut
        returned = await asyncio.gather(*(returning(client, stream) for stream in streams))
        gate.set()
        for before, after in zip(streams, returned, strict=True):
            whole(before, await after.rest())
        assert len(rig.claude.calls) == READERS


async def test_while_nginx_is_away_readers_try_again_and_the_answer_goes_on(tmp_path: Path) -> None:
    async with streaming(tmp_path) as (rig, nginx, client, streams, gate):
        await nginx.stop()
        for stream in streams:
            await stream.rest()
        returned = asyncio.gather(*(returning(client, stream) for stream in streams))
        gate.set()
        for call in rig.claude.calls:
            await call.closed.wait()
            assert not call.aborted  # within the grace nobody is missed
        assert not returned.done()
        await nginx.start()
        for before, after in zip(streams, await returned, strict=True):
            whole(before, await after.rest())
        assert len(rig.claude.calls) == READERS


async def test_answers_that_end_in_time_are_not_cut_by_a_reload(tmp_path: Path) -> None:
    async with streaming(tmp_path) as (rig, nginx, _, streams, gate):
        await nginx.reload()
        gate.set()
        for stream in streams:
            whole(await stream.rest())
        assert len(rig.claude.calls) == READERS


async def test_an_nginx_that_would_buffer_is_told_not_to(tmp_path: Path) -> None:
    async with streaming(tmp_path, {"proxy_buffering off;": "proxy_buffering on;"}) as (
        rig,
        _,
        _,
        streams,
        gate,
    ):
        # That they have half of it, while Claude waits, is the test.
        gate.set()
        for stream in streams:
            whole(await stream.rest())
        assert len(rig.claude.calls) == READERS
