"""One reader of one generation: right at every event, whole at the end."""

import hashlib
from typing import Any

from tests.bench.chaos.findings import Findings
from tests.bench.chaos.plan import Plan
from tests.reading import Stream


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
        self._number = position(last)

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
        number = position(id_)
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


def position(id_: str | None) -> int:
    return int(id_.partition("-")[2]) if id_ else 0
