"""What N streams at once need: cores, sockets, memory, bandwidth, from measured costs.

::

    python -m tests.bench.capacity --streams 1000 10000 100000 1000000

How many streams a process carries is simulated: each stream's deltas come at their rate, with a phase and a jitter of
their own, and wait for one core; as many streams fit as let one delta in a hundred wait no longer than ``--late-ms``,
and as leave ``--headroom`` of the core free for starts, resumes and bad minutes. Everything else is multiplication.
All assumptions are flags; their defaults are printed with the table.
"""

import argparse
import heapq
import math
import random
import sys
from dataclasses import dataclass, fields

SIMULATED_S = 5


@dataclass(frozen=True, slots=True)
class Costs:
    """What is assumed. Costs are of one core of the machine they were measured on (README.md beside this file)."""

    delta_us: float = 41.6  # CPU of the gateway for one delta to one reader
    start_ms: float = 1.14  # CPU of the gateway for a stream, whatever its length
    stream_kib: float = 50.1  # memory of an open stream
    process_mib: float = 116.0  # memory of a gateway before any
    log_kib: float = 125.0  # memory of 1,000 deltas that are kept for replay
    nginx_delta_us: float = 14.4  # CPU of nginx for one delta
    nginx_start_ms: float = 0.05  # CPU of nginx for a stream
    nginx_stream_kib: float = 17.2  # memory of nginx for a stream
    deltas_s: float = 50.0  # deltas a second of one stream
    answer_s: float = 20.0  # how long a stream lasts
    retention_s: float = 600.0  # GATEWAY_RETENTION
    max_log_mib: float = 512.0  # GATEWAY_MAX_LOG_BYTES, which ends the retention of what is oldest
    delta_bytes: float = 126.0  # of one delta on the wire, TCP and TLS beside it
    packet_bytes: float = 90.0  # what TCP, IP, TLS and chunks add to each
    late_ms: float = 50.0  # what one delta in a hundred may wait
    headroom: float = 0.3  # of each core that is kept free


def lateness_ms(streams: int, costs: Costs, seed: int = 1) -> float:
    """Return what one delta in a hundred waits for the core, with so many streams on it.

    Deltas come every ``1 / deltas_s``, up to half of that late, and take ``delta_us``, and each stream's start its own cost.
    """
    chance = random.Random(seed)  # noqa: S311 - a simulation
    every = 1 / costs.deltas_s
    coming = [(chance.random() * every, number) for number in range(streams)]
    heapq.heapify(coming)
    service = costs.delta_us / 1e6 + costs.start_ms / 1e3 / (costs.deltas_s * costs.answer_s)
    free_at, waits = 0.0, []
    while coming and coming[0][0] < SIMULATED_S:
        due, number = coming[0]
        arrival = due
        free_at = max(free_at, arrival) + service
        waits.append(free_at - arrival)
        heapq.heapreplace(coming, (due + every * (0.5 + chance.random()), number))
    waits.sort()
    return waits[int(len(waits) * 0.99)] * 1000 if waits else 0.0


def streams_of_a_process(costs: Costs) -> int:
    """Return how many streams one process, which is one core, carries."""
    each = costs.deltas_s * costs.delta_us / 1e6 + costs.start_ms / 1e3 / costs.answer_s
    low, high = 1, max(2, int((1 - costs.headroom) / each))
    if lateness_ms(high, costs) <= costs.late_ms:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if lateness_ms(middle, costs) <= costs.late_ms else (low, middle)
    return low


def needs(streams: int, costs: Costs, carried: int) -> dict[str, str]:
    """Return a row of the table: what *streams* at once need, when a process carries *carried*."""
    processes = math.ceil(streams / carried)
    nginx_cpu = streams * (
        costs.deltas_s * costs.nginx_delta_us / 1e6 + costs.nginx_start_ms / 1e3 / costs.answer_s
    )
    starts_s = streams / costs.answer_s
    answer_kib = costs.log_kib * costs.deltas_s * costs.answer_s / 1000
    kept_kib = min(starts_s * costs.retention_s * answer_kib, processes * costs.max_log_mib * 1024)
    gateway_gib = (processes * costs.process_mib * 1024 + streams * costs.stream_kib + kept_kib) / 1024**2
    bits = streams * costs.deltas_s * (costs.delta_bytes + costs.packet_bytes) * 8
    return {
        "streams": f"{streams:,}",
        "answers/s": f"{starts_s:,.0f}",
        "gateways (cores)": f"{processes:,}",
        "nginx cores": f"{math.ceil(nginx_cpu / (1 - costs.headroom)):,}",
        "files of a gateway": f"{2 * min(streams, carried) + 100:,}",
        "files of all nginx": f"{2 * streams:,}",
        "connections to Claude": f"{streams:,}",
        "memory, gateways GiB": f"{gateway_gib:,.1f}",
        "memory, nginx GiB": f"{streams * costs.nginx_stream_kib / 1024**2:,.1f}",
        "to browsers Gbit/s": f"{bits / 1e9:,.2f}",
    }


def table(streams: list[int], costs: Costs) -> str:
    """Return the table in Markdown, and above it what is assumed."""
    carried = streams_of_a_process(costs)
    rows = [needs(each, costs, carried) for each in streams]
    assumed = ", ".join(f"{field.name} {getattr(costs, field.name):g}" for field in fields(costs))
    lines = [
        f"A process carries {carried} streams (one delta in a hundred waits {lateness_ms(carried, costs):.1f} ms). Assumed: {assumed}.",
        "",
        f"| {' | '.join(rows[0])} |",
        f"|{' ---: |' * len(rows[0])}",
        *(f"| {' | '.join(row.values())} |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Print the table for the flags in *argv*; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.capacity", description="What N streams at once need."
    )
    parser.add_argument(
        "--streams", type=int, nargs="+", default=[1000, 10_000, 100_000, 1_000_000], metavar="N"
    )
    for field in fields(Costs):
        name = f"--{field.name.replace('_', '-')}"
        parser.add_argument(name, type=float, default=field.default, metavar="X")
    given = vars(parser.parse_args(argv))
    streams = given.pop("streams")
    if min(*streams, *(given[name] for name in ("delta_us", "deltas_s", "answer_s"))) <= 0:
        parser.error("streams, delta-us, deltas-s and answer-s must be above 0")
    if min(given.values()) < 0 or given["headroom"] >= 1:
        parser.error("nothing may be below 0, and headroom must be below 1")
    sys.stdout.write(table(streams, Costs(**given)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
