"""One run of the benchmark: how much of everything, which targets live, what was measured."""

import os
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.bench import kernel, targets
from tests.bench.answers import Case
from tests.bench.load import Reader, Start, one_by_one, play
from tests.bench.reading import Answer, read
from tests.bench.targets import Running, Target

Sample = dict[str, float]

SPREAD_S = 0.5
"""Streams of a trial begin within this time, at the same random moments for all targets."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything. These bound every trial in count and in time.

    Attributes:
        rounds: How often every target has its turn.
        streams, paced_n: Paced: streams at once, deltas of each.
        burst_n, long_n: Deltas of a stream that comes as fast as it can.
        short: Short streams, one after the other.
        heavy: Streams with a large tool result, or with a long history.
        open: Streams that are open at once when memory is read.
        storms, shared: How often everybody leaves; generations that have ten readers each then.
        fan_n: Deltas of a generation with one reader or ten.
        steps, step_n: Paced streams at once, more with each step; deltas of each.
    """

    rounds: int = 3
    streams: int = 40
    paced_n: int = 150
    burst_n: int = 500
    long_n: int = 5000
    short: int = 200
    heavy: int = 10
    open: int = 300
    storms: int = 3
    shared: int = 100
    fan_n: int = 150
    steps: tuple[int, ...] = (25, 50, 75, 100, 150, 200, 300, 400, 500, 600, 750, 900)
    step_n: int = 150


QUICK = Sizes(
    rounds=2,
    paced_n=40,
    burst_n=250,
    long_n=2500,
    short=40,
    heavy=3,
    open=100,
    storms=1,
    shared=20,
    fan_n=40,
    steps=(),
    step_n=0,
)
"""Shows in under a minute that all of it works; its numbers are worth little."""


@dataclass(frozen=True, slots=True)
class Column:
    """One measure.

    Attributes:
        over: The target whose median is taken off, to show what was added to it.
    """

    key: str
    title: str
    digits: int = 1
    over: str | None = None


@dataclass(frozen=True, slots=True)
class Mode:
    """One question to the targets.

    Attributes:
        title: What is done; names of sizes in braces.
        columns: What is told of it.
        run: Asks it, and records samples.
        main: The measure that ratios are formed of; None where ratios say nothing.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    run: Callable[["Bench"], Awaitable[None]]
    main: str | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A trial: what the kernel counted and what came.

    Attributes:
        cpu_s: Of the target's processes.
        rig_s: Of the fake Claude's and the load generator's.
        readers, answers: In the order of the requests.
    """

    cpu_s: float
    rig_s: float
    readers: list[Reader]
    answers: list[Answer]


@dataclass(slots=True)
class Bench:
    """What the modes work with, and what they find.

    Attributes:
        live: Targets that run all the time; modes take turns over them.
        upstream: The fake Claude's port and process.
        places: Which cores run what.
        samples: By mode and name, in the order of the rounds.
        answers, wrong: How many were compared, and how many were not what they should be, by mode and name.
    """

    sizes: Sizes
    live: list[Running]
    upstream: tuple[int, int]
    places: kernel.Places
    samples: dict[str, dict[str, list[Sample]]] = field(default_factory=dict)
    answers: int = 0
    wrong: dict[str, int] = field(default_factory=dict)
    now: str = ""

    def record(self, name: str, sample: Sample) -> None:
        """Keep what a trial of the present mode found."""
        self.samples.setdefault(self.now, {}).setdefault(name, []).append(sample)

    @contextmanager
    def fresh(self, target: Target, extra: Mapping[str, str] | None = None) -> Iterator[Running]:
        """Run a target of its own, for a mode that needs one untouched."""
        with targets.run(target, self.upstream[0], extra=extra, cores=self.places.targets) as running:
            yield running.ready()

    def ours(self) -> Running | None:
        """Return our gateway, if it is among the targets."""
        return next((running for running in self.live if running.target.name == "ours"), None)

    async def turns(self, trial: Callable[[Running], Awaitable[Sample]]) -> None:
        """Run *trial* on all targets in turn, A B C A B C."""
        for _ in range(self.sizes.rounds):
            for running in self.live:
                self.record(running.target.name, await trial(running))

    def check(self, name: str, case: Case, answer: Answer, running: Running, before: str = "") -> None:
        """Count an answer, and whether it was right."""
        self.answers += 1
        if not answer.is_right(case, running.target.dialect, before):
            self.wrong[f"{self.now}: {name}"] = self.wrong.get(f"{self.now}: {name}", 0) + 1

    async def measure(
        self,
        running: Running,
        cases: Sequence[Case],
        *,
        timeout_s: float,
        spread_s: float | None = SPREAD_S,
        history: bool = False,
    ) -> Measured:
        """Ask for *cases* and compare what comes.

        Args:
            running: Who is asked.
            cases: A request each.
            timeout_s: When answers that have not ended count as wrong.
            spread_s: The time in which all begin; None for one after the other.
            history: Whether a long conversation comes before the question.
        """
        requests = [running.request(case, history=history) for case in cases]
        pids, rig = running.pids, (os.getpid(), self.upstream[1])
        before, rig_before = kernel.cpu_s(pids), kernel.cpu_s(rig)
        if spread_s is None:
            readers = await one_by_one(running.address, requests, timeout_s)
        else:
            readers = await play(running.address, spread(requests, spread_s), timeout_s + spread_s)
        rig_s = kernel.cpu_s(rig) - rig_before
        await running.settle()
        cpu_s = kernel.cpu_s(pids) - before
        answers = [read(reader, running.target.dialect) for reader in readers]
        for case, answer in zip(cases, answers, strict=True):
            self.check(running.target.name, case, answer, running)
        return Measured(cpu_s, rig_s, readers, answers)


def spread(requests: Sequence[bytes], spread_s: float) -> list[Start]:
    """Return *requests* at moments within *spread_s* that are random, but the same each time."""
    dice = random.Random(len(requests))  # noqa: S311 - no secret
    return [Start(request, dice.random() * spread_s) for request in requests]
