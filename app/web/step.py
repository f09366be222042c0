"""To await something without a task, for as long as it has nothing to wait for.

Nearly all that is sent goes out at once: run here and now, up to its first wait, which seldom comes, it needs no task.
"""

from collections.abc import Awaitable, Generator
from typing import Any


def stepped(awaitable: Awaitable[None]) -> Awaitable[None] | None:
    """Run *awaitable* up to its first wait; return the rest, to be awaited in a task, or None if it ran to its end.

    Up to that wait it runs in whatever task calls this, or in none (a callback of the event loop). So nothing in it may
    depend on the current task, as ``asyncio.timeout`` does.

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
    """What is left of an awaitable that has come to its first wait.

    Args:
        steps: The awaitable, suspended there.
        waits_for: What it waits for: it is yielded to the event loop once a task awaits the rest.
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
