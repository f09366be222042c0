"""Modes in which every reader has an answer of its own: all targets take turns over them."""

from collections.abc import Sequence
from functools import partial
from statistics import median, quantiles

from tests.bench.answers import Case
from tests.bench.reading import Answer
from tests.bench.targets import Running
from tests.bench.trial import Bench, Column, Measured, Mode, Sample

TOKENS_MS = 20
"""Claude's pace at its fastest models: 50 deltas a second, each in a read of its own."""

PER_DELTA = Column("cpu_us", "CPU µs/delta")
PER_STREAM = Column("cpu_ms", "CPU ms/stream", 2)
PER_READ = Column("per_read", "deltas/read")
RIG = Column("rig_us", "rig µs/delta")
TTFT = Column("ttft_p50_ms", "TTFT p50 ms", 2)
ADDED = Column("ttft_p50_ms", "added TTFT p50 ms", 2, over="direct")


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value that *percent* of *values* do not exceed; 0 of none."""
    if len(values) < 2:
        return max(values, default=0.0)
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def first_text_ms(measured: Measured) -> list[float]:
    """Return how long each reader waited for its first text."""
    return [
        (answer.pieces[0][0] - reader.sent_at) * 1000
        for reader, answer in zip(measured.readers, measured.answers, strict=True)
        if answer.pieces
    ]


def late_ms(cases: Sequence[Case], answers: Sequence[Answer]) -> list[float]:
    """Return how late each delta was, of the answers that are whole."""
    whole = (
        (case, answer) for case, answer in zip(cases, answers, strict=True) if answer.text and answer.complete
    )
    return [
        late * 1000
        for case, answer in whole
        if len(answer.text) == case.ends[-1]
        for late in answer.lateness_s(case)
    ]


def per_delta(measured: Measured, cases: Sequence[Case]) -> Sample:
    """Return what a delta cost, and how many came in a read."""
    deltas = sum(case.n for case in cases)
    reads = sum(len({at for at, _ in answer.pieces}) for answer in measured.answers)
    return {
        "cpu_us": measured.cpu_s / deltas * 1e6,
        "rig_us": measured.rig_s / deltas * 1e6,
        "per_read": deltas / max(1, reads),
        "ttft_p50_ms": median(first_text_ms(measured) or [0.0]),
    }


async def _paced(bench: Bench) -> None:
    sizes = bench.sizes
    cases = [Case(sizes.paced_n, TOKENS_MS, k % 8) for k in range(sizes.streams)]

    async def trial(running: Running) -> Sample:
        measured = await bench.measure(running, cases, timeout_s=sizes.paced_n * TOKENS_MS / 1000 + 10)
        late = late_ms(cases, measured.answers)
        sample = per_delta(measured, cases)
        return sample | {"late_p50_ms": percentile(late, 50), "late_p99_ms": percentile(late, 99)}

    await bench.turns(trial)


async def _burst(bench: Bench, *, long: bool) -> None:
    sizes = bench.sizes
    cases = [Case(sizes.long_n if long else sizes.burst_n, 0, k) for k in range(2 if long else 8)]

    async def trial(running: Running) -> Sample:
        measured = await bench.measure(running, cases, timeout_s=30, spread_s=0)
        return per_delta(measured, cases)

    await bench.turns(trial)


async def _one_by_one(bench: Bench, *, kind: str = "plain", history: bool = False) -> None:
    heavy = kind == "tool" or history
    cases = [Case(1, 0, k % 8, kind) for k in range(bench.sizes.heavy if heavy else bench.sizes.short)]

    async def trial(running: Running) -> Sample:
        measured = await bench.measure(running, cases, timeout_s=10, spread_s=None, history=history)
        waited = first_text_ms(measured)
        return {
            "cpu_ms": measured.cpu_s / len(cases) * 1e3,
            "ttft_p50_ms": percentile(waited, 50),
            "ttft_p99_ms": percentile(waited, 99),
        }

    await bench.turns(trial)


LATE = (Column("late_p50_ms", "late p50 ms"), Column("late_p99_ms", "late p99 ms"))

PLAIN = (
    Mode(
        "paced",
        f"{{streams}} streams, a delta every {TOKENS_MS} ms, n = {{paced_n}}",
        (PER_DELTA, *LATE, PER_READ, RIG),
        _paced,
        main="cpu_us",
    ),
    Mode(
        "burst",
        "8 streams as fast as they come, n = {burst_n}",
        (PER_DELTA, PER_READ, TTFT, RIG),
        partial(_burst, long=False),
        main="cpu_us",
    ),
    Mode(
        "long",
        "2 streams as fast as they come, n = {long_n}: must cost no more per delta than burst",
        (PER_DELTA, PER_READ, TTFT, RIG),
        partial(_burst, long=True),
        main="cpu_us",
    ),
    Mode(
        "fixed",
        "{short} streams of one delta, one after the other",
        (PER_STREAM, ADDED, TTFT, Column("ttft_p99_ms", "TTFT p99 ms", 2)),
        _one_by_one,
        main="cpu_ms",
    ),
    Mode(
        "tool",
        "{heavy} answers with a tool's result of 2 MB in one frame, one after the other",
        (PER_STREAM, ADDED),
        partial(_one_by_one, kind="tool"),
        main="cpu_ms",
    ),
    Mode(
        "history",
        "{heavy} questions after a history of 200 KB, one after the other",
        (PER_STREAM, ADDED),
        partial(_one_by_one, history=True),
        main="cpu_ms",
    ),
)
