"""The network to readers breaks, or readers do: what they have seen is a prefix of the answer, and becomes all of it."""

import asyncio
import contextlib
import json
import random
import resource
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from websockets.asyncio.client import connect

from app.generation import Generation
from tests.faults.rig import FULL, PIECES, Rig, part, rest, rigged, whole
from tests.reading import Stream, ask
from tests.scripted import Call, gated, message_start, saying, text_block

KEY = {"Idempotency-Key": "k"}


class Steps:
    """An answer that comes step by step, as fast as it is read."""

    def __init__(self, size: int) -> None:
        frames = saying(*PIECES)
        self._parts = [frames[at : at + size] for at in range(0, len(frames), size)]
        self._gates = [asyncio.Event() for _ in self._parts]
        self._closed = iter(self._gates)

    def __call__(self, call: Call) -> Iterator[Any]:
        for gate, frames in zip(self._gates, self._parts, strict=True):
            yield gate
            yield from frames

    def next(self) -> None:
        """Let the next step come, if there is one."""
        if gate := next(self._closed, None):
            gate.set()

    async def read(self, stream: Stream) -> None:
        """Read to the end or the cut."""
        self.next()
        while await stream._read():
            self.next()
        stream.close()


# A network that breaks


@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize("seed", range(4))
async def test_a_reader_whose_network_breaks_again_and_again_gets_every_character_once(
    how: Literal["reset", "close"], seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    steps = Steps(2)
    async with rigged(steps) as rig:
        steps.next()
        streams = [await rig.client.stream(ask("x"))]
        while True:
            rig.front.down.cut(how, after=chance.randrange(1, 400), times=1)
            await steps.read(streams[-1])
            rig.front.heal()
            part(*streams)
            if streams[-1].done:
                break
            last = [id_ for stream in streams for id_ in stream.ids][-1:]
            streams.append(await rig.client.resume(streams[0].id, *last))
        whole(*streams)
        assert len(streams) > 5
        assert len(rig.claude.calls) == 1


async def _until_cut(stream: Stream) -> None:
    while await stream._read():
        pass
    stream.close()


async def _raw(rig: Rig, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Return what comes through the network in answer to a request, until it is over or breaks."""
    reader, writer = await asyncio.open_connection(rig.front.host, rig.front.port)
    sent = {
        "Host": "localhost",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
    got = b""
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(65536):
            got += piece
    writer.close()
    return got


async def test_wherever_a_finished_answer_is_cut_on_its_way_the_rest_is_exactly_the_rest() -> None:
    async with rigged(lambda call: rest(call, PIECES[:6])) as rig:
        full = "".join(PIECES[:6])
        one = await (await rig.client.stream(ask("x"))).rest()
        rig.front.down.bytes = 0
        head, *_ = (await _raw(rig, "GET", f"/api/chat/{one.id}/stream")).split(b"\r\n\r\n")
        size = rig.front.down.bytes
        for after in range(len(head) + 4, size, 13):
            rig.front.down.cut("close", after=after, times=1)
            first = await (await rig.client.resume(one.id)).rest()
            rig.front.heal()
            if first.done:
                whole(first, full=full)
                continue
            part(first, full=full)
            second = await (await rig.client.resume(one.id, *first.ids[-1:])).rest()
            whole(first, second, full=full)
        assert len(rig.claude.calls) == 1


async def test_bytes_that_reach_a_reader_one_by_one_are_the_same_events() -> None:
    async with rigged(rest) as rig:
        rig.front.down.slice_bytes = 1
        whole(await (await rig.client.stream(ask("x"))).rest())


# A page that is loaded again, hidden, opened twice


async def test_a_page_that_is_loaded_again_has_the_answer_so_far_and_goes_on_after_its_cursor() -> None:
    gate = asyncio.Event()
    async with rigged(lambda _: gated(gate, PIECES)) as rig:
        before = await rig.client.stream(ask("x"))
        await before.until_text(len("".join(PIECES[:30])))
        before.close()
        snapshot = (await rig.client.request("GET", f"/api/chat/{before.id}")).json
        after = await rig.client.resume(before.id, snapshot["cursor"])
        gate.set()
        await after.rest()
        assert snapshot["state"] == "running"
        assert snapshot["turns"][0]["content"][0]["text"] + after.text == FULL
        assert after.done == 1
        assert len(rig.claude.calls) == 1


async def test_a_hidden_page_that_reads_nothing_has_the_whole_answer_when_it_returns() -> None:
    gate = asyncio.Event()
    async with rigged(lambda _: gated(gate, PIECES), orphan_grace=-1) as rig:
        stream = await rig.client.stream(ask("x"))
        await stream.until_text(5)
        rig.front.down.stall()
        rig.front.up.stall()
        gate.set()
        await rig.claude.calls[0].closed.wait()
        rig.front.heal()
        whole(await stream.rest())
        assert len(rig.claude.calls) == 1


@pytest.mark.parametrize("count", [2, 10])
async def test_resumes_of_one_cursor_at_once_each_get_the_same_rest(count: int) -> None:
    gate = asyncio.Event()
    async with rigged(lambda _: gated(gate, PIECES)) as rig:
        first = await rig.client.stream(ask("x"))
        await first.until_text(20)
        rig.front.end("reset")
        await _until_cut(first)
        both = await asyncio.gather(*(rig.client.resume(first.id, first.ids[-1]) for _ in range(count)))
        gate.set()
        for second in both:
            whole(first, await second.rest())
        assert len(rig.claude.calls) == 1


# A question that is asked again, because its answer was lost


@pytest.mark.parametrize("after", [0, 1, 200, 420])
async def test_a_question_whose_answer_was_lost_is_not_asked_twice(after: int) -> None:
    gate = asyncio.Event()
    async with rigged(lambda _: gated(gate, PIECES)) as rig:
        if after:
            rig.front.down.cut("reset", after=after, times=1)
        body = json.dumps(ask("x")).encode()
        lost = asyncio.create_task(_raw(rig, "POST", "/api/chat", body, Idempotency_Key="k"))
        await rig.claude.until_called(1)
        if after == 0:  # the question has arrived, and now the network breaks
            rig.front.down.cut("reset", times=1)
        await lost
        again = await rig.client.stream(ask("x"), headers=KEY)
        gate.set()
        whole(await again.rest())
        assert again.headers["idempotent-replayed"] == "true"
        assert len(rig.claude.calls) == 1


@pytest.mark.parametrize("after", [0, 20, 150, 200])
async def test_a_question_that_arrives_in_part_is_never_asked(after: int) -> None:
    async with rigged(rest) as rig:
        rig.front.up.cut("reset", after=after, times=1)
        assert not await _raw(rig, "POST", "/api/chat", json.dumps(ask("x" * 100)).encode(), **KEY)
        assert not rig.claude.calls
        whole(await (await rig.client.stream(ask("x"), headers=KEY)).rest())
        assert len(rig.claude.calls) == 1


# Slow readers, and readers that are no more


LINES = [f"{n:07} " + "x" * 992 for n in range(3000)]
LONG = "".join(LINES)


async def test_a_slow_reader_gets_everything_and_slows_nobody() -> None:
    async with rigged(lambda _: saying(*LINES)) as rig:
        rig.front.down.bytes_per_second = 100_000
        slow = await rig.client.stream(ask("x"))
        fast = await rig.gateway.resume(slow.id)
        whole(await fast.rest(), full=LONG)
        await rig.claude.calls[0].closed.wait()
        assert rig.front.down.bytes < len(LONG) / 2
        rig.front.heal()
        whole(await slow.rest(), full=LONG)


async def test_what_waits_for_a_slow_reader_is_little_however_far_behind_it_is() -> None:
    async with rigged(lambda _: saying(*LINES)) as rig:
        fast = await (await rig.gateway.stream(ask("x"))).rest()
        rig.front.down.bytes_per_second = 100_000
        slow = await rig.client.resume(fast.id)
        await rig.front.until(lambda: rig.front.down.bytes > 1000)
        connections = rig.gateway.server.server_state.connections
        waiting = max(connection.transport.get_write_buffer_size() for connection in connections)
        assert waiting <= 512 * 1024, f"{waiting:,} bytes wait for one reader"
        rig.front.heal()
        whole(await slow.rest(), full=LONG)


async def test_a_slow_reader_that_catches_up_gets_on_however_often_its_time_is_up() -> None:
    """The send deadline is for readers that do not read: one that reads slowly must not begin anew each time."""
    gate = asyncio.Event()

    def script(call: Call) -> list[Any]:
        frames = saying(*LINES)
        return [*frames[:-4], gate, *frames[-4:]]

    async with rigged(script, send_timeout=0.6, ping_interval=0.2) as rig:
        fast = await rig.gateway.stream(ask("x"))
        await fast.until_text(len(LONG) - 2000)
        rig.front.down.bytes_per_second = 500_000
        streams = [await rig.client.resume(fast.id)]
        while not streams[-1].done:
            if len("".join(stream.text for stream in streams)) > len(LONG) / 2:
                gate.set()
                rig.front.heal()
            if not await streams[-1]._read():
                streams[-1].close()
                assert streams[-1].ids, f"connection {len(streams)} got not one event further"
                streams.append(await rig.client.resume(fast.id, streams[-1].ids[-1]))
        whole(*streams, full=LONG)
        whole(await fast.rest(), full=LONG)


async def test_a_reader_that_vanishes_without_a_word_is_let_go_and_its_answer_with_it() -> None:
    def script(call: Call) -> list[Any]:
        return [message_start(), *text_block(*["x" * 60_000] * 160)[:-1], asyncio.Event()]

    async with rigged(script, send_timeout=0.3, orphan_grace=0.1) as rig:
        stream = await rig.client.stream(ask("x"))
        await stream.until_text(1)
        rig.front.down.stall()
        rig.front.up.stall()
        call = rig.claude.calls[0]
        await asyncio.wait_for(call.closed.wait(), 10)
        assert call.aborted
        snapshot = (await rig.gateway.request("GET", f"/api/chat/{stream.id}")).json
        assert snapshot["state"] == "cancelled"
        stream.close()
        rig.front.end("reset")


async def test_readers_that_were_let_go_are_counted() -> None:
    pieces = ["x" * 60_000] * 160
    async with rigged(lambda _: saying(*pieces), send_timeout=0.2) as rig:
        stream = await rig.gateway.stream(ask("x"))
        generation = rig.gateway.hub.find(stream.id, "anonymous")
        async with asyncio.timeout(10):
            while generation.readers:
                await rig.gateway.request("GET", "/healthz")
        metrics = (await rig.gateway.request("GET", "/metrics")).raw.decode()
        stream.close()
    assert "gateway_slow_readers_dropped_total 1.0" in metrics


async def test_a_socket_that_nobody_reads_is_let_go_too() -> None:
    pieces = ["x" * 60_000] * 160
    async with rigged(lambda _: saying(*pieces), send_timeout=0.2, orphan_grace=-1) as rig:
        address = f"ws://{rig.gateway.host}:{rig.gateway.port}/api/chat/ws"
        async with connect(address, max_size=None, max_queue=1, proxy=None) as socket:
            await socket.send(json.dumps({"request": ask("x")}))
            id_ = json.loads(await socket.recv())["event"]["id"]
            socket.transport.pause_reading()
            generation = rig.gateway.hub.find(id_, "anonymous")
            async with asyncio.timeout(10):
                while generation.readers:
                    await rig.gateway.request("GET", "/healthz")
            socket.transport.abort()
        whole(await (await rig.gateway.resume(id_)).rest(), full="".join(pieces))


# Cancelling


async def test_a_cancel_closes_the_connection_to_claude() -> None:
    async with rigged(lambda _: gated(asyncio.Event(), PIECES)) as rig:
        stream = await rig.client.stream(ask("x"))
        await stream.until_text(20)
        answer = await rig.client.request("DELETE", f"/api/chat/{stream.id}")
        await rig.claude.calls[0].closed.wait()
        assert answer.json["state"] == "cancelled"
        assert rig.claude.calls[0].aborted
        await stream.rest()
        assert stream.terminal["stop_reason"] == "cancelled"
        part(stream)


async def test_a_thousand_races_of_cancel_and_completion_have_one_end_each() -> None:
    """The cancel comes after each number of turns of the loop, from long before the end to long after."""
    async with rigged(lambda _: saying(*PIECES[:3]), max_streams_per_client=100) as rig:

        async def race(number: int) -> tuple[Stream, Generation]:
            stream = await rig.gateway.stream(ask("x"))
            generation = rig.gateway.hub.find(stream.id, "anonymous")
            for _ in range(number % 50):
                await asyncio.sleep(0)
            generation.cancel("cancelled")
            return await stream.rest(), generation

        for start in range(0, 1000, 25):
            for stream, generation in await asyncio.gather(*(race(n) for n in range(start, start + 25))):
                part(stream, full="".join(PIECES[:3]))
                assert stream.done == 1
                assert stream.terminal["stop_reason"] in ("cancelled", "end_turn")
                ended = stream.terminal["stop_reason"] == "end_turn"
                assert generation.state == ("done" if ended else "cancelled")
        assert len(rig.claude.calls) == 1000


# A herd


async def test_a_thousand_readers_that_return_at_once_all_go_on() -> None:
    answers, each = 20, 50
    gate = asyncio.Event()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    async with rigged(lambda _: gated(gate, PIECES), max_streams_per_client=64) as rig:
        first = [await rig.gateway.stream(ask("x")) for _ in range(answers)]
        for stream in first:
            await stream.until_text(len("".join(PIECES[:30])))
            stream.close()

        async def back(stream: Stream) -> Stream:
            again = await rig.gateway.resume(stream.id, stream.ids[2])
            await again.next("text")
            return again

        herd = [stream for stream in first for _ in range(each)]
        returned = await asyncio.gather(*(back(stream) for stream in herd))
        gate.set()
        for before, after in zip(herd, await asyncio.gather(*(s.rest() for s in returned)), strict=True):
            assert "".join(e["text"] for e in before.events[:3] if e["type"] == "text") + after.text == FULL
            assert after.done == 1
        assert len(rig.claude.calls) == answers
    waits = {stream.raw.split(b"\n", 1)[0] for stream in returned}
    assert len(waits) > 500, "they were told to wait for different times"
