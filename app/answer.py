"""One answer of Claude: its turns, and the tools that run here between them, while Claude still speaks.

A registered tool starts the moment its call is whole. When the turn has ended, the results go up in one user
message, in the order of the calls, and the next turn streams into the same generation.
"""

import asyncio
import time
from dataclasses import replace
from typing import Any

from app.patience import Patience
from app.producer import Ending, Produce, Teller
from app.protocol.claude import Translator
from app.protocol.errors import TooLong
from app.protocol.events import ToolResult, ToolUse
from app.protocol.fold import Fold
from app.request.chat import ChatRequest
from app.tools.registry import Toolbox
from app.turn import Turn
from app.upstream.client import Upstream

MAX_PAUSES = 16
"""How often Claude may pause one answer to have it taken up again."""


def answering(
    upstream: Upstream, toolbox: Toolbox, request: ChatRequest, patience: Patience, max_tool_turns: int
) -> Produce:
    """Return the producer of a generation that answers *request*."""

    async def produce(teller: Teller) -> Ending:
        answer = _Answer(upstream, toolbox, request, teller, replace(patience), max_tool_turns)
        try:
            return await answer.run()
        finally:
            await answer.stop_tools()

    return produce


class _Answer:
    def __init__(
        self,
        upstream: Upstream,
        toolbox: Toolbox,
        request: ChatRequest,
        teller: Teller,
        patience: Patience,
        max_tool_turns: int,
    ) -> None:
        self._upstream = upstream
        self._toolbox = toolbox
        self._registered = request.registered
        self._base = request.body
        self._teller = teller
        self._patience = patience
        self._max_tool_turns = max_tool_turns
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> Ending:
        """Return how Claude ended it.

        Raises:
            Problem: Claude refused for good, the tries are used up, or it calls tools over and over.
        """
        number = pauses = index = 0
        body = self._base
        while True:
            turn = Turn(
                self._upstream,
                self._base,
                self._teller,
                self._patience,
                number=number,
                first_index=index,
                ran=self._running,
                on_call=self._start,
            )
            message = await turn.run(body)
            index = message.next_index
            self._stay_in_container(message.details.get("container"))
            if message.stop_reason == "pause_turn" and pauses < MAX_PAUSES:
                pauses += 1
                body = self._with_turn(self._teller.fold(), number)
                continue
            await self._settle_tools()
            if message.stop_reason != "tool_use":
                return _ending(message)
            fold = self._teller.fold()
            calls = _calls(fold, number)
            if not calls or not all(call in self._running for call in calls):
                return _ending(message)
            self._insist_on_turns_left()  # a call may have the id of an earlier one, and start nothing
            number += 1
            self._teller.record.tool_turns = number
            body = self._base = self._with_results(fold, number - 1, calls)

    def _stay_in_container(self, container: Any) -> None:
        """Have the answer go on where Claude's code runs, which may itself wait for what it called."""
        if not isinstance(container, dict) or "id" not in container:
            return
        asked = self._base.get("container")
        stays = {**asked, "id": container["id"]} if isinstance(asked, dict) else container["id"]
        self._base = {**self._base, "container": stays}

    def _with_turn(self, fold: Fold, number: int) -> dict[str, Any]:
        said = {"role": "assistant", "content": fold.returnable(number)}
        return {**self._base, "messages": [*self._base["messages"], said]}

    def _with_results(self, fold: Fold, number: int, calls: list[str]) -> dict[str, Any]:
        body = self._with_turn(fold, number)
        body["messages"].append({"role": "user", "content": [fold.results[call] for call in calls]})
        if body.get("tool_choice", {}).get("type") in ("any", "tool"):
            # It has been called, as was asked; forced again and again, the answer would never come.
            body["tool_choice"] = {**body["tool_choice"], "type": "auto"}
            body["tool_choice"].pop("name", None)
        return body

    # Tools

    def _start(self, call: ToolUse) -> None:
        id_, name, given = call.block["id"], call.block["name"], call.block["input"]
        # A member of one of Claude's toolsets may have the name of a tool of ours, and is the client's to run.
        ours = name in self._registered and not call.block.get("toolset_name")
        cut_off = given is None
        if ours and not cut_off and id_ not in self._running:
            self._insist_on_turns_left()
            self._running[id_] = asyncio.get_running_loop().create_task(self._run(id_, name, given))

    def _insist_on_turns_left(self) -> None:
        if self._teller.record.tool_turns >= self._max_tool_turns:
            msg = "The answer called tools more often than this gateway lets it (GATEWAY_MAX_TOOL_TURNS)."
            raise TooLong(msg, limit="tool_turns")

    async def _run(self, call: str, name: str, given: Any) -> None:
        noted = self._teller.record.tool(call, name)
        noted.error = "cancelled"  # unless it comes to an end
        try:
            result = await self._toolbox.call(name, given)
            noted.error = result.why if result.is_error else None
        finally:
            noted.ended_ns = time.time_ns()
        self._teller.say(ToolResult(call, result.content, result.is_error))

    async def _settle_tools(self) -> None:
        """Wait for the tools that run."""
        for task in self._running.values():
            await task

    async def stop_tools(self) -> None:
        """Cancel the tools that still run."""
        for task in self._running.values():
            task.cancel()
        if self._running:
            await asyncio.gather(*self._running.values(), return_exceptions=True)


def _ending(message: Translator) -> Ending:
    return Ending(
        message.stop_reason, message.stop_sequence, message.details, message.message_id, message.model
    )


def _calls(fold: Fold, number: int) -> list[str]:
    """Return the ids of the calls of turn *number*, in their order."""
    return [block["id"] for block in fold.returnable(number) if block["type"] == "tool_use"]
