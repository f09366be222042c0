"""Modes with many connections at once: memory, capacity, ten readers of one answer, everybody leaving or returning."""

import asyncio
import time
from collections.abc import Sequence

import orjson

from tests.bench import kernel
from tests.bench.answers import Case
from tests.bench.load import Reader, Start, fetch, finish, get, open_readers
from tests.bench.plain import PER_DELTA, TOKENS_MS, first_text_ms, late_ms, percentile
from tests.bench.probe import probing, worst_ms
from tests.bench.reading import read
from tests.bench.targets import Running
from tests.bench.trial import Bench, Column, Mode, Sample, spread

READERS = 10
"""How many read one generation where that is asked."""

LATE_MS = 50
"""A step of the ramp has failed when one delta in a hundred is later."""

FIRST_MS = 1000
"""It has failed too when one first token in a hundred comes later: streams that wait to begin load nothing yet."""

GRACE_S = 1
"""How long a generation that nobody watches goes on, in the storm."""

AWAY_S = 0.3
"""How long readers who come back in the storm were away."""

WATCH_S = 1.5
"""For how long after an event stalls are put down to it."""


async def _memory(bench: Bench) -> None:
    """Read the memory of a fresh process before and while many streams are open."""
    count = bench.sizes.open
    spread_s = count / 300
    cases = [Case(round((spread_s + 2) * 8), 125, k % 8) for k in range(count)]
    for target in (running.target for running in bench.live if running.process):
        with bench.fresh(target) as running:
            # Whatever is made on first use.
            await bench.measure(running, cases[:10], timeout_s=20, spread_s=0.1)
            before = kernel.rss_bytes(running.pids)
            requests = [running.request(case) for case in cases]
            readers = await open_readers(running.address, spread(requests, spread_s))
            await asyncio.sleep(1.5)
            during = kernel.rss_bytes(running.pids)
            open_ones = sum(not reader.over.done() for reader in readers)
            await finish(readers, 20)
            for case, reader in zip(cases, readers, strict=True):
                bench.check(target.name, case, read(reader, target.dialect), running)
            each = (during - before) / max(1, open_ones)
            bench.record(target.name, {"kib": each / 1024, "base_mib": before / 2**20, "open": open_ones})


async def _capacity(bench: Bench) -> None:
    """Raise the number of paced streams until one in a hundred deltas is late, and late again when tried again."""
    climbing = [(running, Sample(streams=0.0)) for running in bench.live]
    for running, found in climbing:
        bench.record(running.target.name, found)
    for count in bench.sizes.steps:
        for running, found in tuple(climbing):
            step = await _step(bench, running, count)
            step = step if _holds(step) else await _step(bench, running, count)
            if _holds(step):
                found |= step
            else:
                found |= {
                    "failed_at": step["streams"],
                    "failed_ms": step["late_p99_ms"],
                    "failed_first_ms": step["first_p99_ms"],
                }
                climbing.remove((running, found))


def _holds(step: Sample) -> bool:
    return step["late_p99_ms"] <= LATE_MS and step["first_p99_ms"] <= FIRST_MS


async def _step(bench: Bench, running: Running, count: int) -> Sample:
    n = bench.sizes.step_n
    cases = [Case(n, TOKENS_MS, k % 8) for k in range(count)]
    measured = await bench.measure(running, cases, timeout_s=2 * n * TOKENS_MS / 1000 + 5, spread_s=1)
    whole = all(answer.complete for answer in measured.answers)
    late = percentile(late_ms(cases, measured.answers), 99) if whole else float("inf")
    return {
        "streams": float(count),
        "cpu_us": measured.cpu_s / (count * n) * 1e6,
        "late_p99_ms": late,
        "first_p99_ms": percentile(first_text_ms(measured), 99) if whole else float("inf"),
    }


async def _fan(bench: Bench) -> None:
    """Let one and then ten read the same generations; turns as elsewhere."""
    if (running := bench.ours()) is None:
        return
    cases = [Case(bench.sizes.fan_n, TOKENS_MS, k) for k in range(4)]
    for _ in range(bench.sizes.rounds):
        for count in (1, READERS):
            pids = running.pids
            before = kernel.cpu_s(pids)
            groups = await _watched(running, cases, count)
            await finish([reader for group in groups for reader in group], 30)
            await running.settle()
            cpu_s = kernel.cpu_s(pids) - before
            name = f"{count} reader{'s' if count > 1 else ''} each"
            for case, group in zip(cases, groups, strict=True):
                for reader in group:
                    bench.check(name, case, read(reader, running.target.dialect), running)
            bench.record(name, {"cpu_us": cpu_s / sum(case.n for case in cases) * 1e6})


async def _watched(running: Running, cases: Sequence[Case], count: int) -> list[list[Reader]]:
    """Start a generation for each case and give it *count* readers."""
    first = await open_readers(running.address, [Start(running.request(case)) for case in cases])
    await asyncio.gather(*(reader.begun for reader in first))
    paths = [_stream_path(reader, running) for reader in first]
    more = await open_readers(
        running.address, [Start(get(path, running.address)) for path in paths for _ in range(count - 1)]
    )
    return [[reader, *more[k * (count - 1) : (k + 1) * (count - 1)]] for k, reader in enumerate(first)]


def _stream_path(reader: Reader, running: Running) -> str:
    chat = read(reader, running.target.dialect).headers["x-chat-id"]
    return f"/api/chat/{chat}/stream"


async def _stall(bench: Bench) -> None:
    """See how long other work waits while a tool's result of 2 MB passes."""
    cases = [Case(1, 0, k % 8, "tool") for k in range(bench.sizes.heavy)]
    for _ in range(bench.sizes.rounds):
        for running in bench.live:
            if running.target.health is None:
                continue
            with probing(running.address, running.target.health) as found:
                await asyncio.sleep(0.2)
                since = time.monotonic()
                await bench.measure(running, cases, timeout_s=10, spread_s=None)
            at_rest, _ = worst_ms(found, 0, since)
            stall, slept = worst_ms(found, since, time.monotonic())
            bench.record(running.target.name, {"stall_ms": stall, "slept_ms": slept, "rest_ms": at_rest})


async def _storm(bench: Bench) -> None:
    """Let a crowd of readers leave at once; let it leave and come back at once."""
    if (patient := bench.ours()) is None:
        return
    with bench.fresh(patient.target, {"GATEWAY_ORPHAN_GRACE": str(GRACE_S)}) as running:
        for _ in range(bench.sizes.storms):
            bench.record("leave", await _leave(bench, running))
            bench.record("leave and resume", await _resume(bench, patient))


async def _leave(bench: Bench, running: Running) -> Sample:
    cases = [Case(300, 100, k % 8) for k in range(bench.sizes.shared)]
    with probing(running.address, running.target.health or "/") as found:
        groups = await _watched(running, cases, READERS)
        await asyncio.sleep(1)
        had = len(orjson.loads(await fetch(("127.0.0.1", bench.upstream[0]), "/cut")))
        left = time.monotonic()
        for group in groups:
            for reader in group:
                reader.leave()
        gone = time.monotonic()
        await asyncio.sleep(GRACE_S + WATCH_S)
        cut = orjson.loads(await fetch(("127.0.0.1", bench.upstream[0]), "/cut"))[had:]
    bench.answers += len(groups)
    if len(cut) != len(groups):
        bench.wrong["storm: upstream calls that were not closed"] = abs(len(groups) - len(cut))
    stall, slept = worst_ms(found, left, left + GRACE_S)
    closing, _ = worst_ms(found, left + GRACE_S, left + GRACE_S + WATCH_S)
    lateness = (max(cut, default=gone) - gone - GRACE_S) * 1000
    return {"stall_ms": stall, "slept_ms": slept, "closing_stall_ms": closing, "closed_late_ms": lateness}


async def _resume(bench: Bench, running: Running) -> Sample:
    cases = [Case(30, 100, k % 8) for k in range(bench.sizes.shared)]
    address, dialect = running.address, running.target.dialect
    with probing(address, running.target.health or "/") as found:
        groups = await _watched(running, cases, READERS)
        await asyncio.sleep(1)
        path_of = {id(reader): _stream_path(group[0], running) for group in groups for reader in group}
        readers = [reader for group in groups for reader in group]
        left = time.monotonic()
        for reader in readers:
            reader.leave()
        before = [read(reader, dialect) for reader in readers]
        await asyncio.sleep(max(0.0, left + AWAY_S - time.monotonic()))
        back = time.monotonic()
        again = await open_readers(
            address,
            [
                Start(
                    get(path_of[id(reader)], address, f"Last-Event-ID: {said.ids[-1] if said.ids else 0}\r\n")
                )
                for reader, said in zip(readers, before, strict=True)
            ],
        )
        await asyncio.gather(*(reader.begun for reader in again))
        all_back = max(reader.reads[0][0] for reader in again if reader.reads) - back
        await finish(again, 20)
    for k, (said, reader) in enumerate(zip(before, again, strict=True)):
        bench.check("resume", cases[k // READERS], read(reader, dialect), running, said.text)
    stall, slept = worst_ms(found, back, back + WATCH_S)
    return {"stall_ms": stall, "slept_ms": slept, "back_ms": all_back * 1000}


STALL = (Column("stall_ms", "longest /healthz ms"), Column("slept_ms", "of it the probe's own delay"))

CROWD = (
    Mode(
        "memory",
        "{open} open streams of 8 deltas a second, fresh process",
        (Column("kib", "KiB per open stream"), Column("base_mib", "RSS before, MiB", 0)),
        _memory,
        main="kib",
    ),
    Mode(
        "fan",
        f"4 generations, a delta every {TOKENS_MS} ms, n = {{fan_n}}: what a delta of Claude costs with all its readers",
        (PER_DELTA,),
        _fan,
        main="cpu_us",
    ),
    Mode(
        "stall",
        "how long other work waits while {heavy} tool results of 2 MB pass, one after the other",
        (*STALL, Column("rest_ms", "at rest ms")),
        _stall,
    ),
    Mode(
        "storm",
        f"{{shared}} generations with {READERS} readers each, who all leave, or leave and resume, at once",
        (
            *STALL,
            Column("closing_stall_ms", "longest while calls are closed, ms"),
            Column("closed_late_ms", "last upstream call closed after the grace, ms"),
            Column("back_ms", "until all read again, ms"),
        ),
        _storm,
    ),
    Mode(
        "capacity",
        f"paced streams at once ({TOKENS_MS} ms, n = {{step_n}}) until p99 lateness passes {LATE_MS} ms or a first token's {FIRST_MS} ms",
        (
            Column("streams", "sustained", 0),
            Column("cpu_us", "CPU µs/delta there"),
            Column("late_p99_ms", "late p99 ms there"),
            Column("first_p99_ms", "first token p99 ms there", 0),
            Column("failed_at", "failed at", 0),
            Column("failed_ms", "with late p99 ms"),
            Column("failed_first_ms", "and first token p99 ms", 0),
        ),
        _capacity,
    ),
)
