"""What was found, as JSON and as tables: ratios first, medians with the least and the greatest beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from tests.bench.trial import Bench, Column, Mode, Sample

Samples = Mapping[str, Sequence[Sample]]

TIMES, NONE, TO = "\u00d7", "\u2013", "\u2013"

PEERS = ("nginx", "tutorial")
"""What ratios are formed to."""


def as_json(bench: Bench, machine: Mapping[str, str], skipped: Mapping[str, str]) -> dict[str, Any]:
    """Return everything: each sample of each round."""
    return {
        "machine": dict(machine),
        "sizes": asdict(bench.sizes),
        "skipped": dict(skipped),
        "answers_compared": bench.answers,
        "answers_wrong": bench.wrong,
        "modes": bench.samples,
    }


def as_text(
    bench: Bench, modes: Sequence[Mode], machine: Mapping[str, str], skipped: Mapping[str, str]
) -> str:
    """Return the tables, in Markdown."""
    lines = [", ".join(f"{name} {value}" for name, value in machine.items()), ""]
    lines += [f"Left out: {name}: {why}." for name, why in skipped.items()]
    for mode in modes:
        if samples := bench.samples.get(mode.name):
            lines += [
                "",
                f"### {mode.name}: {mode.title.format(**asdict(bench.sizes))}",
                "",
                *_table(mode, samples),
            ]
    wrong = sum(bench.wrong.values())
    lines += ["", f"{bench.answers} answers compared with what was sent, {wrong} wrong."]
    lines += [f"- {where}: {count} wrong" for where, count in bench.wrong.items()]
    return "\n".join(lines)


def _table(mode: Mode, samples: Samples) -> list[str]:
    peers = [peer for peer in PEERS if peer in samples] if mode.main else []
    if mode.main and not peers and len(samples) > 1:
        peers = [next(iter(samples))]
    head = ["", *(f"{TIMES} {peer}" for peer in peers), *(column.title for column in mode.columns)]
    rows = [head, ["---", *["---:"] * (len(head) - 1)]]
    for name, rounds in samples.items():
        ratios = [_ratio(rounds, samples[peer], mode.main or "") for peer in peers]
        rows.append([name, *ratios, *(_cell(column, rounds, samples) for column in mode.columns)])
    return [f"| {' | '.join(row)} |" for row in rows]


def _ratio(ours: Sequence[Sample], theirs: Sequence[Sample], key: str) -> str:
    """Return the median of the rounds' own ratios: what disturbs a round disturbs its neighbours, too."""
    ratios = [a[key] / b[key] for a, b in zip(ours, theirs, strict=False) if a.get(key) and b.get(key)]
    return f"{median(ratios):.2f}" if ratios else NONE


def _cell(column: Column, rounds: Sequence[Sample], samples: Samples) -> str:
    values = [sample[column.key] for sample in rounds if column.key in sample]
    if column.over:
        under = [sample[column.key] for sample in samples.get(column.over, ())]
        if not under:
            return NONE
        values = [value - median(under) for value in values]
    if not values or (column.key.startswith("cpu") and not any(values)):
        return NONE
    middle = f"{median(values):.{column.digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):.{column.digits}f}{TO}{max(values):.{column.digits}f})"
