"""The generations of this process: start one, find it again, retire it, drain them all."""

import asyncio
import logging
import time
from collections import Counter, OrderedDict
from functools import partial
from itertools import islice

from app.caller import ANONYMOUS
from app.generation import Generation, Rules
from app.idempotency import IdempotencyKeys
from app.monitoring.metrics import Metrics
from app.monitoring.outcome import outcome
from app.monitoring.telemetry import Telemetry
from app.producer import Produce
from app.protocol.errors import Gone, NotFound, TooMany, Unavailable
from app.request.chat import ChatRequest
from app.room import Room, Rooms
from app.settings import Settings

logger = logging.getLogger(__name__)

TOMBSTONE_S = 24 * 3600
"""How long an id is remembered after its generation is gone, to answer 410 rather than 404."""

MAX_TOMBSTONES = 50_000
"""About 10 MB."""

KEPT_BYTES = 5_200
"""What a generation that has ended holds beside its log (measured: resident memory of 8,000)."""

RETIRED_AT_ONCE = 100
"""Answers that began together end and are retired together; between so many, others have their turn."""

RETRY_AFTER_S = 1
"""What a client is told to wait when the gateway is full or draining."""


class Hub:
    """Live and finished generations, by id and by Idempotency-Key.

    Attributes:
        draining: No new generation is taken.
    """

    def __init__(self, settings: Settings, metrics: Metrics, telemetry: Telemetry, rules: Rules) -> None:
        self._settings = settings
        self._metrics = metrics
        self._telemetry = telemetry
        self._rules = rules
        # By owner and id: what is somebody else's is not even touched, and takes no longer to deny than what never was.
        self._generations: dict[tuple[str, str], Generation] = {}
        self._live: set[Generation] = set()
        self._keys = IdempotencyKeys()
        self._live_of: Counter[str] = Counter()
        self._tombstones: OrderedDict[tuple[str, str], float] = OrderedDict()
        # Those that have ended, in that order, and when (the loop's time) each is to be retired.
        self._kept: OrderedDict[Generation, float] = OrderedDict()
        self._next_retirement: asyncio.TimerHandle | None = None
        self._rooms = Rooms(rules.account, settings.max_log_bytes, self._free)
        self.draining = False
        metrics.live.set_function(lambda: len(self._live))
        metrics.readers.set_function(lambda: sum(each.readers for each in self._generations.values()))
        metrics.log_bytes.set_function(lambda: rules.account.bytes)

    def start(
        self,
        request: ChatRequest,
        produce: Produce,
        *,
        owner: str,
        client: str,
        max_streams: int,
        key: str | None,
        request_id: str,
        room: Room,
    ) -> tuple[Generation, bool]:
        """Return the generation of *request*, and whether *key* had started it before.

        Args:
            request: What is asked.
            produce: What answers it.
            owner: Whose it will be.
            client: On whom it counts.
            max_streams: How many that client may have under way.
            key: The Idempotency-Key it came with.
            request_id: Of the HTTP request.
            room: What the question holds; kept for a new generation, to its end.

        Raises:
            KeyReused: *key* belongs to another question.
            TooMany: the client has too many under way.
            Unavailable: the gateway is draining or full.
        """
        if had := self.started_by(key, owner, request):
            self._metrics.replays.inc()
            return had, True
        self.admit(client, max_streams)
        generation = Generation(
            model=request.model,
            owner=owner,
            client=client,
            request_id=request_id,
            rules=self._rules,
            on_end=partial(self._ended, room),
        )
        room.keep()
        self._generations[owner, generation.id] = generation
        self._rules.account.bytes += KEPT_BYTES
        self._live.add(generation)
        self._live_of[client] += 1
        if key is not None:
            self._keys.add(key, request, generation)
        self._metrics.generation_started(request.model)
        generation.start(produce)
        return generation, False

    def started_by(self, key: str | None, owner: str, request: ChatRequest) -> Generation | None:
        """Return the generation that *key* has started and that can still answer *request*, if there is one.

        Raises:
            KeyReused: *key* belongs to another question.
        """
        return self._keys.find_for(key, owner, request) if key is not None else None

    def admit(self, client: str, max_streams: int) -> None:
        """See to it that one more generation of *client* may begin.

        Raises:
            TooMany: the client has *max_streams* under way.
            Unavailable: the gateway is draining or full.
        """
        if self.draining:
            msg = "The gateway is restarting. Try again in a moment."
            raise Unavailable(msg, retry_after_s=RETRY_AFTER_S)
        if len(self._live) >= self._settings.max_generations:
            msg = (
                "The gateway has as many answers under way as it takes (GATEWAY_MAX_GENERATIONS). Try again."
            )
            raise Unavailable(msg, retry_after_s=RETRY_AFTER_S, limit="generations")
        if self._live_of[client] >= max_streams:
            msg = "You have as many answers under way as you may (GATEWAY_MAX_STREAMS_PER_CLIENT). Wait for one to end."
            raise TooMany(msg, retry_after_s=RETRY_AFTER_S, limit="streams")
        self._free(0)

    def room(self, client: str) -> Room:
        """Return the room that a request of *client* takes, to be entered while it is read."""
        return Room(self._rooms, client)

    def _free(self, size: int) -> None:
        """See to it that *size* more bytes may be held.

        Raises:
            Unavailable: so much is under way.
        """
        held, most = self._rules.account, self._settings.max_log_bytes
        while held.bytes + size > most:
            if not self._kept:
                msg = "The gateway keeps as much as it may (GATEWAY_MAX_LOG_BYTES). Try again."
                raise Unavailable(msg, retry_after_s=RETRY_AFTER_S, limit="log_bytes")
            # Replay of what has long ended is worth less than a new answer.
            self.retire(next(iter(self._kept)))

    def find(self, generation_id: str, owner: str) -> Generation:
        """Return a generation by its id.

        Raises:
            NotFound: there is none, or it is somebody else's.
            Gone: it has been retired.
        """
        generation = self._generations.get((owner, generation_id))
        if generation is not None:
            return generation
        if (owner, generation_id) in self._tombstones:
            msg = "This answer is no longer kept."
            raise Gone(msg)
        msg = "There is no such answer."
        raise NotFound(msg)

    def find_by_key(self, key: str, owner: str) -> Generation:
        """Return the generation that an Idempotency-Key started.

        Raises:
            NotFound: there is none.
        """
        generation = self._keys.find(key, owner)
        if generation is None:
            msg = "This Idempotency-Key has started no answer that is still kept."
            raise NotFound(msg)
        return generation

    def _ended(self, room: Room, generation: Generation) -> None:
        room.give_back()
        self._live.discard(generation)
        self._live_of[generation.client] -= 1
        if not self._live_of[generation.client]:
            del self._live_of[generation.client]
        loop = asyncio.get_running_loop()
        self._kept[generation] = due = loop.time() + self._settings.retention
        if self._next_retirement is None:
            self._next_retirement = loop.call_at(due, self._retire_due)
        loop.call_soon(self._report, generation)  # readers are told first

    def _retire_due(self) -> None:
        """Retire what has been kept for its time, and come back for the next."""
        loop = asyncio.get_running_loop()
        for generation, due in list(islice(self._kept.items(), RETIRED_AT_ONCE)):
            if due > loop.time():
                break
            self.retire(generation)
        next_due = next(iter(self._kept.values()), None)
        self._next_retirement = None if next_due is None else loop.call_at(next_due, self._retire_due)

    def _report(self, generation: Generation) -> None:
        """Tell the operator how *generation* has ended."""
        ended = outcome(generation, generation.owner if generation.owner != ANONYMOUS else None)
        self._metrics.generation_ended(ended, generation.problem)
        self._telemetry.generation_ended(ended, generation.record)
        logger.info("generation ended", extra={"fields": ended.fields()})

    def retire(self, generation: Generation) -> None:
        """Forget a finished generation."""
        self._kept.pop(generation, None)
        if self._generations.pop((generation.owner, generation.id), None) is None:
            return
        self._rules.account.bytes -= generation.log.bytes + KEPT_BYTES
        self._keys.forget(generation)
        now = time.monotonic()
        self._tombstones[generation.owner, generation.id] = now + TOMBSTONE_S
        while self._tombstones and (
            len(self._tombstones) > MAX_TOMBSTONES or next(iter(self._tombstones.values())) < now
        ):
            self._tombstones.popitem(last=False)

    # How the process ends

    def count(self) -> int:
        """Return how many generations are under way."""
        return len(self._live)

    def awaited(self) -> int:
        """Return how many generations are under way, or have ended with a reader who may still come back for it."""
        return sum(each in self._live or each.missed for each in self._generations.values())

    def interrupt(self) -> None:
        """End what is under way, so that its readers are told."""
        for generation in tuple(self._live):
            generation.interrupt()

    async def close(self) -> None:
        """End everything. To be called when no more requests come."""
        generations = list(self._generations.values())
        self.interrupt()
        for generation in generations:
            await generation.gone()
        if self._next_retirement:
            self._next_retirement.cancel()
