"""What Python's collector has to do, and when: nothing for answers, however they end (``app/collector.py``)."""

import asyncio
import gc
import json
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from websockets.asyncio.client import connect

from app import collector
from tests.reading import ask
from tests.running import Gateway, serving
from tests.scripted import (
    Answer,
    Ending,
    Refusal,
    ScriptedClaude,
    frame,
    message_start,
    refusing,
    saying,
    text_block,
)

OF_SERVERS = {"app", "uvicorn", "starlette", "fastapi", "anthropic", "httpx2"}

BEGUN = [message_start(), *text_block("one", "two")[:2]]

OVERLOADED = frame("error", error={"type": "overloaded_error", "message": "x"})


async def plain(gateway: Gateway) -> None:
    """Ask, read again, look."""
    first = await (await gateway.stream(ask("x"))).rest()
    await (await gateway.resume(first.id)).rest()
    assert (await gateway.request("GET", f"/api/chat/{first.id}")).status == 200


async def asked(gateway: Gateway) -> None:
    await gateway.request("POST", "/api/chat", ask("x"))


async def waited_for(gateway: Gateway) -> None:
    await gateway.request("POST", "/api/chat", ask("x", stream=False))


async def cancelled(gateway: Gateway) -> None:
    stream = await gateway.stream(ask("x"))
    await stream.next("text")
    await gateway.request("DELETE", f"/api/chat/{stream.id}")
    await stream.rest()


async def left(gateway: Gateway) -> None:
    stream = await gateway.stream(ask("x"))
    await stream.next("text")
    stream.close()
    async with asyncio.timeout(10):
        while gateway.hub.count():  # noqa: ASYNC110 - nothing tells that an abandoned answer has ended
            await asyncio.sleep(0)


async def by_socket(gateway: Gateway) -> None:
    async with connect(f"ws://{gateway.host}:{gateway.port}/api/chat/ws") as socket:
        await socket.send(json.dumps({"request": ask("x")}))
        async for _ in socket:
            pass


@pytest.mark.parametrize(
    ("says", "does"),
    [
        pytest.param([saying("one", "two")], plain, id="whole"),
        pytest.param([saying("one", "two")], by_socket, id="websocket"),
        pytest.param([[*BEGUN, Ending.RESET], saying("three")], asked, id="continued"),
        pytest.param([[*BEGUN, OVERLOADED], saying("three")], asked, id="overloaded"),
        pytest.param([refusing(529, "overloaded_error", "x"), saying("one")], asked, id="tried again"),
        pytest.param([refusing(400, "invalid_request_error", "x")], asked, id="refused"),
        pytest.param([refusing(401, "authentication_error", "x")], waited_for, id="account refused"),
        pytest.param([[*BEGUN, asyncio.Event()]], cancelled, id="cancelled"),
        pytest.param([[*BEGUN, asyncio.Event()]], left, id="abandoned"),
        pytest.param(None, asked, id="unreachable"),
        pytest.param([Refusal(200, b"", {"content-length": "many"})], asked, id="no HTTP"),
    ],
)
@pytest.mark.usefixtures("impatient")
async def test_no_answer_leaves_anything_that_only_a_collection_finds(
    says: list[Answer] | None, does: Callable[[Gateway], Awaitable[None]]
) -> None:
    """Full collections are kept away from answers, so what waits for one stays for long: a log, a question of 30 MB."""
    async with ScriptedClaude(lambda _: says[(len(claude.calls) - 1) % len(says)] if says else ()) as claude:
        nowhere = "http://127.0.0.1:1"
        async with serving(claude.url if says is not None else nowhere, orphan_grace=0, retries=1) as gateway:
            await does(gateway)  # and with it what is made on first use
            gc.collect()
            gc.disable()
            try:
                for _ in range(3):
                    await does(gateway)
                for each in list(gateway.hub._generations.values()):
                    await each.gone()
                    gateway.hub.retire(each)
                del each
                gc.set_debug(gc.DEBUG_SAVEALL)
                gc.collect()
                found = Counter(type(each).__qualname__ for each in gc.garbage if _is_a_servers(each))
            finally:
                gc.set_debug(0)
                gc.garbage.clear()
                gc.enable()
    assert not found


def _is_a_servers(thing: object) -> bool:
    return type(thing).__module__.partition(".")[0] in OF_SERVERS


async def test_full_collections_come_in_quiet_moments_and_as_before_when_all_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collector, "QUIET_S", 0)
    before = gc.get_threshold()
    under_way = 1
    looked = asyncio.Event()

    def count() -> int:
        looked.set()
        return under_way

    async with collector.collecting_in_quiet_moments(count):
        assert gc.get_threshold()[2] > 50 * before[2]
        full = gc.get_stats()[2]["collections"]
        await looked.wait()
        assert gc.get_stats()[2]["collections"] == full
        under_way = 0
        async with asyncio.timeout(10):
            while gc.get_stats()[2]["collections"] == full:
                looked.clear()
                await looked.wait()
    assert gc.get_threshold() == before
