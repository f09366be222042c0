"""Signals to the real program: it is drained, restarted, killed, and runs out of descriptors."""

import asyncio
import json
import resource
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.faults.rig import PIECES, part, rigged, whole
from tests.reading import Answer, Client, ask
from tests.running import KEY, Program, program
from tests.scripted import Call, Ending, Script, ScriptedClaude, refusing, saying

WORDS = "".join(PIECES[:30])
"""What an answer of ``Gates`` has said when it waits."""


class Gates:
    """Answers that wait in the middle until a test lets them end."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    def __call__(self, call: Call) -> list[Any]:
        frames = saying(*PIECES)
        return [Ending.STALL] if "never" in call.prompt else [*frames[:32], self.open, *frames[32:]]


@asynccontextmanager
async def running(
    script: Script, **environment: str
) -> AsyncIterator[tuple[Program, Client, ScriptedClaude]]:
    """Run the program in front of a Claude; see that it logs nothing it should not."""
    async with ScriptedClaude(script) as claude:
        settings = {"ANTHROPIC_BASE_URL": claude.url, "ANTHROPIC_API_KEY": KEY, **environment}
        with program(**settings) as started:
            yield started, Client(started.url), claude
    for trouble in ("Traceback", "without completing", "Exception", "never retrieved", "was destroyed"):
        assert trouble not in started.text(), started.text()


async def ended(started: Program) -> int:
    return await asyncio.to_thread(started.process.wait, 30)


async def draining(client: Client) -> Answer:
    """Wait until the program says that it is not ready any more."""
    async with asyncio.timeout(30):
        while (answer := await client.request("GET", "/readyz")).status == 200:
            pass
    return answer


async def test_answers_that_end_within_the_drain_are_served_to_their_end_reconnects_included() -> None:
    gates = Gates()
    async with running(gates) as (started, client, claude):
        stays = await client.stream(ask("a"), headers={"Idempotency-Key": "k"})
        cut = await client.stream(ask("b"))
        twice = await client.stream(ask("c"))
        waits = asyncio.create_task(client.request("POST", "/api/chat", ask("d", stream=False)))
        for stream in (stays, cut, twice):
            await stream.until_text(len(WORDS))
        await claude.until_called(4)
        cut.close()

        started.signal(signal.SIGTERM)
        # At the same moment: uv passes on what a whole group has got.
        started.signal(signal.SIGINT, group=True)
        refused = await draining(client)
        assert (refused.status, refused.error["type"]) == (503, "api_error")
        assert (await client.request("GET", "/healthz")).status == 200
        new = await client.request("POST", "/api/chat", ask("e"))
        assert (new.status, new.error["type"]) == (503, "api_error")
        assert int(new.headers["retry-after"]) >= 1

        back = await client.resume(cut.id, cut.ids[-1])
        replayed = await client.stream(ask("a"), headers={"Idempotency-Key": "k"})
        again = await client.resume(twice.id, twice.ids[-1])
        twice.close()
        assert (await client.request("GET", f"/api/chat/{cut.id}")).json["state"] == "running"
        gates.open.set()
        whole(await stays.rest())
        whole(await replayed.rest())
        whole(cut, await back.rest())
        whole(twice, await again.rest())
        assert (await waits).json["content"] == [{"type": "text", "text": "".join(PIECES)}]
        assert await ended(started) == 0
        assert len(claude.calls) == 4


async def test_an_answer_that_ended_while_its_reader_was_away_is_kept_through_the_drain() -> None:
    """Else who changes networks in the wrong second loses the end of the answer."""
    gates = Gates()
    async with running(gates) as (started, client, _):
        cut, leaves = await client.stream(ask("a")), await client.stream(ask("b"))
        for stream in (cut, leaves):
            await stream.until_text(len(WORDS))
        cut.close()
        leaves.close()
        await client.request("DELETE", f"/api/chat/{leaves.id}")  # nobody waits for this one
        started.signal(signal.SIGTERM)
        await draining(client)
        gates.open.set()
        async with asyncio.timeout(30):
            while (await client.request("GET", f"/api/chat/{cut.id}")).json["state"] == "running":
                pass
        for _ in range(100):  # many times as long as it takes to see that nothing is under way
            assert (await client.request("GET", f"/api/chat/{cut.id}")).status == 200
        whole(cut, await (await client.resume(cut.id, cut.ids[-1])).rest())
        assert await ended(started) == 0


async def test_nobody_is_waited_for_longer_than_the_grace_or_for_a_refusal() -> None:
    def script(call: Call) -> Any:
        return refusing(400, "invalid_request_error") if "refuse" in call.prompt else saying(*PIECES)

    async with running(script, GATEWAY_ORPHAN_GRACE="0.3", GATEWAY_DRAIN_TIMEOUT="600") as (
        started,
        client,
        _,
    ):
        refused = await client.request("POST", "/api/chat", ask("refuse"))
        assert refused.status == 400
        gone = await client.stream(ask("a"))
        gone.close()
        started.signal(signal.SIGTERM)
        assert await ended(started) == 0


async def test_answers_longer_than_the_drain_end_in_an_error_that_says_try_again() -> None:
    async with running(Gates(), GATEWAY_DRAIN_TIMEOUT="0.5") as (started, client, claude):
        stream = await client.stream(ask("a"))
        await stream.until_text(len(WORDS))
        unanswered = asyncio.create_task(client.request("POST", "/api/chat", ask("never")))
        in_one = asyncio.create_task(client.request("POST", "/api/chat", ask("b", stream=False)))
        await claude.until_called(3)
        async with connect(f"ws://{client.host}:{client.port}/api/chat/ws", proxy=None) as socket:
            await socket.send(json.dumps({"resume": {"id": stream.id}}))
            heard = [json.loads(await socket.recv())]
            started.signal(signal.SIGTERM)
            heard += [json.loads(message) async for message in socket]
        await stream.rest()
        part(stream)
        assert stream.text == WORDS
        assert stream.terminal["type"] == "error"
        assert stream.terminal["error"]["retryable"] is True
        assert stream.done == 1
        assert heard[-1] == "[DONE]"
        assert heard[-2]["event"]["type"] == "error"
        assert socket.close_code == 1000
        for task in (unanswered, in_one):
            answer = await task
            assert (answer.status, answer.error["type"]) == (503, "api_error")
            assert "retry-after" in answer.headers
        for call in claude.calls:
            await call.closed.wait()
            assert call.aborted
        assert await ended(started) == 0


async def test_a_slow_reader_of_an_answer_that_has_ended_is_served_during_the_drain_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.server.FAREWELL_S", 0.1)
    lines = [f"{n:07} " + "x" * 992 for n in range(3000)]
    async with rigged(lambda _: saying(*lines), drain_timeout=20) as rig:
        fast = await (await rig.gateway.stream(ask("a"))).rest()
        rig.front.down.bytes_per_second = 10_000
        slow = await rig.client.resume(fast.id)
        await rig.front.until(lambda: rig.front.down.bytes > 2000)
        rig.front.down.stall()
        server = rig.gateway.server
        server.handle_exit(signal.SIGTERM, None)
        began = time.monotonic()
        while time.monotonic() - began < 0.5:
            assert (await rig.gateway.request("GET", "/healthz")).status == 200
        assert not server.should_exit
        rig.front.heal()
        whole(await slow.rest(), full="".join(lines))
        assert server._draining
        await asyncio.wait_for(server._draining, 30)
        assert server.should_exit


async def test_a_second_signal_ends_all_answers_and_then_the_program() -> None:
    async with running(Gates(), GATEWAY_PING_INTERVAL="0.4") as (started, client, claude):
        stream = await client.stream(ask("a"))
        await stream.until_text(len(WORDS))
        started.signal(signal.SIGTERM)
        await draining(client)
        stream.comments.clear()
        while len(stream.comments) < 2:  # so many times 0.4 s, at least one of them whole
            assert await stream._read()
        started.signal(signal.SIGINT, group=True)
        await stream.rest()
        part(stream)
        assert stream.terminal["error"]["retryable"] is True
        assert stream.done == 1
        await claude.calls[0].closed.wait()
        assert await ended(started) == 0


async def test_a_third_signal_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[int] = []
    monkeypatch.setattr("app.server.SAME_SIGNAL_S", -1)
    monkeypatch.setattr("os._exit", ends.append)
    monkeypatch.setattr("logging.shutdown", lambda: None)
    async with rigged(Gates()) as rig:
        server = rig.gateway.server
        stream = await rig.client.stream(ask("a"))
        for number in (signal.SIGTERM, signal.SIGINT):
            server.handle_exit(number, None)
        assert not ends
        assert (await stream.rest()).done == 1
        server.handle_exit(signal.SIGINT, None)
        assert ends == [128 + signal.SIGINT]
        assert server._draining
        await asyncio.wait_for(server._draining, 30)


async def test_a_signal_to_an_idle_program_ends_it() -> None:
    async with running(Gates()) as (started, client, _):
        _, silent = await asyncio.open_connection(client.host, client.port)  # it is not waited for
        assert (await client.request("GET", "/readyz")).status == 200
        started.signal(signal.SIGINT, group=True)
        assert await ended(started) == 0
        silent.close()


async def test_after_a_kill_the_old_answer_is_unknown_and_what_was_read_stays() -> None:
    gates = Gates()
    async with ScriptedClaude(gates) as claude:
        settings = {"ANTHROPIC_BASE_URL": claude.url, "ANTHROPIC_API_KEY": KEY}
        with program(**settings) as first:
            stream = await Client(first.url).stream(ask("a"), headers={"Idempotency-Key": "k"})
            await stream.until_text(len(WORDS))
            first.signal(signal.SIGKILL)
            await stream.rest()
            await claude.calls[0].closed.wait()
        part(stream)
        assert stream.cut
        assert stream.done == 0
        with program(**settings) as second:
            client = Client(second.url)
            gone = await client.request(
                "GET", f"/api/chat/{stream.id}/stream", headers={"Last-Event-ID": stream.ids[-1]}
            )
            assert (gone.status, gone.error["type"]) == (404, "not_found_error")
            gates.open.set()
            again = await client.stream(ask("a"), headers={"Idempotency-Key": "k"})
            whole(await again.rest())
        assert len(claude.calls) == 2


async def test_without_descriptors_new_readers_are_refused_and_the_others_live() -> None:
    gates = Gates()
    async with running(gates, GATEWAY_MAX_STREAMS_PER_CLIENT="1000") as (started, client, claude):
        resource.prlimit(started.process.pid, resource.RLIMIT_NOFILE, (256, 256))
        streams = [await client.stream(ask("x")) for _ in range(16)]
        for stream in streams:
            await stream.until_text(len(WORDS))
        idle = []
        async with asyncio.timeout(30):
            while await answers(client):
                idle.append(await asyncio.open_connection(client.host, client.port))
        gates.open.set()
        for stream in streams:
            whole(await stream.rest())
        for _, writer in idle:
            writer.transport.abort()
        async with asyncio.timeout(30):
            while not await answers(client):
                pass
        whole(await (await client.stream(ask("y"))).rest())
        assert len(claude.calls) == 17
    assert len(started.text()) < 100_000, "the log is flooded"


async def answers(client: Client) -> bool:
    """Say whether a new connection gets an answer, or is closed without one."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    try:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
    except (ConnectionError, asyncio.IncompleteReadError):
        return False
    finally:
        writer.transport.abort()
    return True
