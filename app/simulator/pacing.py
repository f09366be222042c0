"""When each event is due: time to first token, tokens per second with jitter, short pauses, pings in silence."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from app.simulator.message import PING, Event
from app.simulator.steps import Send, Step, Wait

PAUSE_EVERY = 60
"""One token in so many is followed by a short pause: real streams come in bursts."""
PING_BYTES = PING.encode()


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The pace of one answer.

    Attributes:
        speed: Factor; 0 means no waiting at all.
        ttft_s: Seconds from the request to the first content.
        tokens_per_second: Mean rate after that.
        ping_interval_s: A longer silence is filled with pings.
    """

    speed: float
    ttft_s: float
    tokens_per_second: float
    ping_interval_s: float


def pace(events: Iterable[Event], rhythm: Rhythm, random: Random) -> Iterator[Step]:
    """Yield *events* as sends, with waits between them.

    Two thirds of the time to first token pass before ``message_start``, the rest before the first delta.
    """
    if rhythm.speed == 0:
        for event in events:
            yield Send(event.encode(), event.kind)
        return
    yield Wait(rhythm.ttft_s * 2 / 3 / rhythm.speed)
    opening = rhythm.ttft_s / 3
    for event in events:
        seconds = event.wait_s
        if event.tokens:
            seconds += opening + _token_seconds(event.tokens, rhythm.tokens_per_second, random)
            opening = 0.0
        if seconds:
            yield from silence(seconds / rhythm.speed, rhythm.ping_interval_s)
        yield Send(event.encode(), event.kind)


def silence(seconds: float, ping_interval_s: float) -> Iterator[Step]:
    """Yield a wait of *seconds*, with a ping after each *ping_interval_s* of it."""
    while seconds > ping_interval_s:
        yield Wait(ping_interval_s)
        yield Send(PING_BYTES, "ping")
        seconds -= ping_interval_s
    yield Wait(seconds)


def _token_seconds(tokens: int, tokens_per_second: float, random: Random) -> float:
    seconds = tokens / tokens_per_second * random.uniform(0.4, 1.4)
    if random.random() < 1 / PAUSE_EVERY:
        seconds += random.uniform(0.08, 0.35)
    return seconds
