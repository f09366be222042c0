"""A simulator as fast as it can, and Claude's own SDK as its client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anthropic

from app.simulator.server import Simulator
from app.simulator.settings import SimulatorSettings

PLAIN = "claude-opus-4-8"
"""Does not think unless it is asked to."""
PREFILLED = "claude-haiku-4-5"

WEATHER = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CLOCK = {"name": "get_time", "input_schema": {"type": "object", "properties": {}}}


class Talk:
    """A simulator and a client of it that never retries.

    Attributes:
        simulator: To look at what came in.
        client: The SDK.
    """

    def __init__(self, simulator: Simulator, client: anthropic.AsyncAnthropic) -> None:
        self.simulator = simulator
        self.client = client

    async def whole(self, prompt: str | list[Any], **more: Any) -> Any:
        """Return the message without ``stream``."""
        return await self.client.messages.create(**body(prompt, **more))

    async def streamed(self, prompt: str | list[Any], **more: Any) -> Any:
        """Return the message as the SDK puts it together from the stream."""
        request = body(prompt, **more)
        async with self.client.messages.stream(**request) as stream:
            return await stream.get_final_message()

    async def raw(self, prompt: str | list[Any], **more: Any) -> tuple[list[Any], BaseException | None]:
        """Return the events of the stream as they are, and what broke it."""
        events: list[Any] = []
        try:
            stream = await self.client.messages.create(**body(prompt, **more), stream=True)
            async for event in stream:
                events.append(event)  # noqa: PERF401 - what came before a break is wanted too
        except Exception as error:  # noqa: BLE001 what it is is for the test to say
            return events, error
        return events, None

    async def refused(self, prompt: str | list[Any], **more: Any) -> str:
        """Return what the 400 says."""
        try:
            await self.whole(prompt, **more)
        except anthropic.BadRequestError as error:
            return str(error)
        raise AssertionError("it was not refused")


def body(prompt: str | list[Any], **more: Any) -> dict[str, Any]:
    """Return a request for *prompt*, or for a list of messages."""
    messages = [user(prompt)] if isinstance(prompt, str) else prompt
    return {"model": PLAIN, "max_tokens": 4096, "messages": messages, **more}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def back(message: Any) -> dict[str, Any]:
    """Return *message* as it goes back in the next request."""
    blocks = [block.model_dump(exclude_none=True, exclude={"parsed_output"}) for block in message.content]
    return assistant(blocks)


def results(message: Any, content: str = "12 degrees") -> dict[str, Any]:
    """Return the results of all calls of *message*."""
    calls = [block for block in message.content if block.type == "tool_use"]
    return user([{"type": "tool_result", "tool_use_id": call.id, "content": content} for call in calls])


def text(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def kinds(message: Any) -> list[str]:
    return [block.type for block in message.content]


@asynccontextmanager
async def talking(**settings: Any) -> AsyncIterator[Talk]:
    """Run a simulator with *settings* and give a client of it."""
    given = SimulatorSettings(**{"speed": 0, **settings})
    async with (
        Simulator(given) as simulator,
        anthropic.AsyncAnthropic(base_url=simulator.url, api_key="any", max_retries=0, timeout=30) as client,
    ):
        yield Talk(simulator, client)
