"""A Claude that breaks as the plans say, and goes on exactly where it did."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

from tests.bench.chaos.findings import Findings
from tests.bench.chaos.plan import BEFORE, SILENCES, Plan
from tests.scripted import (
    Answer,
    Call,
    Ending,
    ending,
    frame,
    message_start,
    refusing,
    text_block,
    thinking_block,
)


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
