"""What the routes work with, introduced to each other by ``main``."""

from dataclasses import dataclass

from app.answer import answering
from app.auth.gate import Gate
from app.caller import Caller
from app.catalogue import Catalogue
from app.generation import Generation
from app.hub import Hub
from app.mcp_servers.servers import McpServers
from app.metrics import Metrics
from app.protocol.errors import BadRequest, TooMany
from app.protocol.log import BadCursor, Cursor
from app.protocol.view import PLAIN, View
from app.relay import Reader
from app.request import ChatRequest
from app.settings import Settings
from app.tools import Toolbox
from app.turn import Patience
from app.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of one gateway."""

    settings: Settings
    hub: Hub
    upstream: Upstream
    catalogue: Catalogue
    metrics: Metrics
    toolbox: Toolbox
    mcp_servers: McpServers
    patience: Patience
    gate: Gate | None

    def start(self, asked: ChatRequest, caller: Caller, key: str | None) -> tuple[Generation, bool]:
        """Return the generation that answers *asked*, and whether *key* had started it before.

        Raises:
            KeyReused: *key* belongs to another question.
            TooMany: the caller has as much as they may.
            Unavailable: the gateway is draining or full.
        """
        produce = answering(self.upstream, self.toolbox, asked, self.patience, self.settings.max_tool_turns)
        return self.hub.start(
            asked,
            produce,
            owner=caller.owner,
            client=caller.client,
            max_streams=caller.terms.max_streams,
            key=key,
            request_id=caller.request_id,
        )

    def reader(self, generation: Generation, cursor: Cursor, view: View = PLAIN) -> Reader:
        """Return a new reader of *generation*.

        Raises:
            TooMany: it has as many as it may.
        """
        if generation.readers >= self.settings.max_readers:
            msg = "This answer has as many readers as it may (GATEWAY_MAX_READERS). Try again later."
            raise TooMany(msg, retry_after_s=5)
        return Reader(generation, cursor, view)

    @staticmethod
    def cursor(generation: Generation, text: str) -> Cursor:
        """Return the cursor whose id is *text*.

        Raises:
            BadRequest: *generation* never gave it out.
        """
        try:
            cursor = Cursor.parse(text)
            generation.log.check(cursor)
        except BadCursor as error:
            msg = f"Last-Event-ID: {error}."
            raise BadRequest(msg) from error
        return cursor
