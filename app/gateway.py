"""What the routes work with, introduced to each other by ``main``."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.answer import answering
from app.auth.gate import Gate
from app.caller import Caller
from app.diagnosis import diagnosing
from app.generation import Generation
from app.hub import Hub
from app.limits.budget import Budgets
from app.limits.rates import Limiter
from app.monitoring.metrics import Metrics
from app.patience import Patience
from app.protocol.cursor import BadCursor, Cursor
from app.protocol.errors import BadRequest, TooMany
from app.protocol.view import PLAIN, View
from app.reader import Reader
from app.request.chat import CHECK_MODEL, ChatRequest
from app.room import Room
from app.settings import Settings
from app.tools.mcp_servers.servers import McpServers
from app.tools.registry import Toolbox
from app.upstream.catalogue import Catalogue
from app.upstream.client import Upstream


@dataclass(frozen=True, slots=True)
class Started:
    """What a request has started.

    Attributes:
        generation: The answer.
        headers: How the client stands to its limits, or that an Idempotency-Key has led to one that was there.
    """

    generation: Generation
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of one gateway.

    Attributes:
        reading: How many streams each client has open.
    """

    settings: Settings
    hub: Hub
    upstream: Upstream
    catalogue: Catalogue
    metrics: Metrics
    toolbox: Toolbox
    mcp_servers: McpServers
    patience: Patience
    gate: Gate | None
    limiter: Limiter
    budgets: Budgets = field(default_factory=Budgets)
    reading: Counter[str] = field(default_factory=Counter)

    async def start(self, asked: ChatRequest, caller: Caller, key: str | None, room: Room) -> Started:
        """Return the generation that answers *asked*: a new one, which keeps *room*, or the one that *key* has started.

        Raises:
            KeyReused: *key* belongs to another question.
            TooMany: the caller has, or asks, as much as they may.
            Unavailable: the gateway is draining or full.
        """
        self._check_reading(caller)  # who could not read the answer should not have it made
        terms = caller.terms
        headers: Mapping[str, str] = {}
        if not self.hub.started_by(key, caller.owner, asked):
            self.hub.admit(caller.client, terms.max_streams)
            headers = (await self.limiter.start(caller.client, terms.rates)).headers()
        if asked.model == CHECK_MODEL:
            produce = diagnosing(asked, caller)
        else:
            produce = answering(
                self.upstream, self.toolbox, asked, self.patience, self.settings.max_tool_turns
            )
        if terms.budget and asked.model != CHECK_MODEL:
            produce = self.budgets.within(produce, caller.client, terms.budget, asked.body)
        generation, replayed = self.hub.start(
            asked,
            produce,
            owner=caller.owner,
            client=caller.client,
            max_streams=terms.max_streams,
            key=key,
            request_id=caller.request_id,
            room=room,
        )
        return Started(generation, {"Idempotent-Replayed": "true"} if replayed else headers)

    def reader(self, generation: Generation, cursor: Cursor, caller: Caller, view: View = PLAIN) -> Reader:
        """Return a new reader of *generation*.

        Raises:
            TooMany: it has, or the caller has, as many as they may.
        """
        if generation.readers >= self.settings.max_readers:
            msg = "This answer has as many readers as it may (GATEWAY_MAX_READERS). Try again later."
            raise TooMany(msg, retry_after_s=5, limit="readers")
        self._check_reading(caller)
        self.reading[caller.client] += 1
        return Reader(generation, cursor, view, on_close=lambda: self._stopped_reading(caller.client))

    def _check_reading(self, caller: Caller) -> None:
        most = self.settings.max_readers * caller.terms.max_streams  # all that all their answers may have
        if self.reading[caller.client] >= most:
            msg = f"You have {most} streams open, as many as you may. Close one, then try again."
            raise TooMany(msg, retry_after_s=5, limit="streams_read")

    def _stopped_reading(self, client: str) -> None:
        self.reading[client] -= 1
        if not self.reading[client]:
            del self.reading[client]

    @staticmethod
    def cursor(generation: Generation, text: str, field: str = "after") -> Cursor:
        """Return the cursor whose id is *text*, which came in *field*.

        Raises:
            BadRequest: *generation* never gave it out.
        """
        try:
            cursor = Cursor.parse(text)
            generation.log.check(cursor)
        except BadCursor as error:
            msg = f"{field}: {error}; leave it out, or send 0, to read from the start."
            raise BadRequest(msg) from error
        return cursor
