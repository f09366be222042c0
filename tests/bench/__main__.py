"""``uv run python -m tests.bench``: run the benchmark, print its tables.

No timing is ever a failure. A wrong answer is: the exit code is then 1.
"""

import argparse
import asyncio
import shlex
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import orjson
import uvloop

from tests.bench import kernel, report
from tests.bench.answers import Case
from tests.bench.crowd import CROWD
from tests.bench.load import Start, play
from tests.bench.peers import PEERS
from tests.bench.plain import PLAIN
from tests.bench.reading import DIALECTS, read
from tests.bench.targets import TARGETS, Running, Target, fake_claude, peer, run
from tests.bench.trial import QUICK, Bench, Sizes

MODES = {mode.name: mode for mode in (*PLAIN, *CROWD)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure what relaying costs.")
    parser.add_argument(
        "--quick", action="store_true", help="under a minute: shows that it works, little more"
    )
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES), help="all by default")
    parser.add_argument(
        "--targets",
        nargs="+",
        choices=TARGETS | PEERS,
        default=list(TARGETS),
        help=f"all but {', '.join(PEERS)} by default",
    )
    parser.add_argument(
        "--rounds", type=int, choices=range(1, 21), metavar="1-20", help="turns of each target"
    )
    parser.add_argument(
        "--shared-cores",
        action="store_true",
        help="leave it to the kernel on which cores what is measured, the fake Claude and the load run",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there")
    parser.add_argument(
        "--peer",
        nargs=4,
        action="append",
        default=[],
        metavar=("NAME", "DIALECT", "PATH", "COMMAND"),
        help=f"another gateway that is installed; {{port}} in COMMAND is where it must listen, {{upstream}} the fake "
        f"Claude's port, which ANTHROPIC_BASE_URL also names; DIALECT is one of {', '.join(DIALECTS)}",
    )
    parser.add_argument(
        "--under", metavar="COMMAND", default="", help="run ours under this command, a profiler"
    )
    return parser.parse_args()


async def _check_the_check(running: Running) -> None:
    """See that a right answer passes and that one with a wrong character does not."""
    cases = [Case(9, kind="altered"), Case(9)]
    readers = await play(running.address, [Start(running.request(case)) for case in cases], 10)
    altered, plain = (read(reader, running.target.dialect) for reader in readers)
    name, dialect = running.target.name, running.target.dialect
    if not plain.is_right(cases[1], dialect):
        msg = f"{name} does not answer as it should: status {plain.status}, text {plain.text[:80]!r}"
        raise SystemExit(msg)
    if not altered.complete or altered.is_right(cases[0], dialect):
        msg = f"an altered answer through {name} was not noticed: the numbers would mean nothing"
        raise SystemExit(msg)


async def _measure(bench: Bench, modes: list[str]) -> None:
    for running in bench.live:
        await _check_the_check(running.ready())
    for name in modes:
        bench.now = name
        _tell(f"{name} …")
        await MODES[name].run(bench)


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> int:
    """Run it; return the exit code."""
    asked = _arguments()
    kernel.raise_file_limit()
    sizes = QUICK if asked.quick else Sizes()
    sizes = replace(sizes, rounds=asked.rounds or sizes.rounds)
    chosen: list[Target] = [(TARGETS | PEERS)[name] for name in asked.targets]
    chosen += [peer(*words) for words in asked.peer]
    skipped = {target.name: why for target in chosen if (why := target.missing())}
    if "capacity" in asked.modes and not sizes.steps:
        skipped["capacity"] = "it takes minutes; not with --quick"
    places = kernel.places(apart=not asked.shared_cores)
    with ExitStack() as stack:
        stack.enter_context(kernel.on(places.rig))
        upstream = stack.enter_context(fake_claude())
        bench = Bench(sizes, [], upstream, places)
        for target in chosen:
            if target.name not in skipped:
                _tell(f"starting {target.name}")
                under = shlex.split(asked.under) if target.name == "ours" else ()
                starting = run(target, upstream[0], under=under, cores=places.targets)
                bench.live.append(stack.enter_context(starting))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_measure(bench, [name for name in asked.modes if name not in skipped]))
    machine = kernel.machine() | {"cores": "apart" if places.apart else "shared"}
    sys.stdout.write(report.as_text(bench, [MODES[name] for name in asked.modes], machine, skipped) + "\n")
    if asked.json:
        asked.json.write_bytes(
            orjson.dumps(report.as_json(bench, machine, skipped), option=orjson.OPT_INDENT_2)
        )
    return 1 if bench.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
