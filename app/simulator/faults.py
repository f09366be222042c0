"""Trouble, as functions from steps to steps (see ``directives`` for what each does)."""

from collections.abc import Iterable, Iterator

import orjson

from app.simulator.directives import Directive
from app.simulator.errors import error_body, of_type
from app.simulator.pacing import silence
from app.simulator.steps import Close, End, Hang, Head, Reset, Send, Step

STRANGERS = {
    "unknown-event": b'event: hologram\ndata: {"type":"hologram","index":%d,"beam":1}\n\n',
    "unknown-delta": (
        b"event: content_block_delta\n"
        b'data: {"type":"content_block_delta","index":%d,"delta":{"type":"scent_delta","scent":"pine"}}\n\n'
    ),
}
PING_S = 1.0

NEVER = 10**9


def apply(steps: Iterable[Step], directive: Directive) -> Iterator[Step]:
    """Yield *steps* with the trouble that *directive* makes."""
    match directive.name:
        case "reset" | "close" | "stall" | "no-stop" | "overloaded" | "error" | "bad-json":
            return _broken(steps, directive)
        case "dribble":
            return _dribbled(steps)
        case "unknown-event" | "unknown-delta":
            return _with_stranger(steps, STRANGERS[directive.name])
        case _:
            return iter(steps)


def _broken(steps: Iterable[Step], directive: Directive) -> Iterator[Step]:
    """Yield *steps* up to the break, and after it where the stream goes on."""
    after = directive.after
    if directive.name == "bad-json" and after is None:
        after = 5
    if directive.name == "no-stop" and after is None:
        after = NEVER
    end = "message_stop" if directive.name == "no-stop" else "message_delta"
    goes_on = "for" in directive.options
    counted = 0
    broken = False
    for step in steps:
        if isinstance(step, Head) and after is None and directive.name in ("reset", "close"):
            yield from _break(directive)
            return
        if isinstance(step, Send) and not broken and (counted >= (after or 0) or step.kind == end):
            broken = True
            if directive.name == "bad-json":
                yield Send(_cut_short(step.data), "bad")
                continue
            yield from _break(directive)
            if not goes_on:
                return
        if isinstance(step, Send) and directive.kind in (None, step.kind):
            counted += 1
        yield step


def _break(directive: Directive) -> Iterator[Step]:
    match directive.name:
        case "reset":
            yield Reset()
        case "close":
            yield Close()
        case "no-stop":
            yield End()
        case "overloaded" | "error":
            kind = "overloaded_error" if directive.name == "overloaded" else directive.words[0]
            yield Send(b"event: error\ndata: " + error_body(of_type(kind), None) + b"\n\n", "error")
            yield End()
        case "stall":
            seconds = float(directive.options.get("for", 86_400))
            if "pings" in directive.words:
                yield from silence(seconds, PING_S)
            elif "for" in directive.options:
                yield from silence(seconds, seconds + 1)
            else:
                yield Hang()
        case _:
            pass


def _cut_short(event: bytes) -> bytes:
    """Return *event* without the second half of its JSON."""
    head, mark, data = event.partition(b"\ndata: ")
    return head + mark + data[: len(data) // 2] + b"\n\n"


def _dribbled(steps: Iterable[Step]) -> Iterator[Step]:
    for step in steps:
        if isinstance(step, Send):
            for at in range(len(step.data)):
                yield Send(step.data[at : at + 1], "byte")
        elif isinstance(step, Head):
            yield Head(step.status, step.headers)
        else:
            yield step


def _with_stranger(steps: Iterable[Step], stranger: bytes) -> Iterator[Step]:
    """Yield *steps* with *stranger* after the first delta of text, or of a call's input."""
    met = False
    for step in steps:
        yield step
        if isinstance(step, Send) and step.kind in ("text_delta", "input_json_delta") and not met:
            met = True
            index = orjson.loads(step.data.partition(b"\ndata: ")[2])["index"]
            yield Send(stranger % index, "stranger")


def apply_whole(steps: Iterable[Step], directive: Directive) -> Iterator[Step]:
    """Yield the response to a request without ``stream`` with the trouble that *directive* makes.

    It breaks before the response, or with ``after=K`` in the middle of the body. What is about events alone
    makes no trouble here.

    Raises:
        ClaudeError: for an error that a stream would carry inside HTTP 200.
    """
    match directive.name:
        case "overloaded":
            raise of_type("overloaded_error")
        case "error":
            raise of_type(directive.words[0])
        case "dribble":
            return _dribbled(steps)
        case "reset" | "close" | "stall":
            return _half(steps, directive)
        case _:
            return iter(steps)


def _half(steps: Iterable[Step], directive: Directive) -> Iterator[Step]:
    for step in steps:
        if isinstance(step, Head) and directive.after is None:
            yield from _break(directive)
            if "for" not in directive.options:
                return
        if isinstance(step, Send) and directive.after is not None:
            middle = len(step.data) // 2
            yield Send(step.data[:middle], "half")
            yield from _break(directive)
            if "for" not in directive.options:
                return
            yield Send(step.data[middle:], "half")
        else:
            yield step
