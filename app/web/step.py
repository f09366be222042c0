"""The first step of what is awaited, taken here and now: most of what sends waits for nothing, and so needs no task."""

from collections.abc import Awaitable, Generator
from typing import Any


def stepped(awaitable: Awaitable[None]) -> Awaitable[None] | None:
    """Run *awaitable* until it waits for something; return the rest of it, to be awaited, or None if that was all.

    Nothing in it may ask in which task it runs: up to its first wait that is none of its own.

    Raises:
        Exception: what *awaitable* raises.
    """
    steps = awaitable.__await__()
    try:
        waits_for = next(steps)
    except StopIteration:
        return None
    return _Rest(steps, waits_for)


class _Rest:
    """What is left of what waits for something.

    Args:
        steps: Those that are left.
        waits_for: What the first step yielded, for the event loop to see to once somebody awaits the rest.
    """

    def __init__(self, steps: Generator[Any, Any, None], waits_for: Any) -> None:
        self._steps = steps
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        steps, waits_for = self._steps, self._waits_for
        try:
            while True:
                try:
                    answer = yield waits_for
                except BaseException as error:  # noqa: BLE001 - a cancellation above all, which it has to see
                    waits_for = steps.throw(error)
                else:
                    waits_for = steps.send(answer)
        except StopIteration:
            return
