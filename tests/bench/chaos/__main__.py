"""The command line of ``tests.bench.chaos``."""

import argparse
import asyncio
import json
import secrets
import sys
import time
from dataclasses import asdict
from pathlib import Path

from tests.bench import chaos as described
from tests.bench.chaos.findings import MB, Findings, growth
from tests.bench.chaos.plan import make_plan
from tests.bench.chaos.run import LANES, chaos
from tests.bench.kernel import machine, raise_file_limit


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.chaos", description=(described.__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--generations", type=int, default=100)
    parser.add_argument("--faults", type=int, help="at least so many; twice the generations by default")
    parser.add_argument("--seed", type=int, help="random by default, and printed")
    parser.add_argument("--lanes", type=int, default=LANES, help="generations at a time")
    parser.add_argument(
        "--only", type=int, nargs="+", metavar="N", help="these generations of the seed alone"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there")
    return parser.parse_args()


def main() -> int:
    """Run it; return the exit code."""
    asked = _arguments()
    raise_file_limit()
    seed = asked.seed if asked.seed is not None else secrets.randbelow(2**31)
    wanted = asked.faults if asked.faults is not None else 2 * asked.generations
    sys.stderr.write(f"seed {seed}\n")
    each = 1.2 * wanted / asked.generations  # some do not come to it
    numbers = asked.only or range(asked.generations)
    plans = {number: make_plan(seed, number, each) for number in numbers}
    findings = Findings()
    began = time.monotonic()
    asyncio.run(chaos(plans, asked.lanes, findings))
    took = time.monotonic() - began
    if not asked.only and findings.faults.total() < wanted:
        findings.violations.append(f"only {findings.faults.total()} of {wanted} faults came to pass")
    slope = growth(findings)
    result = {
        "seed": seed,
        "generations": len(plans),
        "faults": findings.faults.total(),
        "faults_by_kind": dict(sorted(findings.faults.items())),
        "ends": dict(sorted(findings.ends.items())),
        "characters": findings.characters,
        "events": findings.events,
        "connections": findings.connections,
        "joints": findings.seams,
        "memory_mb": {
            "first": findings.memory[0][1] // MB,
            "greatest": max(size for _, size in findings.memory) // MB,
            "last": findings.memory[-1][1] // MB,
            "growth_per_1000_generations": None if slope is None else round(slope / MB, 2),
        },
        "seconds": round(took, 1),
        "violations": findings.violations,
        "machine": machine(),
    }
    for violation in findings.violations[:20]:
        sys.stdout.write(f"VIOLATION {violation}\n")
    flat = "" if slope is None else f", memory {slope / MB:+.1f} MB per 1,000 generations"
    sys.stdout.write(
        f"seed {seed}: {len(plans):,} generations, {findings.faults.total():,} faults, {findings.characters:,} characters "
        f"over {findings.connections:,} connections, {findings.seams:,} joints seen, {len(findings.violations)} violations"
        f"{flat}, {took:.0f} s\n"
    )
    text = json.dumps(result, ensure_ascii=False, indent=1)
    if asked.json:
        asked.json.write_text(text, "utf-8")
    else:
        sys.stdout.write(f"{text}\n")
    if asked.only:
        sys.stdout.write(json.dumps([asdict(plan) for plan in plans.values()], ensure_ascii=False) + "\n")
    return 1 if findings.violations else 0


if __name__ == "__main__":
    sys.exit(main())
