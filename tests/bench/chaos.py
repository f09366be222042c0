"""Random faults on both sides of a gateway, from a seed: is every reader right at every moment?

::

    readers ─▶ FaultProxy, one for each lane ─▶ claude-gateway, as it is shipped ─▶ a Claude that goes on exactly

``uv run python -m tests.bench.chaos --generations 2000 --faults 4000 --seed 1``

Each generation has a plan, made from the seed and its number alone: a text with everything that makes encoders
stumble, what Claude's calls do (refuse, break, fall silent, dribble, repeat themselves at a joint), and what its
readers do and suffer (resets, cuts, stalls, slices, slow lines, lost questions, double resumes, reloads, cancels,
leaving). What a plan does is the same in each run; when exactly it happens to which byte is not.

Checked, and each violation printed with the number of its generation:

- at every event: what the reader has is a prefix of the text; ids rise; nothing comes after the terminal event;
- at the end: the text is whole, its digest right, one terminal event, one ``[DONE]``, the same in the snapshot;
- every call of Claude: what the gateway says has been said is a prefix; no more calls than the plan's breaks allow;
- the process: memory does not grow, no reader, generation or connection is left over, a clean log, exit code 0.

The exit code is 1 if anything was violated, or if fewer faults happened than were asked for.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import random
import re
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import linear_regression
from typing import Any

from tests.bench.kernel import machine, raise_file_limit, rss_bytes
from tests.faults.proxy import FaultProxy
from tests.reading import Client, Stream
from tests.running import Program, program
from tests.scripted import (
    Answer,
    Call,
    Ending,
    ScriptedClaude,
    ending,
    frame,
    message_start,
    refusing,
    text_block,
    thinking_block,
)

LANES = 48
"""Generations at a time."""

MODELS = ("claude-sonnet-5-5", "claude-haiku-4-5")
"""The first is asked to go on after a break, the second takes what it had said as a prefill."""

SETTINGS = {
    "GATEWAY_MODELS": ",".join(MODELS),
    "GATEWAY_STALL_TIMEOUT": "3",
    "GATEWAY_ORPHAN_GRACE": "5",
    "GATEWAY_SEND_TIMEOUT": "5",
    "GATEWAY_PING_INTERVAL": "0.5",
    "GATEWAY_MAX_STREAMS_PER_CLIENT": "1000",
    "GATEWAY_RATE_LIMIT": "1000000/minute",
}
"""Times are short, so that a run is; retries and continuations are what they always are."""

RETRIES, CONTINUATIONS = 3, 2
"""The gateway's defaults."""

TAILS = (
    " ", " ", " ", "\r\n", "\n", "\n\n", "\u2028", "\u2029", "\x85", "\t", "é ", "ł", "漢字", "🌍", "👩\u200d👩\u200d👧 ", "e\u0301 ",
    '"', '\\"', "\\n", "</script>", "data: [DONE]\n", "\n\ndata: x\n\n", "\x00", "\x7f", "🏳️\u200d🌈", "0\r\n\r\n", "[DONE]",
)  # fmt: skip
"""What stands between words."""

BEFORE = (
    "429",
    "529",
    "503",
    "overloaded at once",
    "reset at once",
    "closed at once",
    "error after the head",
)
"""What can happen to a call before it says anything."""

BREAKS = ("reset", "closed", "overloaded", "error", "dribble, then reset")
"""What can happen in the middle of one."""

SILENCES = ("silence", "pings alone")
"""The same, but they take as long as the stall timeout."""

NETWORK = ("reset", "close", "stall")

READING = (*NETWORK, *NETWORK, "double resume", "reload", "asked again", "slices", "slow", "left the line")

MB = 1024 * 1024

GROWTH_LIMIT = 8 * MB
"""Resident memory may grow by so much in 1,000 generations, in the second half of a run, and still be called flat."""


# Plans


@dataclass(frozen=True)
class Plan:
    """One generation.

    Attributes:
        number: Which.
        model: Who is asked.
        text: What Claude says.
        pieces: How long its deltas are, in characters, over and over.
        thinks: Whether it thinks first.
        gap_s: Seconds between two deltas.
        calls: What happens to the calls of Claude, one after the other; after these nothing does.
        cuts: Where they break, as a part of what is left of the text.
        overlaps: How many characters each call repeats, if it goes on.
        loses_question: Whether the answer to the first POST is lost.
        reading: What happens to the reader, in this order.
        places: When, as a part of the text.
        ends: ``whole``, ``doomed`` (Claude breaks each time), ``cancelled``, ``cancelled by key`` or ``left``.
    """

    number: int
    model: str
    text: str
    pieces: list[int]
    thinks: bool
    gap_s: float
    calls: list[str]
    cuts: list[float]
    overlaps: list[int]
    loses_question: bool
    reading: list[str]
    places: list[float]
    ends: str

    @property
    def question(self) -> dict[str, Any]:
        """What is sent to the gateway."""
        return {"model": self.model, "messages": [{"role": "user", "content": f"chaos:{self.number}"}]}

    @property
    def most_calls(self) -> int:
        """How often Claude may be asked."""
        return 1 + RETRIES + CONTINUATIONS if self.ends == "doomed" else 1 + len(self.calls)

    @property
    def digest(self) -> str:
        """Of the whole text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def make_plan(seed: int, number: int, faults: float) -> Plan:
    """Return the plan of generation *number* with about so many *faults*."""
    chance = random.Random(f"{seed}:{number}")  # noqa: S311 - no secret
    words = [f"{chance.getrandbits(40):x}{chance.choice(TAILS)}" for _ in range(chance.randrange(12, 90))]
    wanted = int(faults) + (chance.random() < faults % 1)
    of_claude = sum(chance.random() < 0.4 for _ in range(wanted))
    calls: list[str] = []
    for _ in range(min(of_claude, 3)):
        if "before" not in map(_when, calls) and chance.random() < 0.35:
            calls.append(chance.choice(BEFORE))
        elif sum(_when(each) == "after" for each in calls) < CONTINUATIONS:
            calls.append(chance.choice(SILENCES) if chance.random() < 0.08 else chance.choice(BREAKS))
    ends = chance.choices(["whole", "doomed", "cancelled", "cancelled by key", "left"], [90, 3, 3, 2, 2])[0]
    count = max(1 if ends in ("whole", "doomed") else 0, wanted - len(calls))
    return Plan(
        number=number,
        model=chance.choice(MODELS),
        text="".join(words),
        pieces=[chance.randrange(1, 16) for _ in range(20)],
        thinks=chance.random() < 0.25,
        gap_s=chance.choice([0, 0.002, 0.005, 0.01]),
        calls=calls,
        cuts=[chance.random() for _ in range(8)],
        overlaps=[chance.choice([0, 0, 0, chance.randrange(8, 200)]) for _ in range(8)],
        loses_question=chance.random() < 0.15,
        reading=[chance.choice(READING) for _ in range(count)],
        places=sorted(chance.random() for _ in range(count)),
        ends=ends,
    )


def _when(what: str) -> str:
    return "before" if what in BEFORE else "after"


# What is found


@dataclass
class Findings:
    """What happened, and what should not have."""

    faults: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    characters: int = 0
    events: int = 0
    connections: int = 0
    seams: int = 0
    done: int = 0
    memory: list[tuple[int, int]] = field(default_factory=list)

    def insist(self, holds: bool, number: int, what: str) -> None:
        """Note a violation of generation *number* unless it *holds*."""
        if not holds:
            self.violations.append(f"generation {number}: {what}")


# Claude


class Claude:
    """Says what the plans say, and goes on exactly where it broke."""

    def __init__(self, plans: dict[int, Plan], findings: Findings) -> None:
        self._plans = plans
        self._findings = findings
        self.calls: dict[int, list[Call]] = {number: [] for number in plans}

    def __call__(self, call: Call) -> Answer:
        """Return the answer to *call*."""
        number = int(re.findall(r"chaos:(\d+)", call.prompt)[0])
        plan, calls = self._plans[number], self.calls[number]
        calls.append(call)
        insist = self._findings.insist
        insist(len(calls) <= plan.most_calls, number, f"call {len(calls)}, {plan.most_calls} are allowed")
        said = _said(call)
        insist(plan.text.startswith(said), number, f"the gateway says that Claude had said …{said[-60:]!r}")
        nth = len(calls) - 1
        what = "reset" if plan.ends == "doomed" else plan.calls[nth] if nth < len(plan.calls) else None
        if what in BEFORE:
            self._findings.faults[f"Claude: {what}"] += 1
            return _refusal(what)
        return self._stream(plan, call, nth, what, len(said))

    def _stream(self, plan: Plan, call: Call, nth: int, what: str | None, at: int) -> Iterator[Any]:
        overlap = plan.overlaps[nth % len(plan.overlaps)]
        if at < overlap or what in SILENCES:  # a silence at a joint outlasts what is held back there
            overlap = 0
        frames = list(_frames(plan, plan.text[at - overlap :], nth))
        raw = b"".join(frames)
        if what is None:
            yield from self._paced(frames, plan.gap_s, overlap)
            return
        # A doomed answer must get on a little each time, or it is as if nothing had been said.
        cut = int(len(raw) * plan.cuts[nth % len(plan.cuts)])
        whole: list[bytes] = []
        for each in frames:
            if cut < len(each):
                break
            cut -= len(each)
            whole.append(each)
        torn = frames[len(whole)][:cut] if len(whole) < len(frames) else b""
        yield from self._paced(whole, plan.gap_s, overlap)
        self._findings.faults[f"Claude: {what}"] += 1
        if what.startswith("dribble"):
            yield from (torn[at : at + 1] for at in range(len(torn)))
        elif torn and what in ("reset", "closed"):
            yield torn
        match what:
            case "closed":
                yield Ending.CLOSE
            case "silence":
                yield Ending.STALL
            case "pings alone":
                while not call.aborted:
                    yield frame("ping")
                    yield _after(0.3)
            case "overloaded":
                yield _error("overloaded_error")
            case "error":
                yield _error("api_error")
            case _:
                yield Ending.RESET

    @staticmethod
    def _paced(frames: list[bytes], gap_s: float, at_once: int) -> Iterator[Any]:
        # What is repeated comes at once: the gateway holds it back, but not for long.
        for number, each in enumerate(frames):
            yield each
            if gap_s and number > at_once:
                yield _after(gap_s)


def _said(call: Call) -> str:
    messages = call.body["messages"]
    return "".join(block.get("text", "") for block in messages[1]["content"]) if len(messages) > 1 else ""


def _frames(plan: Plan, text: str, nth: int) -> Iterator[bytes]:
    yield message_start(id_=f"msg_{plan.number}_{nth}")
    if plan.thinks:
        yield from thinking_block("Let me ", "think 🤔", signature=f"s{nth}")
    pieces, at, n = [], 0, 0
    while at < len(text):
        length = plan.pieces[n % len(plan.pieces)]
        pieces.append(text[at : at + length])
        at, n = at + length, n + 1
    yield from text_block(*pieces, index=int(plan.thinks))
    yield from ending(output_tokens=n)


def _refusal(what: str) -> Answer:
    match what:
        case "429" | "529" | "503":
            return refusing(int(what), "x_error", retry_after_ms="20")
        case "overloaded at once":
            return [_error("overloaded_error")]
        case "reset at once":
            return [Ending.RESET]
        case "closed at once":
            return [Ending.CLOSE]
        case _:
            return [message_start(), _error("api_error")]


def _error(kind: str) -> bytes:
    return frame("error", error={"type": kind, "message": "by plan"})


def _after(seconds: float) -> asyncio.Event:
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, passed.set)
    return passed


# Readers


class Broken(Exception):
    """A violation after which there is nothing more to read."""


class Reader:
    """One reader of one generation, over however many connections it takes.

    Attributes:
        has: How many characters it has seen.
        last: The id of the last event it saw.
        terminal: The terminal event, once it has come.
    """

    def __init__(self, plan: Plan, findings: Findings, has: int = 0, last: str | None = None) -> None:
        self._plan = plan
        self._findings = findings
        self.has = has
        self.last = last
        self.terminal: dict[str, Any] | None = None
        self._finished = False
        self._number = _position(last)

    def twin(self) -> "Reader":
        """Return another reader that has seen the same."""
        return Reader(self._plan, self._findings, self.has, self.last)

    async def read(self, stream: Stream, until: int | None = None) -> bool:
        """Read to the end, to the cut, or until there are *until* characters; say whether it goes on."""
        at = 0
        while until is None or self.has < until:
            more = await stream._read()
            for event, id_ in zip(stream.events[at:], stream.ids[at:], strict=True):
                self._take(event, id_)
            at = len(stream.events)
            self._finished = self._finished or stream.done == 1
            if not more:
                # Cut between its terminal event and [DONE], a stream is not resumed: there is nothing after its cursor.
                self._finished = self._finished or (stream.cut and self.terminal is not None)
                return False
        stream.events, stream.ids = [], []
        return True

    def _take(self, event: dict[str, Any], id_: str) -> None:
        plan, insist = self._plan, self._findings.insist
        self._findings.events += 1
        number = _position(id_)
        insist(number > self._number, plan.number, f"id {id_} after {self.last}")
        insist(self.terminal is None, plan.number, f"{event['type']} after the terminal event")
        self._number, self.last = number, id_
        match event["type"]:
            case "text":
                here = plan.text[self.has : self.has + len(event["text"])]
                if here != event["text"]:
                    raise Broken(f"at {self.has} came {event['text'][:60]!r}, not {here[:60]!r}")
                self.has += len(event["text"])
            case "seam":
                self._findings.seams += 1
            case "done" | "error":
                self.terminal = event
            case _:
                pass

    def finish(self) -> None:
        """Insist on what must hold at the end."""
        plan, insist, terminal = self._plan, self._findings.insist, self.terminal
        if terminal is None:
            raise Broken("no terminal event")
        insist(self._finished, plan.number, "no [DONE]")
        digest = hashlib.sha256(plan.text[: self.has].encode()).hexdigest()
        insist(terminal["digest"] == digest, plan.number, "the digest is not that of the text")
        if terminal["type"] == "error":
            insist(plan.ends == "doomed", plan.number, f"{terminal['error']}")
            insist(terminal["error"]["retryable"] is True, plan.number, "an error that is not retryable")
        elif terminal["stop_reason"] in ("cancelled", "abandoned"):
            insist(plan.ends.startswith(("cancelled", "left")), plan.number, terminal["stop_reason"])
        else:
            insist(self.has == len(plan.text), plan.number, f"ended after {self.has} of {len(plan.text)}")


def _position(id_: str | None) -> int:
    return int(id_.partition("-")[2]) if id_ else 0


class Lane:
    """A line to the gateway that breaks, and the readers on it, one generation after the other."""

    def __init__(self, proxy: FaultProxy, gateway: Client, claude: Claude, findings: Findings) -> None:
        self._proxy = proxy
        self._client = Client(proxy.url)
        self._gateway = gateway
        self._claude = claude
        self._findings = findings

    async def run(self, plan: Plan) -> None:
        """Carry *plan* out."""
        try:
            async with asyncio.timeout(120):
                await _Play(
                    plan, self._proxy, self._client, self._gateway, self._claude, self._findings
                ).run()
        except (Broken, AssertionError, TimeoutError, OSError, EOFError, KeyError, ValueError) as error:
            self._findings.violations.append(f"generation {plan.number}: {type(error).__name__} {error}")
        finally:
            self._proxy.heal()
            self._proxy.end("reset")
            self._findings.done += 1
            self._findings.ends[plan.ends] += 1


@dataclass
class _Play:
    plan: Plan
    proxy: FaultProxy
    client: Client
    gateway: Client
    claude: Claude
    findings: Findings
    stream: Stream | None = None
    chat: str = ""
    others: list["asyncio.Task[None]"] = field(default_factory=list)
    armed: str = ""

    def __post_init__(self) -> None:
        self.reader = Reader(self.plan, self.findings)
        self.key = {"Idempotency-Key": f"chaos-{self.plan.number}"}
        self.chance = random.Random(self.plan.number)  # noqa: S311 - no secret

    async def run(self) -> None:
        try:
            await self._ask()
            for what, place in zip(self.plan.reading, self.plan.places, strict=True):
                if not await self._on(int(place * len(self.plan.text))):
                    break
                await self._suffer(what)
            await self._end()
        finally:
            for task in self.others:
                task.cancel()
            await asyncio.gather(*self.others, return_exceptions=True)
            if self.stream:
                self.stream.close()
        self.findings.characters += self.reader.has
        self.findings.insist(
            bool(self.claude.calls[self.plan.number]), self.plan.number, "Claude was never asked"
        )

    # Its connections

    async def _ask(self) -> None:
        if self.plan.loses_question:
            self.proxy.down.cut("reset", after=self.chance.randrange(300), times=1)
            if await self._post() is None:
                self.findings.faults["reader: lost answer, asked again"] += 1
            self.proxy.heal()
        while self.stream is None:
            self.stream = await self._post()

    async def _post(self) -> Stream | None:
        try:
            stream = await self.client.stream(self.plan.question, headers=self.key)
        except (OSError, asyncio.IncompleteReadError):
            return None
        self.findings.connections += 1
        self.findings.insist(self.chat in ("", stream.id), self.plan.number, "one key, two generations")
        self.chat = stream.id
        if self.plan.loses_question and self.proxy.down._cut:
            # The cut is still to come, somewhere in the beginning of the answer.
            await self.reader.read(stream, self.reader.has + 1)
        if stream.cut:
            stream.close()
            self.findings.faults["reader: lost answer, asked again"] += 1
            return await self._resumed(self.reader)
        return stream

    async def _resumed(self, reader: Reader, client: Client | None = None) -> Stream | None:
        """Return a stream of what *reader* has not seen; None if that is nothing."""
        path = f"/api/chat/{self.chat}/stream"
        by_query = reader.last and self.chance.random() < 0.3
        headers = {"Last-Event-ID": reader.last} if reader.last and not by_query else {}
        path += f"?after={reader.last}" if by_query else ""
        while True:
            try:
                status, got, r, w = await (client or self.client).open("GET", path, headers=headers)
            except (OSError, asyncio.IncompleteReadError):
                continue  # the line is cut already
            self.findings.connections += 1
            if status == 200:
                return Stream(status, got, r, w)
            w.close()
            self.findings.insist(
                status == 204 and reader.terminal is not None, self.plan.number, f"{status} to a resume"
            )
            if status != 204:
                raise Broken(f"{status} to a resume")
            return None

    async def _on(self, until: int | None) -> bool:
        """Read on, over as many connections as it takes; say whether there is more to come."""
        while self.stream:
            if await self.reader.read(self.stream, until):
                return self.reader.terminal is None
            if self.stream.cut and self.armed:
                self.findings.faults[f"reader: {self.armed}"] += 1
                self.armed = ""
            self.stream.close()
            self.stream = None if self.reader.terminal else await self._resumed(self.reader)
        return False

    async def _other(self, reader: Reader, stream: Stream | None) -> None:
        """Read with another reader to the end."""
        while stream:
            await reader.read(stream)
            stream.close()
            stream = None if reader.terminal else await self._resumed(reader, self.gateway)
        reader.finish()

    # What happens to it

    async def _suffer(self, what: str) -> None:
        assert self.stream
        if what in ("reset", "close"):
            self.armed = what  # and counted when it happens
        else:
            self.findings.faults[f"reader: {what}"] += 1
        match what:
            case "reset" | "close":
                self.proxy.down.cut(
                    "reset" if what == "reset" else "close", after=self.chance.randrange(400), times=1
                )
            case "stall":
                self.proxy.down.stall()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.reader.read(self.stream), 0.05)
                self.proxy.heal()
                await self._again()
            case "slices":
                self.proxy.down.slice_bytes = self.chance.randrange(1, 8)
                await self._again()
            case "slow":
                self.proxy.down.bytes_per_second = self.chance.randrange(20_000, 200_000)
                await self._again()
            case "left the line":
                await self._again()
            case "double resume":
                twin = self.reader.twin()
                self.others.append(
                    asyncio.create_task(self._other(twin, await self._resumed(twin, self.gateway)))
                )
                await self._again()
            case "asked again":
                twin = Reader(self.plan, self.findings)
                stream = await self.gateway.stream(self.plan.question, headers=self.key)
                self.findings.insist(stream.id == self.chat, self.plan.number, "one key, two generations")
                self.others.append(asyncio.create_task(self._other(twin, stream)))
            case _:
                await self._reload()

    async def _again(self) -> None:
        """Leave the connection and come back over another."""
        if self.stream:
            self.stream.close()
        self.stream = await self._resumed(self.reader) if not self.reader.terminal else None

    async def _reload(self) -> None:
        if self.stream:
            self.stream.close()
            self.stream = None
        snapshot = (await self.gateway.request("GET", f"/api/chat/{self.chat}")).json
        text = _text(snapshot)
        insist = self.findings.insist
        insist(self.plan.text.startswith(text), self.plan.number, "the snapshot is no prefix")
        insist(len(text) >= self.reader.has, self.plan.number, "the snapshot has less than a reader")
        self.reader = Reader(self.plan, self.findings, len(text), snapshot["cursor"])
        self.stream = await self._after_snapshot(snapshot)

    async def _after_snapshot(self, snapshot: dict[str, Any]) -> Stream | None:
        if snapshot["state"] == "running":
            return await self._resumed(self.reader)
        # At its end there is nothing after the cursor, so look at the last event once more.
        end = _position(snapshot["cursor"])
        self.reader.last, self.reader._number = f"1-{end - 1}", end - 1
        return await self._resumed(self.reader)

    # How it ends

    async def _end(self) -> None:
        match self.plan.ends:
            case "cancelled":
                await self._cancelled("DELETE", f"/api/chat/{self.chat}", {})
            case "cancelled by key":
                await self._cancelled("DELETE", "/api/chat", self.key)
            case "left":
                await self._left()
            case _:
                pass
        await self._on(None)
        self.reader.finish()
        snapshot = (await self.gateway.request("GET", f"/api/chat/{self.chat}")).json
        insist = self.findings.insist
        insist(_text(snapshot) == self.plan.text[: self.reader.has], self.plan.number, "the snapshot differs")
        insist(snapshot["state"] != "running", self.plan.number, "it still runs after its end")
        await asyncio.gather(*self.others)
        # Forgotten at once, or memory could not be flat.
        await self.gateway.request("DELETE", f"/api/chat/{self.chat}?purge=true")
        gone = await self.gateway.request("GET", f"/api/chat/{self.chat}/stream")
        insist(gone.status == 410, self.plan.number, f"{gone.status} for what was forgotten")

    async def _cancelled(self, method: str, path: str, headers: dict[str, str]) -> None:
        answer = await self.gateway.request(method, path, headers=headers)
        self.findings.faults["reader: cancel"] += 1
        self.findings.insist(answer.status == 200, self.plan.number, f"{answer.status} to a cancel")
        for call in self.claude.calls[self.plan.number]:
            await asyncio.wait_for(call.closed.wait(), 5)

    async def _left(self) -> None:
        """Leave for longer than the grace; it must be abandoned then, if it did not end before."""
        if self.stream:
            self.stream.close()
            self.stream = None
        for task in self.others:
            task.cancel()
        await asyncio.gather(*self.others, return_exceptions=True)
        self.others.clear()
        self.findings.faults["reader: left"] += 1
        for call in self.claude.calls[self.plan.number]:
            await call.closed.wait()
        while (await self.gateway.request("GET", f"/api/chat/{self.chat}")).json["state"] == "running":  # noqa: ASYNC110 - HTTP has no event for it
            await asyncio.sleep(0.1)
        if self.reader.terminal is None:
            self.stream = await self._resumed(self.reader)


def _text(snapshot: dict[str, Any]) -> str:
    blocks = snapshot["turns"][0]["content"] if snapshot["turns"] else []
    return "".join(block["text"] for block in blocks if block["type"] == "text")


# The run


async def chaos(plans: dict[int, Plan], lanes: int, findings: Findings) -> None:
    """Carry out *plans*, so many at a time."""
    claude = Claude(plans, findings)
    async with contextlib.AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(ScriptedClaude(claude))
        running = stack.enter_context(program(ANTHROPIC_BASE_URL=upstream.url, **SETTINGS))
        gateway = Client(running.url)
        waiting = iter(plans.values())
        began = time.monotonic()

        async def work() -> None:
            async with FaultProxy(gateway.host, gateway.port) as proxy:
                lane = Lane(proxy, gateway, claude, findings)
                for plan in waiting:
                    await lane.run(plan)

        watching = asyncio.create_task(_watch(running, findings, len(plans), began))
        await asyncio.gather(*(work() for _ in range(lanes)))
        watching.cancel()
        await _at_rest(running, gateway, claude, findings)
    _check_memory(findings)


async def _watch(running: Program, findings: Findings, total: int, began: float) -> None:
    told = began
    while True:
        findings.memory.append((findings.done, rss_bytes([running.process.pid])))
        if time.monotonic() - told > 15:
            told = time.monotonic()
            sys.stderr.write(
                f"{findings.done}/{total} generations, {findings.faults.total()} faults, "
                f"{len(findings.violations)} violations, {findings.memory[-1][1] // MB} MB, {told - began:.0f} s\n"
            )
        await asyncio.sleep(0.25)


async def _at_rest(running: Program, gateway: Client, claude: Claude, findings: Findings) -> None:
    """Insist that nothing is left over, and that the process ends well."""

    async def left() -> list[str]:
        lines = (await gateway.request("GET", "/metrics")).raw.decode().splitlines()
        watched = ("gateway_generations_live ", "gateway_readers ")
        out = [line for line in lines if line.startswith(watched) and not line.endswith(" 0.0")]
        return out + [
            f"call {n} of generation {number}"
            for number, calls in claude.calls.items()
            for n, call in enumerate(calls)
            if not call.closed.is_set()
        ]

    try:
        async with asyncio.timeout(15):
            while await left():  # noqa: ASYNC110 - HTTP has no event for it
                await asyncio.sleep(0.1)
    except TimeoutError:
        findings.violations.append(f"left over: {await left()}")
    running.signal(signal.SIGTERM)
    code = await asyncio.to_thread(running.process.wait, 60)
    if code != 0:
        findings.violations.append(f"exit code {code}")
    for trouble in ("Traceback", "without completing", "never retrieved", "was destroyed"):
        if trouble in running.text():
            findings.violations.append(f"{trouble!r} in the log: {running.text()[-2000:]}")


def _check_memory(findings: Findings) -> None:
    slope = growth(findings)
    if slope is not None and slope > GROWTH_LIMIT:
        findings.violations.append(f"memory grows by {slope / MB:.1f} MB in 1,000 generations")


def growth(findings: Findings) -> float | None:
    """Return by how many bytes memory grew in 1,000 generations, in the second half of the run; None if it was short."""
    half = [point for point in findings.memory if point[0] > findings.done / 2]
    if findings.done < 500 or len(half) < 20:
        return None
    return linear_regression([done for done, _ in half], [size for _, size in half]).slope * 1000


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.chaos", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--generations", type=int, default=100)
    parser.add_argument("--faults", type=int, help="at least so many; twice the generations by default")
    parser.add_argument("--seed", type=int, help="random by default, and printed")
    parser.add_argument("--lanes", type=int, default=LANES, help="generations at a time")
    parser.add_argument(
        "--only", type=int, nargs="+", metavar="N", help="these generations of the seed alone"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there")
    return parser.parse_args()


def main() -> int:
    """Run it; return the exit code."""
    asked = _arguments()
    raise_file_limit()
    seed = asked.seed if asked.seed is not None else secrets.randbelow(2**31)
    wanted = asked.faults if asked.faults is not None else 2 * asked.generations
    sys.stderr.write(f"seed {seed}\n")
    each = 1.2 * wanted / asked.generations  # some do not come to it
    numbers = asked.only or range(asked.generations)
    plans = {number: make_plan(seed, number, each) for number in numbers}
    findings = Findings()
    began = time.monotonic()
    asyncio.run(chaos(plans, asked.lanes, findings))
    took = time.monotonic() - began
    if not asked.only and findings.faults.total() < wanted:
        findings.violations.append(f"only {findings.faults.total()} of {wanted} faults came to pass")
    slope = growth(findings)
    result = {
        "seed": seed,
        "generations": len(plans),
        "faults": findings.faults.total(),
        "faults_by_kind": dict(sorted(findings.faults.items())),
        "ends": dict(sorted(findings.ends.items())),
        "characters": findings.characters,
        "events": findings.events,
        "connections": findings.connections,
        "joints": findings.seams,
        "memory_mb": {
            "first": findings.memory[0][1] // MB,
            "greatest": max(size for _, size in findings.memory) // MB,
            "last": findings.memory[-1][1] // MB,
            "growth_per_1000_generations": None if slope is None else round(slope / MB, 2),
        },
        "seconds": round(took, 1),
        "violations": findings.violations,
        "machine": machine(),
    }
    for violation in findings.violations[:20]:
        sys.stdout.write(f"VIOLATION {violation}\n")
    flat = "" if slope is None else f", memory {slope / MB:+.1f} MB per 1,000 generations"
    sys.stdout.write(
        f"seed {seed}: {len(plans):,} generations, {findings.faults.total():,} faults, {findings.characters:,} characters "
        f"over {findings.connections:,} connections, {findings.seams:,} joints seen, {len(findings.violations)} violations"
        f"{flat}, {took:.0f} s\n"
    )
    text = json.dumps(result, ensure_ascii=False, indent=1)
    if asked.json:
        asked.json.write_text(text, "utf-8")
    else:
        sys.stdout.write(f"{text}\n")
    if asked.only:
        sys.stdout.write(json.dumps([asdict(plan) for plan in plans.values()], ensure_ascii=False) + "\n")
    return 1 if findings.violations else 0


if __name__ == "__main__":
    sys.exit(main())
