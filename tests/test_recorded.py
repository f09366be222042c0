"""Streams that were recorded from Claude, through the SDK and real HTTP: readers rebuild what the SDK puts together.

``RECORDED_STREAMS`` names their folder, as for ``tests/protocol/test_recorded.py``.
"""

import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic
import pytest
import pytest_asyncio

from app.protocol.encoding import CLASSES, parse
from app.protocol.fold import Fold
from app.protocol.sse import Decoder, Frame
from tests.protocol.cutting import cut
from tests.protocol.frames import Accumulated
from tests.protocol.test_recorded import FOLDER, ROWS, is_broken
from tests.reading import Stream, ask
from tests.running import Gateway, serving
from tests.scripted import Call, ScriptedClaude, ending, message_start

pytestmark = [
    pytest.mark.skipif(not ROWS, reason="RECORDED_STREAMS names no folder of recorded streams"),
    pytest.mark.asyncio(loop_scope="module"),
]

WHOLE = [
    row["file"] for row in ROWS if not is_broken(row) and "stop:pause_turn" not in row["features"].split()
]
MAX_CUTS = 40


@dataclass
class Replay:
    """A Claude that says what was recorded, a gateway before it, and Claude's own client beside it."""

    claude: ScriptedClaude
    gateway: Gateway
    client: anthropic.AsyncAnthropic


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def replay() -> AsyncIterator[Replay]:
    async with (
        ScriptedClaude(_recorded) as claude,
        serving(claude.url, on_break="error", retries=0, max_generation_bytes=2**28) as gateway,
        anthropic.AsyncAnthropic(base_url=claude.url, api_key="any", max_retries=0) as client,
    ):
        yield Replay(claude, gateway, client)


def _recorded(call: Call) -> list[bytes]:
    """Return the stream that the prompt names, cut where its seed says."""
    if len(call.body["messages"]) > 1:
        return [message_start(), *ending()]
    seed, _, file = call.body["messages"][0]["content"].partition(" ")
    data = Path(FOLDER, file).read_bytes()
    rng = random.Random(seed)  # noqa: S311 - no secret
    places = [rng.randrange(len(data)) for _ in range(rng.randrange(MAX_CUTS))]
    return [piece for piece in cut(data, places) if piece]


def frames_of(file: str) -> list[Frame]:
    return list(Decoder().feed(Path(FOLDER, file).read_bytes()))


def prompt_for(file: str) -> str:
    seed = random.randrange(2**32)  # noqa: S311
    print(f"cut with seed {seed}")  # noqa: T201 - shown when the test fails
    return f"{seed} {file}"


def fold_of(stream: Stream) -> Fold:
    fold = Fold()
    for event in stream.events:
        fold.feed(parse(json.dumps(event).encode()))
    return fold


def can_be_sent_back(block: dict[str, Any]) -> bool:
    match block:
        case {"type": "text", "text": text}:
            return bool(text.strip())
        case {"type": "thinking"}:
            return "signature" in block
        case _:
            return block.get("input", {}) is not None


def without_empty(block: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if not (name == "signature" and value == "")}


@pytest.mark.parametrize("file", WHOLE)
async def test_readers_rebuild_the_message_that_the_sdk_puts_together(file: str, replay: Replay) -> None:
    stream = await (await replay.gateway.stream(ask(prompt_for(file)))).rest()
    snapshot = (await replay.gateway.request("GET", f"/api/chat/{stream.id}")).json
    message = (await replay.gateway.request("POST", "/api/chat", ask(prompt_for(file), stream=False))).json
    asked: Any = ask(prompt_for(file), max_tokens=1000)
    async with replay.client.beta.messages.stream(**asked) as theirs:
        final = (await theirs.get_final_message()).to_dict(warnings=False)
    raw = Accumulated(frames_of(file))

    content = [without_empty(block) for block in final["content"]]  # type: ignore[attr-defined]
    assert fold_of(stream).content(0) == content == raw.blocks
    assert message["content"] == content
    assert (stream.terminal["type"], stream.done) == ("done", 1)
    assert stream.terminal["stop_reason"] == message["stop_reason"] == raw.stop_reason
    assert stream.terminal["usage"] == message["usage"] == raw.usage
    assert message["id"] == final["id"]
    assert not stream.of("unknown")
    assert {event["type"] for event in stream.events} <= set(CLASSES)
    returned = [block for block in content if can_be_sent_back(block)]
    assert snapshot["turns"] == ([{"role": "assistant", "content": returned}] if returned else [])


@pytest.mark.parametrize("file", [row["file"] for row in ROWS if "stop:pause_turn" in row["features"]])
async def test_a_turn_that_paused_goes_up_again_as_claude_sent_it(file: str, replay: Replay) -> None:
    stream = await (await replay.gateway.stream(ask(prompt_for(file)))).rest()
    said = Accumulated(frames_of(file)).blocks
    again = replay.claude.calls[-1].body["messages"][1:]
    assert again == [{"role": "assistant", "content": said}]
    assert fold_of(stream).content(0) == said
    assert (stream.terminal["type"], stream.terminal["stop_reason"]) == ("done", "end_turn")


@pytest.mark.parametrize("file", [row["file"] for row in ROWS if is_broken(row)])
async def test_a_stream_that_broke_ends_in_one_error_and_what_came_stays(file: str, replay: Replay) -> None:
    answer = await replay.gateway.open("POST", "/api/chat", ask(prompt_for(file)))
    status = answer[0]
    if status != 200:  # nothing had been said
        assert status in (429, 502, 529, 500)
        answer[3].close()
        return
    stream = await Stream(*answer).rest()
    assert stream.done == 1
    raw_text = "".join(
        json.loads(frame.data)["delta"].get("text", "")
        for frame in frames_of(file)
        if frame.event == "content_block_delta"
    )
    assert stream.text == raw_text
    assert [event["type"] for event in stream.events if event["type"] in ("done", "error")] == (
        ["done"] if "two_message_starts" in features(file) else ["error"]
    )


def features(file: str) -> set[str]:
    return next(set(row["features"].split()) for row in ROWS if row["file"] == file)
