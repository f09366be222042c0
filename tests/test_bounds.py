"""What is kept and served at once has bounds, and whoever meets one is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import connect

from app.generation import Generation
from app.hub import KEPT_BYTES
from tests.reading import ask
from tests.running import Gateway, serving
from tests.scripted import Call, ScriptedClaude, ending, gated, message_start, saying, text_block, text_delta

ELSEWHERE = {"X-Forwarded-For": "203.0.113.9"}


async def test_an_answer_larger_than_a_log_may_be_ends_in_an_error() -> None:
    def endless(call: Call) -> Iterator[bytes]:
        yield from saying("x")[:2]
        while True:
            yield text_delta("x" * 500)

    async with ScriptedClaude(endless) as claude, serving(claude.url, max_generation_bytes=20_000) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
        await claude.calls[0].closed.wait()
    assert stream.terminal["type"] == "error"
    assert "GATEWAY_MAX_GENERATION_BYTES" in stream.terminal["error"]["message"]
    assert stream.done == 1
    assert len(claude.calls) == 1


async def test_more_generations_than_allowed_are_a_503() -> None:
    async with (
        ScriptedClaude(lambda _: gated(asyncio.Event())) as claude,
        serving(claude.url, max_generations=2, orphan_grace=0) as gateway,
    ):
        streams = [await gateway.stream(ask("x")) for _ in range(2)]
        answer = await gateway.request("POST", "/api/chat", ask("x"))
        for stream in streams:
            stream.close()
    assert (answer.status, answer.error["type"]) == (503, "api_error")
    assert answer.headers["retry-after"] == "1"
    assert "GATEWAY_MAX_GENERATIONS" in answer.error["message"]


async def test_more_generations_of_one_client_than_allowed_are_a_429() -> None:
    async with (
        ScriptedClaude(lambda _: gated(asyncio.Event())) as claude,
        serving(claude.url, max_streams_per_client=2, orphan_grace=0, allow_anonymous=True) as gateway,
    ):
        streams = [await gateway.stream(ask("x")) for _ in range(2)]
        answer = await gateway.request("POST", "/api/chat", ask("x"))
        elsewhere = await gateway.stream(ask("x"), headers=ELSEWHERE)
        for stream in (*streams, elsewhere):
            stream.close()
    assert (answer.status, answer.error["type"]) == (429, "rate_limit_error")
    assert answer.headers["retry-after"] == "1"


async def test_more_readers_than_allowed_are_a_429() -> None:
    async with (
        ScriptedClaude(lambda _: gated(asyncio.Event())) as claude,
        serving(claude.url, max_readers=2, orphan_grace=0) as gateway,
    ):
        first = await gateway.stream(ask("x"))
        second = await gateway.resume(first.id)
        answer = await gateway.request("GET", f"/api/chat/{first.id}/stream")
        first.close()
        second.close()
    assert (answer.status, answer.error["type"]) == (429, "rate_limit_error")
    assert "retry-after" in answer.headers


async def test_when_logs_are_full_what_has_ended_makes_room() -> None:
    async with (
        ScriptedClaude(lambda _: saying("x" * 3000)) as claude,
        serving(claude.url, max_log_bytes=30_000) as gateway,
    ):
        streams = [await (await gateway.stream(ask("x"))).rest() for _ in range(5)]
        first = await gateway.request("GET", f"/api/chat/{streams[0].id}")
        last = await gateway.request("GET", f"/api/chat/{streams[-2].id}")
    assert all(stream.done == 1 for stream in streams)
    assert (first.status, last.status) == (410, 200)


async def test_what_is_kept_counts_with_what_it_takes_beside_its_log() -> None:
    async with ScriptedClaude(lambda _: saying("x")) as claude, serving(claude.url) as gateway:
        kept = [await (await gateway.stream(ask("x"))).rest() for _ in range(3)]
        account, hub = gateway.hub._rules.account, gateway.hub
        logs = sum(each.log.bytes for each in hub._generations.values())
        assert account.bytes == logs + 3 * KEPT_BYTES
        for stream in kept:
            hub.retire(hub.find(stream.id, "anonymous"))
        assert account.bytes == 0


async def test_to_make_room_no_more_is_looked_at_than_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = 0

    def count(generation: Generation) -> int:
        nonlocal looked_at
        looked_at += 1
        return object.__hash__(generation)

    async with (
        ScriptedClaude(lambda _: saying("x")) as claude,
        serving(claude.url, max_log_bytes=60 * KEPT_BYTES) as gateway,
    ):
        for _ in range(100):
            await (await gateway.stream(ask("x"))).rest()
        assert 30 < len(gateway.hub._generations) < 60
        monkeypatch.setattr(Generation, "__hash__", count)
        await (await gateway.stream(ask("x"))).rest()
    assert 0 < looked_at < 20


@asynccontextmanager
async def waiting(max_log_bytes: int) -> AsyncIterator[tuple[Gateway, asyncio.Event]]:
    """Run a gateway that holds so much, and whose answers wait for the event."""
    gate = asyncio.Event()
    async with (
        ScriptedClaude(lambda _: gated(gate)) as claude,
        serving(claude.url, max_log_bytes=max_log_bytes, allow_anonymous=True) as gateway,
    ):
        yield gateway, gate


async def test_questions_count_while_they_are_read_and_answered_and_no_longer() -> None:
    large = ask("x" * 100_000)
    async with waiting(max_log_bytes=500_000) as (gateway, gate):
        held = gateway.hub._rules.account
        first = await gateway.stream(large)  # thrice 100,000
        refused = await gateway.request("POST", "/api/chat", large, ELSEWHERE)
        counted = await gateway.request("POST", "/api/chat/count_tokens", large, ELSEWHERE)
        small = await gateway.stream(ask("x"), headers=ELSEWHERE)
        gate.set()
        await first.rest()
        await small.rest()
        logs = sum(each.log.bytes + KEPT_BYTES for each in gateway.hub._generations.values())
        assert held.bytes == logs
        second = await (await gateway.stream(large)).rest()
        broken = await gateway.request("POST", "/api/chat", {**large, "nonsense": 1})
        again = await (await gateway.stream(large)).rest()
    assert (refused.status, refused.error["type"]) == (503, "api_error")
    assert refused.headers["retry-after"] == "1"
    assert counted.status == 503
    assert broken.status == 400
    assert [stream.done for stream in (first, small, second, again)] == [1] * 4


def of_values(number: int) -> bytes:
    """Return a question that holds about so many values."""
    values = ",".join(["{}"] * (number // 2))
    return json.dumps(ask("x")).encode()[:-1] + f', "metadata": {{"a": [{values}]}}}}'.encode()


async def test_values_that_take_more_than_they_are_written_in_count_for_that() -> None:
    async with waiting(max_log_bytes=5_000_000) as (gateway, gate):
        gate.set()
        answers = [
            await gateway.request("POST", "/api/chat", raw)
            for raw in (of_values(20_000), of_values(100_000), ask("{}," * 50_000))
        ]
        logs = sum(each.log.bytes + KEPT_BYTES for each in gateway.hub._generations.values())
        assert gateway.hub._rules.account.bytes == logs
    assert [answer.status for answer in answers] == [200, 503, 200]


async def test_more_values_than_can_be_parsed_in_time_are_refused_wherever_they_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.room.MAX_VALUES", 50_000)
    raw = of_values(50_002)
    async with waiting(max_log_bytes=50_000_000) as (gateway, _):
        answers = [
            await gateway.request("POST", path, raw) for path in ("/api/chat", "/api/chat/count_tokens")
        ]
        async with connect(gateway.url.replace("http", "ws") + "/api/chat/ws") as socket:
            await socket.send('{"request": ' + raw.decode() + "}")
            told = json.loads(await socket.recv())["event"]["error"]
        assert not gateway.hub._rules.account.bytes
    assert {answer.status for answer in answers} == {400}
    for error in (*(answer.error for answer in answers), told):
        assert error["type"] == "invalid_request_error"
        assert "50,000" in error["message"]


async def test_one_client_s_large_questions_leave_room_for_others() -> None:
    large = ask("x" * 100_000)
    async with waiting(max_log_bytes=1_200_000) as (gateway, gate):
        alone = await gateway.stream(ask("x" * 110_000))  # thrice that is more than a quarter
        refused = await gateway.request("POST", "/api/chat", large)
        small = await gateway.request("POST", "/api/chat/count_tokens", ask("x"))
        elsewhere = await gateway.stream(large, headers=ELSEWHERE)
        gate.set()
        await alone.rest()
        await elsewhere.rest()
        again = await (await gateway.stream(large)).rest()
        assert not gateway.hub._rooms._held_by
    assert (refused.status, refused.error["type"]) == (429, "rate_limit_error")
    assert refused.headers["retry-after"] == "1"
    assert "at the same time" in refused.error["message"]
    assert again.done == 1
    assert small.status == 429, "it counts beside those that are being answered"


async def test_a_reader_that_does_not_read_is_let_go_and_can_resume(caplog: pytest.LogCaptureFixture) -> None:
    big = "x" * 100_000
    script = [message_start(), *text_block(*[big] * 100), *ending()]
    async with (
        ScriptedClaude(lambda _: script) as claude,
        serving(claude.url, send_timeout=0.2) as gateway,
    ):
        stuck = await gateway.stream(ask("x"))
        generation = gateway.hub.find(stuck.id, "anonymous")
        left = asyncio.Event()
        leave = generation.leave

        def leave_and_tell(*, saw_end: bool) -> None:
            leave(saw_end=saw_end)
            left.set()

        generation.leave = leave_and_tell  # type: ignore[method-assign]
        await asyncio.wait_for(left.wait(), 10)
        again = await (await gateway.resume(stuck.id)).rest()
        stuck.close()
    assert again.text == big * 100
    assert "without completing" not in caplog.text
    assert "Traceback" not in caplog.text
