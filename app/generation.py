"""One generation: its task, its log, its readers, and exactly one end.

The producer is handed in as a coroutine that is told where to ``say`` events; it knows nothing of readers. A
reader joins, reads the log, leaves. When the last one has left, the grace runs; nobody back by its end, the
generation is abandoned and its upstream call closed.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from app.logs import traced
from app.producer import Ending, Produce
from app.protocol.errors import Bug, Drained, Problem, TooLong
from app.protocol.events import Delta, Done, Error, Event, Start, Text
from app.protocol.fold import Fold
from app.protocol.log import Account, Log, LogFull
from app.protocol.usage import Ledger, Spent
from app.record import Record
from app.tally import Tally

logger = logging.getLogger(__name__)

START_ANYWAY_S = 10
"""After so long without an answer from Claude, readers are told that the generation exists."""

State = Literal["running", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What goes for all generations of a process.

    Attributes:
        max_bytes: Bound of a log.
        grace_s: Seconds a generation goes on with no reader; -1 for to its end.
        price: Tells what upstream messages cost in US dollars, None when that is unknown.
        account: What all logs together hold.
        replica: The name of this process among several, if it has one.
    """

    max_bytes: int
    grace_s: float
    price: Callable[[Sequence[Spent]], float | None]
    account: Account = field(default_factory=Account)
    replica: str | None = None


def new_id(replica: str | None) -> str:
    """Return an id nobody can guess, 136 random bits, that ends in the name of the replica that has it, if any."""
    own = f"g_{secrets.token_hex(17)}"
    return f"{own}_{replica}" if replica else own


def _too_long() -> Problem:
    msg = "The answer is larger than this gateway keeps (GATEWAY_MAX_GENERATION_BYTES)."
    return TooLong(msg, limit="generation_bytes")


class Generation:
    """One answer, from request to terminal event.

    Args:
        model: The model that is asked.
        owner: Who started it.
        client: On whom it counts.
        request_id: Of the request that did.
        rules: What goes for all.
        on_end: Called once, when the terminal event is in the log.

    Attributes:
        ending: How Claude ended the answer, once it has.
        problem: What it failed with.
        cost_usd: What Claude's messages cost, as far as Claude reported them, once it has ended; None when unknown.
        readers: How many there are now.
        tally: What is counted of it.
    """

    def __init__(
        self,
        *,
        model: str,
        owner: str,
        client: str,
        request_id: str,
        rules: Rules,
        on_end: Callable[["Generation"], None],
    ) -> None:
        self.id = new_id(rules.replica)
        self.model = model
        self.owner = owner
        self.client = client
        self.request_id = request_id
        self.log = Log(rules.max_bytes, rules.account)
        self.ledger = Ledger()
        self.record = Record()
        self.tally = Tally()
        self.ending = Ending()
        self.problem: Problem | None = None
        self.cost_usd: float | None = None
        self.readers = 0
        self._rules = rules
        self._on_end = on_end
        self._answered_model = model
        self._message_id: str | None = None
        self._task: asyncio.Task[None] | None = None
        self._start_anyway: asyncio.TimerHandle | None = None
        self._orphan: asyncio.TimerHandle | None = None
        self._missed_since: float | None = None

    # What the producer does

    def start(self, produce: Produce) -> None:
        """Begin. The generation owns the task from here on."""
        loop = asyncio.get_running_loop()
        self._start_anyway = loop.call_later(START_ANYWAY_S, self.say)
        self._task = loop.create_task(self._run(produce), name=f"generation {self.id}")

    @property
    def began(self) -> bool:
        """Whether anything has been said."""
        return len(self.log) > 0

    def answered(self, message_id: str | None, model: str | None) -> None:
        """Note that Claude has answered, so that ``start`` can say it."""
        self._message_id = message_id
        self._answered_model = model or self.model

    def say(self, *events: Event) -> None:
        """Append *events*; the first one is preceded by ``start``.

        Raises:
            TooLong: the log would be larger than it may be.
        """
        log = self.log
        if log.terminal:
            return  # cancelled between two events of one read
        had = len(log)
        if not had:
            events = (self._opening(), *events)
        try:
            log.append(*events)
        except LogFull as error:
            self.tally.note(log.after(had))
            raise _too_long() from error
        self.tally.note(events)

    def go_on(self, kind: type[Delta], index: int, piece: str) -> None:
        """Append one more delta of a block that has said some; what ``say`` would do, and sooner.

        Raises:
            TooLong: the log would be larger than it may be.
        """
        log = self.log
        if log.terminal:
            return
        try:
            log.add(kind, index, piece)
        except LogFull as error:
            raise _too_long() from error
        if kind is Text:
            self.tally.digest.update(piece)

    def elapsed_ms(self) -> int:
        """Return milliseconds since the generation began."""
        return self.tally.elapsed_ms()

    def fold(self) -> Fold:
        """Return what has been said so far."""
        fold = Fold()
        for event in self.log:
            fold.feed(event)
        return fold

    def _opening(self) -> Start:
        """Return the event that comes before all others."""
        return Start(self.id, self._answered_model, self._message_id)

    async def _run(self, produce: Produce) -> None:
        try:
            self.ending = await produce(self)
            self._finish(self.ending.stop_reason, self.ending)
        except Problem as problem:
            self._fail(problem)
        except asyncio.CancelledError:
            pass  # readers have been told; a task that ends cancelled keeps its exception, and by its trace all this
        except Exception as error:  # noqa: BLE001 - whatever it is, readers get an end and the log a trace
            logger.error(
                "generation %s… failed with %s", self.id[:10], type(error).__name__, extra=traced(error)
            )
            self._fail(Bug("The gateway failed. Its operator finds the reason in the log."))

    # How it ends

    def cancel(self, reason: Literal["cancelled", "abandoned"]) -> None:
        """End at once: readers get ``done``, the upstream call is closed. Nothing happens after an end."""
        if self.log.ended:
            return  # also to the task: what is left of it lets go of what it held
        self.ending = Ending(message_id=self._message_id, model=self._answered_model)
        self._finish(reason, self.ending)
        if self._task:
            self._task.cancel()

    def interrupt(self) -> None:
        """End at once because the process is about to: readers get a retryable ``error``."""
        self._fail(Drained("The gateway is restarting. Try again.", retry_after_s=1))
        if self._task:
            self._task.cancel()

    async def gone(self) -> None:
        """Wait until the task has let go of everything it held."""
        if self._task:
            await asyncio.wait([self._task])

    def _finish(self, stop_reason: str | None, ending: Ending) -> None:
        if self.log.ended:
            return
        self.cost_usd = self._cost()
        self.tally.end()
        usage = self.ledger.total()
        timing, digest = self.tally.timing(usage.get("output_tokens")), self.tally.digest.hexdigest()
        self._end(
            Done(stop_reason, ending.stop_sequence, ending.message, usage, self.cost_usd, timing, digest)
        )

    def _fail(self, problem: Problem) -> None:
        if self.log.ended:
            return
        self.problem = problem.untraced()
        self.tally.end()
        self.cost_usd = self._cost()
        request_id = problem.upstream_request_id or self.request_id
        self._end(Error(problem.wire(), request_id, self.ledger.total(), self.tally.digest.hexdigest()))

    def _cost(self) -> float | None:
        """Return what Claude's messages cost; None also if that cannot be said: an answer has to come to its end."""
        try:
            return self._rules.price(self.ledger.messages)
        except Exception as error:  # noqa: BLE001 - the price list is a library, and the numbers are somebody else's
            logger.error("no cost: %s", type(error).__name__, extra=traced(error))
            return None

    def _end(self, terminal: Done | Error) -> None:
        for timer in (self._start_anyway, self._orphan):
            if timer:
                timer.cancel()
        # Together, so that nobody takes a refusal for the beginning of an answer.
        self.log.append(*([] if self.began else [self._opening()]), terminal)
        self._on_end(self)

    @property
    def refusal(self) -> Problem | None:
        """What it failed with, if readers were shown nothing before; an ordinary HTTP error can say that."""
        return self.problem if len(self.log) == 2 else None  # start, error

    @property
    def state(self) -> State:
        """Whether it runs, and if not, how it ended."""
        match self.log.terminal:
            case None:
                return "running"
            case Error():
                return "failed"
            case Done(stop_reason="cancelled" | "abandoned"):
                return "cancelled"
            case Done():
                return "done"

    # Who watches

    def join(self) -> None:
        """Count a reader in."""
        self.readers += 1
        self._missed_since = None
        if self._orphan:
            self._orphan.cancel()
            self._orphan = None

    def leave(self, *, saw_end: bool) -> None:
        """Count a reader out; the last one starts the grace.

        Args:
            saw_end: It was sent everything, the terminal event included.
        """
        self.readers -= 1
        if self.readers or saw_end:
            return
        self._missed_since = time.monotonic()
        if not self.log.ended and self._rules.grace_s >= 0:
            loop = asyncio.get_running_loop()
            self._orphan = loop.call_later(self._rules.grace_s, self.cancel, "abandoned")

    @property
    def missed(self) -> bool:
        """Whether it came to its end while its last reader was away, who within the grace may still return."""
        if self._missed_since is None or self.refusal or self.state not in ("done", "failed"):
            return False
        return self._rules.grace_s < 0 or time.monotonic() - self._missed_since < self._rules.grace_s
