"""An answer that Claude has no part in and that costs no tokens, for ``check --url`` to read.

It is asked for as any other answer is, by whoever may ask at all, under the same limits:
``{"model": "claude-gateway-check", "prompt": "pace"}`` for ten deltas, one every 100 ms, or ``"silence 75"`` for
75 seconds in which the gateway sends nothing but its keep-alives.
"""

import asyncio
import re

from app.caller import Caller
from app.producer import Ending, Produce, Teller
from app.protocol import jsontext
from app.protocol.errors import BadRequest
from app.protocol.events import BlockStart, BlockStop, Text
from app.request.chat import ChatRequest

DELTAS = 10
EVERY_S = 0.1

LONGEST_SILENCE_S = 120


def diagnosing(asked: ChatRequest, caller: Caller) -> Produce:
    """Return the producer of an answer that says what the gateway saw of the request, then what is asked for.

    Raises:
        BadRequest: *asked* asks for anything else than a pace or a silence.
    """
    prompt = asked.body["messages"][0]["content"]
    silence = re.fullmatch(r"silence (\d{1,3})", prompt) if isinstance(prompt, str) else None
    if not (prompt == "pace" or (silence and int(silence[1]) <= LONGEST_SILENCE_S)):
        msg = f"prompt: must be pace, or silence and at most {LONGEST_SILENCE_S} seconds, for this model."
        raise BadRequest(msg)
    pauses = [float(silence[1])] if silence else [EVERY_S] * (DELTAS - 1)
    saw = {"http": caller.http_version, "secure": caller.secure, "address": caller.address}

    async def produce(teller: Teller) -> Ending:
        teller.say(BlockStart(0, "text", teller.elapsed_ms()))
        teller.say(Text(jsontext.render(saw).decode(), 0))
        for pause in pauses:
            await asyncio.sleep(pause)
            teller.say(Text(".", 0))
        teller.say(BlockStop(0, teller.elapsed_ms()))
        return Ending(stop_reason="end_turn")

    return produce
