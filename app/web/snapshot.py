"""A generation as JSON: as it stands, or as the one message that ``"stream": false`` waits for."""

from typing import Any

from app.generation import Generation
from app.protocol.cursor import Cursor
from app.protocol.events import Done


def snapshot(generation: Generation) -> dict[str, Any]:
    """Return *generation* as it stands: its state, the turns so far, and the cursor after which its stream goes on."""
    problem = generation.problem
    return {
        "id": generation.id,
        "state": generation.state,
        "turns": _turns(generation),
        "usage": generation.ledger.total(),
        "cursor": str(Cursor(len(generation.log))),
        "error": problem.wire() if problem else None,
    }


def message(generation: Generation) -> dict[str, Any]:
    """Return the last assistant message of *generation*, which has not failed, in Claude's shape; all turns beside it."""
    fold, ending = generation.fold(), generation.ending
    last = max((part.turn for part in fold.parts.values()), default=0)
    terminal = generation.log.terminal
    assert isinstance(terminal, Done)  # noqa: S101 - it has ended, and not failed
    return {
        **ending.message,
        "id": ending.message_id,
        "type": "message",
        "role": "assistant",
        "model": ending.model or generation.model,
        "content": fold.content(last),
        "stop_reason": terminal.stop_reason,
        "stop_sequence": terminal.stop_sequence,
        "usage": terminal.usage,
        "turns": _turns(generation),
        "cost_usd": terminal.cost_usd,
        "timing": terminal.timing,
        "digest": terminal.digest,
    }


def _turns(generation: Generation) -> list[dict[str, Any]]:
    return generation.fold().turns(cut_off=generation.state in ("cancelled", "failed"))
