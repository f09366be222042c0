"""All plans, carried out on one gateway, and what is left of it in the end."""

import asyncio
import contextlib
import signal
import sys
import time

from tests.bench.chaos.claude import Claude
from tests.bench.chaos.findings import MB, Findings, check_memory
from tests.bench.chaos.plan import MODELS, Plan
from tests.bench.chaos.play import Lane
from tests.bench.kernel import rss_bytes
from tests.faults.proxy import FaultProxy
from tests.reading import Client
from tests.running import Program, program
from tests.scripted import ScriptedClaude

LANES = 48
"""Generations at a time."""

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
    check_memory(findings)


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
