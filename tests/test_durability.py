"""A generation outlives its connection: what a reader has seen is a prefix of the log, and becomes all of it."""

import asyncio

import pytest

from tests.patient import PatientLoop, until
from tests.reading import ask
from tests.running import serving
from tests.scripted import (
    FULL,
    WORDS,
    Ending,
    ScriptedClaude,
    gated,
    saying,
)

# Resume


async def test_a_reader_that_is_cut_and_returns_misses_nothing_and_sees_nothing_twice() -> None:
    gate = asyncio.Event()
    async with ScriptedClaude(lambda _: gated(gate)) as claude, serving(claude.url) as gateway:
        first = await gateway.stream(ask("x"))
        await first.until_text(20)
        first.close()
        second = await gateway.resume(first.id, first.ids[-1])
        gate.set()
        await second.rest()
    assert first.text + second.text == FULL
    assert second.done == 1
    assert len(claude.calls) == 1


async def test_every_cursor_of_a_finished_generation_gives_exactly_the_rest() -> None:
    async with (
        ScriptedClaude(lambda _: saying("a", "é🌍", "\n\n", "d")) as claude,
        serving(claude.url) as gateway,
    ):
        whole = await (await gateway.stream(ask("x"))).rest()
        count = int(whole.ids[-1].removeprefix("1-"))
        every = [await (await gateway.resume(whole.id, f"1-{n}")).rest() for n in range(1, count)]
        start = await (await gateway.resume(whole.id)).rest()
        zero = await (await gateway.stream(method="GET", path=f"/api/chat/{whole.id}/stream?after=0")).rest()
        end = await gateway.request(
            "GET", f"/api/chat/{whole.id}/stream", headers={"Last-Event-ID": f"1-{count}"}
        )
    assert start.text == zero.text == "aé🌍\n\nd"
    assert all("aé🌍\n\nd".endswith(stream.text) and stream.done == 1 for stream in every)
    assert [len(stream.text) for stream in every] == sorted((len(s.text) for s in every), reverse=True)
    assert end.status == 204
    assert end.raw == b""


async def test_the_header_wins_over_the_query() -> None:
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        whole = await (await gateway.stream(ask("x"))).rest()
        path = f"/api/chat/{whole.id}/stream?after={whole.ids[-1]}"
        stream = await (
            await gateway.stream(method="GET", path=path, headers={"Last-Event-ID": "1-1"})
        ).rest()
    assert stream.text == "a"


@pytest.mark.parametrize(
    "cursor",
    [
        "-1",
        "1-",
        "-",
        "0-1",
        "2-1",
        "1-x",
        "1--1",
        "1-+1",
        "9e99-1",
        "1-18446744073709551616",
        "1-999",
        "1-1 ",
        "x" * 10_000,
    ],
)
async def test_a_malformed_or_impossible_cursor_is_a_400(cursor: str) -> None:
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        whole = await (await gateway.stream(ask("x"))).rest()
        answer = await gateway.request(
            "GET", f"/api/chat/{whole.id}/stream?after={cursor.replace(' ', '%20')}"
        )
    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"


async def test_that_nothing_is_left_is_kept_by_no_cache() -> None:
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        whole = await (await gateway.stream(ask("x"))).rest()
        answer = await gateway.request("GET", f"/api/chat/{whole.id}/stream?after={whole.ids[-1]}")
    assert (answer.status, answer.raw, answer.headers["cache-control"]) == (204, b"", "no-store")


@pytest.mark.parametrize("suffix", ["", "/stream"])
async def test_an_unknown_generation_is_a_404_and_a_retired_one_a_410(suffix: str) -> None:
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url, retention=0) as gateway:
        unknown = await gateway.request("GET", f"/api/chat/g_nope{suffix}")
        stream = await (await gateway.stream(ask("x"))).rest()
        retired = await gateway.request("GET", f"/api/chat/{stream.id}{suffix}")
    assert (unknown.status, unknown.error["type"]) == (404, "not_found_error")
    assert (retired.status, retired.error["type"]) == (410, "not_found_error")


async def test_answers_are_kept_for_their_time_each_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.hub.RETIRED_AT_ONCE", 2)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, PatientLoop)
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url, retention=60) as gateway:
        kept = gateway.hub._generations
        for minute in range(2):
            for _ in range(5):
                await (await gateway.stream(ask("x"))).rest()
            if minute == 0:
                loop.advance(40)
        loop.advance(21)
        await until(lambda: len(kept) <= 5)
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(kept) == 5  # the later ones
        loop.advance(40)
        await until(lambda: not kept)
        again = await (await gateway.stream(ask("x"))).rest()
        assert len(kept) == 1
        loop.advance(60)
        await until(lambda: not kept)
        gone = await gateway.request("GET", f"/api/chat/{again.id}")
    assert gone.status == 410


async def test_several_readers_see_the_same_and_a_slow_one_holds_up_nobody() -> None:
    gate = asyncio.Event()
    async with ScriptedClaude(lambda _: gated(gate)) as claude, serving(claude.url) as gateway:
        first = await gateway.stream(ask("x"))
        others = [await gateway.resume(first.id) for _ in range(5)]
        asleep = await gateway.resume(first.id)
        gate.set()
        streams = [await stream.rest() for stream in (first, *others)]
        asleep.close()
    assert {stream.text for stream in streams} == {FULL}
    assert {stream.terminal["digest"] for stream in streams} == {first.terminal["digest"]}


async def test_keep_alives_flow_while_claude_is_silent() -> None:
    gate = asyncio.Event()
    async with (
        ScriptedClaude(lambda _: gated(gate, after=0)) as claude,
        serving(claude.url, ping_interval=0.05) as gateway,
    ):
        stream = await gateway.stream(ask("x"))
        await stream.until_comment()
        gate.set()
        await stream.rest()
    assert stream.comments[0] == ": keep-alive"
    assert stream.text == FULL


# Leaving


async def test_with_no_grace_the_upstream_is_closed_when_the_last_reader_leaves() -> None:
    async with (
        ScriptedClaude(lambda _: gated(asyncio.Event())) as claude,
        serving(claude.url, orphan_grace=0) as gateway,
    ):
        stream = await gateway.stream(ask("x"))
        await stream.until_text(20)
        stream.close()
        await claude.calls[0].closed.wait()
        again = await (await gateway.resume(stream.id)).rest()
        snapshot = (await gateway.request("GET", f"/api/chat/{stream.id}")).json
    assert claude.calls[0].aborted
    assert again.terminal["stop_reason"] == "abandoned"
    assert snapshot["state"] == "cancelled"
    assert again.text.startswith(stream.text)


async def test_leaving_before_the_first_byte_counts_too() -> None:
    async with (
        ScriptedClaude(lambda _: [Ending.STALL]) as claude,
        serving(claude.url, orphan_grace=0) as gateway,
    ):
        _, writer = await asyncio.open_connection(gateway.host, gateway.port)
        body = b'{"prompt":"x"}'
        head = f"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        call = await claude.until_called(1)
        writer.transport.abort()
        await call.closed.wait()
    assert call.aborted


async def test_a_reader_that_returns_within_the_grace_finds_it_running() -> None:
    gate = asyncio.Event()
    async with (
        ScriptedClaude(lambda _: gated(gate)) as claude,
        serving(claude.url, orphan_grace=30) as gateway,
    ):
        stream = await gateway.stream(ask("x"))
        await stream.until_text(20)
        stream.close()
        assert (await gateway.request("GET", f"/api/chat/{stream.id}")).json["state"] == "running"
        back = await gateway.resume(stream.id, stream.ids[-1])
        gate.set()
        await back.rest()
    assert stream.text + back.text == FULL
    assert not claude.calls[0].aborted


async def test_with_endless_grace_an_answer_is_finished_for_nobody() -> None:
    gate = asyncio.Event()
    async with (
        ScriptedClaude(lambda _: gated(gate)) as claude,
        serving(claude.url, orphan_grace=-1) as gateway,
    ):
        stream = await gateway.stream(ask("x"))
        await stream.until_text(20)
        stream.close()
        gate.set()
        await claude.calls[0].closed.wait()
        again = await (await gateway.resume(stream.id)).rest()
    assert again.text == FULL
    assert again.terminal["stop_reason"] == "end_turn"


# Cancelling


@pytest.mark.parametrize("by", ["id", "key"])
async def test_cancelling_closes_the_upstream_and_tells_the_readers(by: str) -> None:
    async with ScriptedClaude(lambda _: gated(asyncio.Event())) as claude, serving(claude.url) as gateway:
        stream = await gateway.stream(ask("x"), headers={"Idempotency-Key": "k"})
        await stream.until_text(20)
        if by == "id":
            answer = await gateway.request("DELETE", f"/api/chat/{stream.id}")
        else:
            answer = await gateway.request("DELETE", "/api/chat", headers={"Idempotency-Key": "k"})
        await claude.calls[0].closed.wait()
        await stream.rest()
        again = await gateway.request("DELETE", f"/api/chat/{stream.id}")
    assert (answer.status, answer.json["state"]) == (200, "cancelled")
    assert claude.calls[0].aborted
    assert stream.terminal["stop_reason"] == "cancelled"
    assert stream.done == 1
    assert again.json["state"] == "cancelled"


async def test_who_waits_for_one_message_gets_what_there_is_when_it_is_cancelled() -> None:
    key = {"Idempotency-Key": "k"}
    async with ScriptedClaude(lambda _: gated(asyncio.Event())) as claude, serving(claude.url) as gateway:
        waiting = asyncio.create_task(gateway.request("POST", "/api/chat", ask("x", stream=False), key))
        await claude.until_called(1)
        watching = await gateway.stream(ask("x"), headers=key)
        await watching.until_text(20)
        await gateway.request("DELETE", f"/api/chat/{watching.id}")
        message = (await waiting).json
        await watching.rest()
    assert (message["id"], message["model"]) == ("msg_1", "claude-sonnet-5-5")
    assert message["stop_reason"] == "cancelled"
    assert message["content"] == [{"type": "text", "text": watching.text}]


async def test_cancelling_what_has_ended_changes_nothing() -> None:
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
        answer = await gateway.request("DELETE", f"/api/chat/{stream.id}")
    assert (answer.status, answer.json["state"]) == (200, "done")


async def test_purging_forgets_it_at_once() -> None:
    async with ScriptedClaude(lambda _: saying("secret")) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
        await gateway.request("DELETE", f"/api/chat/{stream.id}?purge=true")
        gone = await gateway.request("GET", f"/api/chat/{stream.id}")
    assert gone.status == 410
    assert b"secret" not in gone.raw


async def test_cancel_and_completion_race_to_exactly_one_terminal_event() -> None:
    async with ScriptedClaude(lambda _: saying(*WORDS)) as claude, serving(claude.url) as gateway:
        for _ in range(100):
            stream = await gateway.stream(ask("x"))
            _, read = await asyncio.gather(gateway.request("DELETE", f"/api/chat/{stream.id}"), stream.rest())
            terminals = [event for event in read.events if event["type"] in ("done", "error")]
            assert [event["stop_reason"] in ("cancelled", "end_turn") for event in terminals] == [True]
            assert read.done == 1
            assert FULL.startswith(read.text)
