"""What the tests of faults share: a gateway with a FaultProxy on either side, a Claude that can go on, a checker.

client ─▶ front ─▶ gateway ─▶ behind ─▶ Claude
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.proxy import FaultProxy
from tests.reading import DEADLINE_S, Client, Stream
from tests.running import Gateway, serving
from tests.scripted import Call, Script, ScriptedClaude, saying

PIECES = [f"w{n}{nasty}" for n, nasty in enumerate(("é ", "🌍 ", "\u2028", '"\\ ', "\r\n", "👩‍👩‍👧 ") * 10)]
"""A text of pieces that all differ, with what makes encoders and splitters of lines stumble."""

FULL = "".join(PIECES)


@dataclass
class Rig:
    """A gateway between two networks that can be broken.

    Attributes:
        client: Of the gateway, through ``front``.
        gateway: The same without a network in between.
    """

    claude: ScriptedClaude
    behind: FaultProxy
    gateway: Gateway
    front: FaultProxy
    baseline: frozenset["asyncio.Task[Any]"]

    def __post_init__(self) -> None:
        self.client = Client(self.front.url)

    async def at_rest(self) -> None:
        """Wait until nothing is under way; what never ends is a leak."""
        self.front.heal()
        self.behind.heal()
        try:
            async with asyncio.timeout(DEADLINE_S / 4):
                while self.left_over():  # noqa: ASYNC110 - many things have to end, few of which tell
                    await asyncio.sleep(0)
        except TimeoutError:
            raise AssertionError(f"left over: {self.left_over()}") from None

    def left_over(self) -> list[str]:
        """Name what is still there that only an answer under way may need."""
        hub = self.gateway.hub
        generations = list(hub._generations.values())
        return [
            *(f"{hub.count()} live generations" for _ in range(hub.count() > 0)),
            *(f"{each.readers} readers of {each.id}" for each in generations if each.readers),
            *(f"a bell in the log of {each.id}" for each in generations if each.log._bells),
            *(f"call {n} to Claude" for n, call in enumerate(self.claude.calls) if not call.closed.is_set()),
            *(f"{task!r}" for task in asyncio.all_tasks() - self.baseline if _is_the_gateways(task)),
        ]


def _is_the_gateways(task: "asyncio.Task[Any]") -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is None or "tests" not in Path(code.co_filename).parts


@asynccontextmanager
async def rigged(script: Script, **settings: Any) -> AsyncIterator[Rig]:
    """Run a gateway between two proxies, in front of a Claude that does as *script* says.

    When the block is left, whatever was under way must come to rest while the gateway still runs.
    """
    async with (
        ScriptedClaude(script) as claude,
        FaultProxy(*_address(claude.url)) as behind,
        serving(behind.url, **settings) as gateway,
        FaultProxy(gateway.host, gateway.port) as front,
    ):
        own = asyncio.current_task()
        rig = Rig(claude, behind, gateway, front, frozenset(asyncio.all_tasks() | ({own} if own else set())))
        yield rig
        await rig.at_rest()


def _address(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").partition(":")
    return host, int(port)


# A Claude that can go on


def said(call: Call) -> str:
    """Return the text that a request to go on says has been said already; empty for a first call."""
    messages = call.body["messages"]
    if len(messages) == 1:
        return ""
    return "".join(block["text"] for block in messages[1]["content"] if block["type"] == "text")


def rest(call: Call, pieces: Sequence[str] = PIECES, *, overlap: int = 0) -> list[bytes]:
    """Return the frames that finish the answer *pieces*, *overlap* characters of it once more."""
    full, had = "".join(pieces), said(call)
    assert full.startswith(had), f"the gateway says that Claude had said {had!r}"
    at = max(0, len(had) - overlap)
    return saying(*cut(full[at:], map(len, pieces)))


def cut(text: str, lengths: Iterable[int]) -> Iterator[str]:
    """Yield *text* in pieces of these lengths."""
    for length in lengths:
        if text:
            yield text[:length]
            text = text[length:]


# What must hold of every reader


def whole(*streams: Stream, full: str = FULL, reason: str | None = "end_turn") -> None:
    """Insist that *streams*, each resumed after the last id of the one before, are one whole answer.

    No character lost or doubled, ids that rise, exactly one terminal event and one ``[DONE]``, the right digest.
    """
    part(*streams, full=full)
    last = streams[-1]
    assert last.done == 1, f"no [DONE]; the last events were {last.events[-3:]}"
    assert "".join(stream.text for stream in streams) == full
    assert last.terminal["type"] == "done", last.terminal
    assert last.terminal["stop_reason"] == reason
    assert last.terminal["digest"] == hashlib.sha256(full.encode()).hexdigest()


def part(*streams: Stream, full: str = FULL) -> None:
    """Insist that *streams*, each resumed after the last id of the one before, are a prefix of the answer."""
    assert full.startswith("".join(stream.text for stream in streams))
    numbers = [int(id_.removeprefix("1-")) for stream in streams for id_ in stream.ids]
    assert numbers == sorted(set(numbers)), f"ids do not rise: {numbers}"
    terminals = [event for stream in streams for event in stream.events if event["type"] in ("done", "error")]
    assert len(terminals) <= 1
    assert [stream.done for stream in streams[:-1]] == [0] * (len(streams) - 1)
    assert len(terminals) == streams[-1].done
