"""One assistant turn of Claude: the calls it takes, from the first to the one that ends it.

Before readers have been shown content of a call, one that failed is made again. After that, the turn goes on
where it broke (``continuation``), and readers are told: ``retry`` where it broke, ``seam`` where text goes on.
"""

import asyncio
import time
from collections.abc import Callable, Container
from dataclasses import replace
from functools import partial
from typing import Any

from app.continuation import Joint, Plan, plan
from app.intake import Intake
from app.patience import Patience
from app.producer import Teller
from app.protocol.claude import Translator
from app.protocol.deltas import utf16_length
from app.protocol.errors import Problem
from app.protocol.events import CONTENT, BlockStop, Citation, Event, Retry, Seam, Text, ToolUse, Usage
from app.record import Call
from app.upstream.client import Upstream

SHOWS = (*CONTENT, Seam)
"""Once readers have been shown one of these, a call that fails is not made again: the answer goes on."""


class Turn:
    """One assistant turn.

    Args:
        upstream: Who is called.
        base: The request, without what this turn has said already.
        teller: Who is told.
        patience: What is left of it.
        number: Which assistant message of the generation this is.
        first_index: Index of its first new content block.
        ran: Ids of the calls that have been started here.
        on_call: Told of every whole call; it may raise a Problem.
    """

    def __init__(
        self,
        upstream: Upstream,
        base: dict[str, Any],
        teller: Teller,
        patience: Patience,
        *,
        number: int,
        first_index: int,
        ran: Container[str],
        on_call: Callable[[ToolUse], None],
    ) -> None:
        self._upstream = upstream
        self._base = base
        self._teller = teller
        self._patience = patience
        self._number = number
        self._first_index = first_index
        self._ran = ran
        self._on_call = on_call
        self._plan: Plan
        self._unsaid: list[Event] | None = None if teller.began else []
        self._broke = False
        self._showed = False
        self._joint: Joint | None = None

    async def run(self, body: dict[str, Any]) -> Translator:
        """Ask with *body*, which is the base and perhaps what the turn has said; return the message that ended it.

        Raises:
            Problem: Claude refused for good, or the tries are used up.
        """
        self._plan = Plan(body, [], None, "", "ask")
        while True:
            self._patience.attempt += 1
            translator = Translator(
                self._teller.ledger,
                self._teller.elapsed_ms,
                first_index=self._first_index,
                turn=self._number,
                goes_on=self._plan.goes_on,
            )
            try:
                await self._call(translator)
                break
            except Problem as problem:
                self._teller.record.answered(problem.upstream_request_id)
                self._drop_joint()
                self._first_index = translator.next_index
                whole = translator.stop_reason and not translator.open_indices  # but for its last frame
                if problem.fault == "claude" and self._patience.continues and whole:
                    break
                delay_s = self._again(problem)
            await asyncio.sleep(delay_s)
            if self._plan.ended:
                translator.stop_reason = "tool_use"
                break
        self._joint = None  # no text came to go on with
        self._close_text()
        return translator

    async def _call(self, translator: Translator) -> None:
        self._showed = False
        self._joint = Joint(self._plan.said, self._plan.mode) if self._plan.goes_on is not None else None
        call = self._teller.record.call(self._plan.body.get("max_tokens"))
        intake = Intake(translator, self._teller, call, partial(self._take, translator))
        try:
            await self._upstream.stream(self._plan.body, self._teller.record, intake)
        except Problem as problem:
            call.error = problem.what or problem.type
            raise
        finally:
            self._describe(call, translator)

    def _describe(self, call: Call, translator: Translator) -> None:
        call.ended_ns = time.time_ns()
        call.message_id, call.model = translator.message_id, translator.model
        call.stop_reason = translator.stop_reason
        if translator.has_usage:
            call.usage = self._teller.ledger.messages[-1].usage

    def _take(self, translator: Translator, events: list[Event]) -> bool:
        """Say *events*, and return whether nothing is held back.

        Usage is, until there is content: a call that fails before it never was.
        """
        if self._unsaid is not None:
            self._unsaid += events
            if all(isinstance(event, Usage) for event in self._unsaid) and not translator.ended:
                return False
            self._teller.answered(translator.message_id, translator.model)
            events, self._unsaid = self._unsaid, None
        saying: list[Event] = []
        for event in events:
            saying += [event] if self._joint is None else self._at_joint(event, self._joint)
        if saying:
            self._showed = self._showed or any(isinstance(event, SHOWS) for event in saying)
            self._teller.say(*saying)
        for event in events:
            if isinstance(event, ToolUse):
                self._on_call(event)
        return self._joint is None

    # Going on

    def _again(self, problem: Problem) -> float:
        """Decide how to go on after *problem*, tell readers, return the seconds to wait before.

        Raises:
            Problem: *problem* itself, where trying again cannot help or is not to be tried any more.
        """
        fold = self._teller.fold()
        going_on: Plan | None
        if self._showed:
            going_on = plan(self._base, fold, self._number, self._ran)
        else:
            begun = [i for i, part in fold.parts.items() if part.turn == self._number and not part.pieces]
            going_on = replace(self._plan, discard=[i for i in begun if not fold.parts[i].complete])
        if going_on is None:
            raise problem
        delay_s = self._patience.spend(problem, showed=self._showed)
        self._plan = going_on
        self._broke = True
        self._unsaid = None
        self._teller.record.retries += 1
        what = problem.what or problem.type
        self._teller.say(Retry(what, self._patience.attempt + 1, round(delay_s * 1000), going_on.discard))
        return delay_s

    # Where text goes on

    def _at_joint(self, event: Event, joint: Joint) -> list[Event]:
        """Return what is to be said now that *event* has come: nothing for as long as it is held back at the joint.

        However slowly it comes, what may be a repetition is no news to anybody: it waits for what decides it.
        """
        match event:
            case Text(text, index) if index == self._plan.goes_on:
                return self._settled(joint, index) if joint.feed(text) else []
            case Citation(index) | BlockStop(index) if index == self._plan.goes_on:
                return [*self._settled(joint, index), event]
        return [event]

    def _settled(self, joint: Joint, index: int) -> list[Event]:
        """Return what was held back at the joint in block *index*, without what it repeats."""
        self._joint = None
        repeated, new = joint.split()
        self._teller.record.seams += 1
        offset, trimmed = utf16_length(self._plan.said), utf16_length(repeated)
        seam = Seam(index, offset, trimmed, self._patience.attempt, self._plan.mode)
        return [seam, Text(new, index)] if new else [seam]

    def _drop_joint(self) -> None:
        """Forget what is held back: nobody has seen it, and it may repeat what is there. It is asked for again."""
        if self._joint and self._joint.held:
            self._showed = True  # it counts as a break all the same
        self._joint = None

    def _close_text(self) -> None:
        """Stop the text that broke off and goes on no more: Claude had nothing to add, or it called something."""
        for index, part in self._teller.fold().parts.items() if self._broke else ():
            if part.turn == self._number and not part.complete:
                self._teller.say(BlockStop(index, self._teller.elapsed_ms()))
