"""Which generation an ``Idempotency-Key`` has started. Keys are the client's own: each owner has its own set of them."""

from dataclasses import dataclass

from app.generation import Generation
from app.protocol.errors import KeyReused
from app.request.chat import ChatRequest


@dataclass(frozen=True, slots=True)
class _Started:
    generation: Generation
    fingerprint: str


class IdempotencyKeys:
    """The keys whose generations are still kept."""

    def __init__(self) -> None:
        self._started: dict[tuple[str, str], _Started] = {}
        self._key_of: dict[Generation, tuple[str, str]] = {}

    def add(self, key: str, request: ChatRequest, generation: Generation) -> None:
        """Note that *key* has started *generation*, which answers *request*."""
        owned = (generation.owner, key)
        self._started[owned] = _Started(generation, request.fingerprint)
        self._key_of[generation] = owned

    def find(self, key: str, owner: str) -> Generation | None:
        """Return what *owner* has started with *key*, if that is still kept."""
        started = self._started.get((owner, key))
        return started.generation if started else None

    def find_for(self, key: str, owner: str, request: ChatRequest) -> Generation | None:
        """Return what *owner* has started with *key*, if it can still answer *request*.

        Raises:
            KeyReused: *key* belongs to another question.
        """
        started = self._started.get((owner, key))
        if started is None:
            return None
        problem = started.generation.problem
        if problem and problem.retryable and not started.generation.tally.showed:
            return None  # free again, for whatever question
        if started.fingerprint != request.fingerprint:
            msg = "Idempotency-Key: this key came before with another body; use a new one for a new question."
            raise KeyReused(msg)
        return started.generation

    def forget(self, generation: Generation) -> None:
        """Forget the key of *generation*, if it has one and no other has been started with it since."""
        owned = self._key_of.pop(generation, None)
        started = self._started.get(owned) if owned else None
        if owned and started and started.generation is generation:
            del self._started[owned]
