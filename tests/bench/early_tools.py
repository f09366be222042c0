"""What it wins to start a tool the moment its call is whole, while Claude still speaks.

    uv run python -m tests.bench.early_tools            # half a minute

Claude calls three tools of 300 ms each and then says a long text, 80 deltas of 20 ms. Compared are the gateway and
what most people write: Claude's own SDK in a loop that runs the tools when the message is over, side by side or one
after the other. All talk to the same scripted Claude over real HTTP and take turns.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

import anthropic

from app.tools.functions import Threads, from_function
from app.tools.registry import Toolbox
from tests.bench import slow_tool
from tests.bench.slow_tool import TOOL_S
from tests.reading import ask
from tests.running import serving
from tests.scripted import Call, ScriptedClaude, block, ending, frame, message_start, saying, text_delta

CALLS = 3
DELTAS = 80
DELTA_S = 0.02

Loop = Callable[[str], Awaitable[None]]


class Watch:
    """A Claude that notes when its first message ended and when the results of the tools came.

    Attributes:
        stood_still_s: How long the answer stood still between the two turns, answer by answer.
    """

    def __init__(self) -> None:
        self._ended = 0.0
        self.stood_still_s: list[float] = []

    def answer(self, call: Call) -> Any:
        """Return what Claude says to *call*."""
        if len(call.body["messages"]) > 1:
            self.stood_still_s.append(time.perf_counter() - self._ended)
            results = call.body["messages"][2]["content"]
            assert [result["tool_use_id"] for result in results] == [f"toolu_{n}" for n in range(CALLS)]
            return saying("Done.")
        return self._first()

    def _first(self) -> Any:
        yield message_start()
        for index in range(CALLS):
            start = {"type": "tool_use", "id": f"toolu_{index}", "name": "look_up", "input": {}}
            yield from block(index, start, {"type": "input_json_delta", "partial_json": '{"what": "x"}'})
        yield frame("content_block_start", index=CALLS, content_block={"type": "text", "text": ""})
        for _ in range(DELTAS):
            yield DELTA_S
            yield text_delta("and so on ", CALLS)
        yield frame("content_block_stop", index=CALLS)
        yield from ending("tool_use")
        self._ended = time.perf_counter()


def sdk_loop(client: anthropic.AsyncAnthropic, *, side_by_side: bool) -> Loop:
    """Return the loop that most people write."""
    tool = from_function(slow_tool.look_up, Threads(1))
    toolbox = Toolbox([tool], 30)
    tools: Any = [tool.definition()]

    async def run(prompt: str) -> None:
        messages: list[Any] = [{"role": "user", "content": prompt}]
        while True:
            request: Any = {"model": "claude-sonnet-5-5", "max_tokens": 1000, "messages": messages}
            async with client.messages.stream(**request, tools=tools) as stream:
                message = await stream.get_final_message()
            calls = [each for each in message.content if each.type == "tool_use"]
            if not calls:
                return
            running = [toolbox.call(call.name, call.input) for call in calls]
            given = await asyncio.gather(*running) if side_by_side else [await each for each in running]
            results = [
                {"type": "tool_result", "tool_use_id": call.id, "content": result.content}
                for call, result in zip(calls, given, strict=True)
            ]
            said = [each.model_dump(exclude_none=True) for each in message.content]
            messages += [{"role": "assistant", "content": said}, {"role": "user", "content": results}]

    return run


async def measure(rounds: int) -> dict[str, dict[str, list[float]]]:
    """Return for each way its samples, in seconds: the whole answer, and how long it stood still between turns."""
    watch = Watch()
    async with (
        ScriptedClaude(watch.answer) as claude,
        serving(claude.url, tools=(slow_tool.__name__,)) as gateway,
        anthropic.AsyncAnthropic(base_url=claude.url, api_key="any", max_retries=0) as client,
    ):

        async def ours(prompt: str) -> None:
            stream = await (await gateway.stream(ask(prompt, tools=[{"name": "look_up"}]))).rest()
            assert stream.terminal["stop_reason"] == "end_turn", stream.terminal

        ways: dict[str, Loop] = {
            "ours: as soon as the call is whole": ours,
            "after the message, side by side": sdk_loop(client, side_by_side=True),
            "after the message, one by one": sdk_loop(client, side_by_side=False),
        }
        samples: dict[str, dict[str, list[float]]] = {way: {"whole": [], "still": []} for way in ways}
        for number in range(rounds + 1):  # the first is for warming up
            for way, run in ways.items():
                began = time.perf_counter()
                await run(f"{way} {number}")
                if number:
                    samples[way]["whole"].append(time.perf_counter() - began)
                    samples[way]["still"].append(watch.stood_still_s[-1])
    return samples


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="What early tool start wins.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", help="a file for every sample")
    given = parser.parse_args()
    samples = asyncio.run(measure(given.rounds))
    if given.json:
        Path(given.json).write_text(json.dumps(samples, indent=1), encoding="utf-8")
    lines = [
        f"{CALLS} tools of {TOOL_S * 1000:.0f} ms, then {DELTAS} deltas of {DELTA_S * 1000:.0f} ms",
        "",
        "| tools run | whole answer, s | still between turns, ms |",
        "| --- | ---: | ---: |",
    ]
    for way, each in samples.items():
        whole, still = each["whole"], each["still"]
        lines.append(
            f"| {way} | {median(whole):.2f} ({min(whole):.2f}–{max(whole):.2f}) "
            f"| {median(still) * 1000:.0f} ({min(still) * 1000:.0f}–{max(still) * 1000:.0f}) |"
        )
    print(*lines, sep="\n")  # noqa: T201


if __name__ == "__main__":
    main()
