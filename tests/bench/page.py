"""``uv run python -m tests.bench.page``: what the page costs the browser's main thread.

The page's own modules in a real Chromium, fed with events at the pace of a fast model. Times are the main thread's CPU time, which other
work on the machine disturbs least; long tasks are counted by the clock, as a reader feels them, and by CPU time. No number here is a failure: they depend on the
machine. What does not (counts of work, of nodes, of requests) is asserted by the tests. See README.md beside this file.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from functools import partial

from playwright.sync_api import Browser, CDPSession, Page, expect, sync_playwright

from tests.page.conftest import ARGS, CHROMIUM
from tests.running import program

ROUNDS = 3
RATE = 1200
CHARACTERS_PER_TOKEN = 4
LONG = 50
"""ms: what browsers call a long task"""

PROSE = """## A section about rivers and what they carry

A paragraph with **bold words**, *slanted ones*, `code` and [a link](https://example.org/rivers), long enough to take
several lines on the page, as most of what a model writes does. It goes on with a second sentence, and then with a third.

- an item with some words in it
- another one, with `code` and **weight**
  - and one below it

```python
def length(river: River) -> float:
    return sum(part.length for part in river.parts)  # in km
```

| River | Length | Sea |
| --- | ---: | --- |
| Vistula | 1047 km | Baltic |
| Danube | 2850 km | Black |

1. First it rains.
2. Then the water looks for a way down, and finds one.

> Nobody steps into the same river twice.

"""
SHAPES: dict[str, str] = {
    "an answer of all kinds": PROSE,
    "one code block": "    return sum(part.length for part in river.parts)  # in km\n",
    "one list": "- an item with **some** words in it, and `code`\n",
    "one table": "| Vistula | 1047 km | Baltic and what is in it |\n",
    "one paragraph": "Words that go on and on, with **some** of them bold, and never a line end. ",
}
HEADS = {"one code block": "```python\n", "one table": "| River | Length | Sea |\n| --- | ---: | --- |\n"}

WATCH = """() => {
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longTasks.push(duration);
  }).observe({ type: "longtask" });
}"""

STREAM = """async ([text, perSecond]) => {
  const { Answer } = await import("/static/js/answer.js");
  const { Follower } = await import("/static/js/scroll.js");
  const log = document.getElementById("log");
  document.getElementById("welcome").hidden = true;
  const follower = new Follower(document.getElementById("scroller"));
  const answer = new Answer();
  log.append(answer.view.element);
  follower.toEnd();
  const connection = {
    run: () => new Promise((resolve) => {
      const say = (event) => connection.onEvent(event, true);
      connection.onState("streaming");
      say({ type: "start", id: "x", model: "m", message_id: "m" });
      say({ type: "block_start", index: 0, kind: "text", at_ms: 0 });
      const began = performance.now();
      let at = 0;
      const timer = setInterval(() => {
        const due = Math.min(text.length, Math.floor((performance.now() - began) / 1000 * perSecond));
        if (due > at) say({ type: "text", index: 0, text: text.slice(at, due) });
        at = due;
        if (at < text.length) return;
        clearInterval(timer);
        say({ type: "block_stop", index: 0, at_ms: 1 });
        say({ type: "done", stop_reason: "end_turn" });
        resolve({ kind: "ended" });
      }, 8);
    }),
  };
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("the answer has no end")), text.length / perSecond * 2000 + 60_000);
  });
  await Promise.race([answer.follow(connection), late]);
  clearTimeout(timer); // it holds the answer
  return answer.view.element.querySelectorAll("*").length;
}"""

OPEN = """async ([prose, messages]) => {
  const { Thread } = await import("/static/js/thread.js");
  const { Follower } = await import("/static/js/scroll.js");
  const { apply, empty } = await import("/static/js/transcript.js");
  const log = document.getElementById("log");
  document.getElementById("welcome").hidden = true;
  let transcript = empty();
  for (const event of [
    { type: "start", id: "x", model: "m", message_id: "m" },
    { type: "block_start", index: 0, kind: "text", at_ms: 0 },
    { type: "text", index: 0, text: prose },
    { type: "block_stop", index: 0, at_ms: 1 },
    { type: "done", stop_reason: "end_turn" },
  ]) transcript = apply(transcript, event);
  const path = Array.from({ length: messages }, (_, n) => n % 2 === 0
    ? { id: `${n}`, role: "user", created: n, content: "And what about the next river?" }
    : { id: `${n}`, role: "assistant", transcript, unfinished: null, turns: [], asked: {} });
  const follower = new Follower(document.getElementById("scroller"));
  const thread = new Thread(log, follower, { of: () => null });
  window.longTasks.length = 0;
  const began = performance.now();
  thread.show({ id: "c", path, alternatives: (message) => [message] });
  const first = performance.now() - began;
  // It draws the end, some at a time, and what is earlier when the reader looks for it.
  const count = () => log.querySelectorAll("article").length;
  while (count() < Math.min(messages, 40)) await new Promise((resolve) => setTimeout(resolve, 20));
  const all = performance.now() - began;
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 300)));
  return [first, all];
}"""

SCROLL = """async () => {
  const scroller = document.getElementById("scroller");
  const gaps = [];
  let last = performance.now();
  window.longTasks.length = 0;
  for (let frame = 0; frame < 120; frame += 1) {
    scroller.scrollTop -= 400;
    await new Promise(requestAnimationFrame);
    gaps.push(performance.now() - last);
    last = performance.now();
  }
  gaps.sort((a, b) => a - b);
  return gaps[Math.floor(gaps.length * 0.99)];
}"""


class Bench:
    """One browser, one gateway, many fresh pages."""

    def __init__(self, browser: Browser, url: str, slowdown: float) -> None:
        self._browser = browser
        self._url = url
        self._slowdown = slowdown

    def fresh(self) -> tuple[Page, CDPSession]:
        """Return a page that has loaded, and its developer tools."""
        context = self._browser.new_context(viewport={"width": 1100, "height": 800})
        page = context.new_page()
        page.goto(self._url)
        expect(page.locator("#model")).to_be_enabled()
        tools = context.new_cdp_session(page)
        tools.send("Performance.enable", {"timeDomain": "threadTicks"})
        tools.send("Emulation.setCPUThrottlingRate", {"rate": self._slowdown})
        page.evaluate(WATCH)
        return page, tools

    def stream(self, shape: str, characters: int) -> dict[str, float]:
        """Stream one answer; return milliseconds for 1,000 tokens, and long tasks."""
        page, tools = self.fresh()
        body = SHAPES[shape]
        text = HEADS.get(shape, "") + body * (characters // len(body))
        before = _metrics(tools)
        self._browser.start_tracing(page=page, categories=["toplevel"])
        page.evaluate(STREAM, [text, RATE * CHARACTERS_PER_TOKEN])
        tasks = _tasks(self._browser.stop_tracing())
        spent = {name: value - before[name] for name, value in _metrics(tools).items()}
        thousands = len(text) / CHARACTERS_PER_TOKEN / 1000
        long = page.evaluate("window.longTasks")
        page.context.close()
        return {
            "script ms/1k": spent["ScriptDuration"] * 1000 / thousands,
            "thread ms/1k": spent["TaskDuration"] * 1000 / thousands,
            "script ms": spent["ScriptDuration"] * 1000,
            "long tasks": len(long),
            "longest ms": max(long, default=0),
            "long tasks by CPU": len([task for task in tasks if task > LONG]),
            "longest by CPU ms": max(tasks),
        }

    def open(self, messages: int) -> dict[str, float]:
        """Open a long conversation and scroll up through it."""
        page, _ = self.fresh()
        first, everything = page.evaluate(OPEN, [PROSE, messages])
        long = page.evaluate("window.longTasks")
        p99 = page.evaluate(SCROLL)
        scrolling = page.evaluate("window.longTasks")
        page.context.close()
        return {
            "end is there ms": first,
            "its end drawn ms": everything,
            "long tasks": len(long),
            "longest ms": max(long, default=0),
            "scroll p99 frame ms": p99,
            "scroll long tasks": len(scrolling),
        }

    def memory(self, answers: int) -> dict[str, float]:
        """Stream answers one after the other, each taking the last one's place; return the heap's growth."""
        page, tools = self.fresh()
        heaps = []
        for number in range(answers):
            page.evaluate("document.getElementById('log').replaceChildren()")
            page.evaluate(STREAM, [PROSE * 8, 100_000])
            if number in (9, answers - 1):
                tools.send("HeapProfiler.collectGarbage")
                heaps.append(_metrics(tools))
        page.context.close()
        return {
            "heap MB after 10": heaps[0]["JSHeapUsedSize"] / 1e6,
            f"heap MB after {answers}": heaps[1]["JSHeapUsedSize"] / 1e6,
            "nodes after 10": heaps[0]["Nodes"],
            f"nodes after {answers}": heaps[1]["Nodes"],
        }


def _tasks(trace: bytes) -> list[float]:
    """Return the CPU time of every task, in milliseconds."""
    events = json.loads(trace)["traceEvents"]
    return [event["tdur"] / 1000 for event in events if event["name"].endswith("RunTask") and "tdur" in event]


def _metrics(tools: CDPSession) -> dict[str, float]:
    return {entry["name"]: entry["value"] for entry in tools.send("Performance.getMetrics")["metrics"]}


def _tell(name: str, measure: Callable[[], dict[str, float]], rounds: int) -> dict[str, float]:
    results = [measure() for _ in range(rounds)]
    medians = {key: statistics.median(result[key] for result in results) for key in results[0]}
    cells = " | ".join(f"{key} {value:.1f}" for key, value in medians.items())
    sys.stdout.write(f"{name}: {cells}\n")
    sys.stdout.flush()
    return medians


def main() -> None:
    """Measure, and print medians."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.page", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--characters", type=int, default=100_000, help="of one answer")
    parser.add_argument("--slowdown", type=float, default=1, help="of the CPU, by developer tools")
    parser.add_argument("--only", nargs="+", choices=["stream", "linear", "open", "memory"], default=[])
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    asked = parser.parse_args()
    with program(SIMULATOR_SPEED="0") as gateway, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        bench = Bench(browser, gateway.url, asked.slowdown)

        def wanted(name: str) -> bool:
            return not asked.only or name in asked.only

        if wanted("stream"):
            for shape in asked.shapes:
                _tell(shape, partial(bench.stream, shape, asked.characters), asked.rounds)
        if wanted("linear"):
            once, twice = (
                _tell(
                    f"{length} characters",
                    partial(bench.stream, "an answer of all kinds", length),
                    asked.rounds,
                )
                for length in (asked.characters, 2 * asked.characters)
            )
            sys.stdout.write(
                f"twice the text: {twice['script ms'] / once['script ms']:.2f} times the script\n"
            )
        if wanted("open"):
            _tell("1,000 messages", partial(bench.open, 1000), asked.rounds)
        if wanted("memory"):
            _tell("50 answers", partial(bench.memory, 50), 1)
        browser.close()


if __name__ == "__main__":
    main()
