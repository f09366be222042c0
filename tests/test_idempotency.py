"""One key is one generation: it is attached to, whatever becomes of the connections that asked for it."""

import asyncio
from typing import Any

from app.tools.registry import Result, Tool
from tests.reading import Stream, ask
from tests.running import serving
from tests.scripted import FULL, WORDS, ScriptedClaude, gated, one_after_the_other, refusing, saying


async def test_the_same_key_and_body_attach_to_the_same_generation_running_or_finished() -> None:
    gate = asyncio.Event()
    key = {"Idempotency-Key": "k"}
    async with ScriptedClaude(lambda _: gated(gate)) as claude, serving(claude.url) as gateway:
        first = await gateway.stream(ask("x"), headers=key)
        second = await gateway.stream(ask("x"), headers=key)
        gate.set()
        streams = [
            await first.rest(),
            await second.rest(),
            await (await gateway.stream(ask("x"), headers=key)).rest(),
        ]
    assert {stream.id for stream in streams} == {first.id}
    assert {stream.text for stream in streams} == {FULL}
    assert len(claude.calls) == 1


async def test_fifty_concurrent_posts_of_one_key_make_one_generation() -> None:
    async with ScriptedClaude(lambda _: saying(*WORDS)) as claude, serving(claude.url) as gateway:

        async def post() -> Stream:
            return await (await gateway.stream(ask("x"), headers={"Idempotency-Key": "k"})).rest()

        streams = await asyncio.gather(*(post() for _ in range(50)))
    assert {stream.text for stream in streams} == {FULL}
    assert len({stream.id for stream in streams}) == 1
    assert len(claude.calls) == 1


async def test_how_it_is_shown_is_not_part_of_the_question() -> None:
    key = {"Idempotency-Key": "k"}
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        await (await gateway.stream(ask("x"), headers=key)).rest()
        await (await gateway.stream(ask("x", events=["text"]), headers=key)).rest()
        answer = await gateway.request("POST", "/api/chat", ask("x", stream=False), key)
    assert answer.json["content"] == [{"type": "text", "text": "a"}]
    assert len(claude.calls) == 1


async def _looking(_: dict[str, Any]) -> Result:
    return Result("nothing to be seen")


async def test_a_tool_that_is_described_in_other_words_makes_no_other_question() -> None:
    key = {"Idempotency-Key": "k"}
    asked = ask("x", tools=[{"name": "look"}])
    described = [Tool("look", words, {"type": "object"}, _looking) for words in ("Look.", "Look around.")]
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        toolbox = gateway.parts.toolbox
        for tool in described:
            toolbox.offer("server", [tool])
            assert (await (await gateway.stream(asked, headers=key)).rest()).text == "a"
    assert len(claude.calls) == 1


async def test_a_body_whose_members_stand_in_another_order_is_the_same() -> None:
    key = {"Idempotency-Key": "k"}
    fields = ask("x", metadata={"user_id": "u"})
    turned = {name: fields[name] for name in reversed(fields)}
    turned["messages"] = [{"content": "x", "role": "user"}]
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        streams = [await (await gateway.stream(body, headers=key)).rest() for body in (fields, turned)]
    assert streams[0].id == streams[1].id
    assert len(claude.calls) == 1


async def test_the_same_key_with_another_body_is_a_422() -> None:
    key = {"Idempotency-Key": "k"}
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        await (await gateway.stream(ask("x"), headers=key)).rest()
        answer = await gateway.request("POST", "/api/chat", ask("y"), key)
    assert (answer.status, answer.error["type"]) == (422, "invalid_request_error")
    assert len(claude.calls) == 1


async def test_a_key_whose_generation_failed_before_content_is_free_again() -> None:
    script = one_after_the_other(refusing(529, "overloaded_error"), saying("a"))
    key = {"Idempotency-Key": "k"}
    async with ScriptedClaude(script) as claude, serving(claude.url, retries=0) as gateway:
        refused = await gateway.request("POST", "/api/chat", ask("x"), key)
        stream = await (await gateway.stream(ask("x"), headers=key)).rest()
    assert refused.status == 529
    assert stream.text == "a"


async def test_a_key_that_is_free_again_may_ask_something_else() -> None:
    script = one_after_the_other(refusing(529, "overloaded_error"), saying("a"))
    key = {"Idempotency-Key": "k"}
    async with ScriptedClaude(script) as claude, serving(claude.url, retries=0) as gateway:
        assert (await gateway.request("POST", "/api/chat", ask("x"), key)).status == 529
        assert (await (await gateway.stream(ask("y"), headers=key)).rest()).text == "a"
        assert (await gateway.request("POST", "/api/chat", ask("x"), key)).status == 422


async def test_a_key_whose_generation_was_refused_for_good_gives_the_same_refusal() -> None:
    key = {"Idempotency-Key": "k"}
    script = refusing(400, "invalid_request_error", "bad")
    async with ScriptedClaude(lambda _: script) as claude, serving(claude.url) as gateway:
        answers = [await gateway.request("POST", "/api/chat", ask("x"), key) for _ in range(2)]
    assert [answer.status for answer in answers] == [400, 400]
    assert len(claude.calls) == 1


async def test_both_generations_of_a_key_that_was_free_again_can_be_forgotten_in_any_order() -> None:
    script = one_after_the_other(refusing(529, "overloaded_error"), saying("a"))
    key = {"Idempotency-Key": "k"}
    async with ScriptedClaude(script) as claude, serving(claude.url, retries=0) as gateway:
        await gateway.request("POST", "/api/chat", ask("x"), key)
        first = (await gateway.request("DELETE", "/api/chat", headers=key)).json["id"]
        second = (await (await gateway.stream(ask("x"), headers=key)).rest()).id
        for id_ in (second, first):
            assert (await gateway.request("DELETE", f"/api/chat/{id_}?purge=true")).status == 200
            assert (await gateway.request("GET", f"/api/chat/{id_}")).status == 410
