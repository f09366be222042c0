"""What a response does, as values: the pure side writes these, the connection plays them.

Time and trouble are data here, so pacing and faults are functions from steps to steps and need no clock and no
socket. A well-behaved response is ``Head``, any number of ``Wait`` and ``Send``, then ``End``.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Head:
    """Send the status line and headers; without a ``content-length`` the body is chunked.

    Attributes:
        status: HTTP status.
        headers: Name and value pairs.
        joined: Sends that no wait separates may share a write: for streams at full speed.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Let this many seconds pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes of the body, in one write of their own.

    Attributes:
        data: For a stream exactly one SSE event.
        kind: The event's type, for deltas the delta's; faults count and choose by it.
    """

    data: bytes
    kind: str = "body"


@dataclass(frozen=True, slots=True)
class End:
    """End the body properly; the connection can be used again."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Tear the connection down with a TCP RST: the peer sees 'connection reset'."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection with a FIN in the middle of the body: no last chunk."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Say nothing more, and keep the connection open until the peer gives up."""


Step = Head | Wait | Send | End | Reset | Close | Hang
Steps = Iterable[Step]
