"""One answer of Claude: the calls it takes, from the first to the one that ends it."""

from app.generation import Ending, Produce, Teller
from app.protocol.claude import Translator
from app.protocol.errors import Truncated
from app.protocol.events import Event, Usage
from app.request import ChatRequest
from app.upstream import Upstream, drain


def answering(upstream: Upstream, request: ChatRequest) -> Produce:
    """Return the producer of a generation that answers *request*."""

    async def produce(teller: Teller) -> Ending:
        return await _Answer(upstream, request, teller).run()

    return produce


class _Answer:
    def __init__(self, upstream: Upstream, request: ChatRequest, teller: Teller) -> None:
        self._upstream = upstream
        self._request = request
        self._teller = teller
        self._held: list[Event] | None = []

    async def run(self) -> Ending:
        """Return how it ended.

        Raises:
            Problem: Claude refused, or the stream broke.
        """
        translator = Translator(self._teller.ledger, self._teller.elapsed_ms)
        await self._call(translator)
        return Ending(
            translator.stop_reason, translator.stop_sequence, translator.details, translator.message_id
        )

    async def _call(self, translator: Translator) -> None:
        async with self._upstream.stream(self._request.body) as reads:
            async for frames in reads:
                for frame in frames:
                    self._say(translator, translator.feed(frame))
                    if translator.ended:
                        await drain(reads)
                        return
        msg = "Claude's stream ended before the answer was complete."
        raise Truncated(msg)

    def _say(self, translator: Translator, events: list[Event]) -> None:
        """Say *events*, but hold back usage until there is content: a call that fails before it never was."""
        if self._held is not None:
            self._held += events
            if all(isinstance(event, Usage) for event in self._held) and not translator.ended:
                return
            self._teller.answered(translator.message_id, translator.model)
            events, self._held = self._held, None
        for event in events:
            self._teller.say(event)
