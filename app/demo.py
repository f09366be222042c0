"""Demo mode's Claude: the bundled simulator in a process of its own, spoken to over real HTTP.

It has a session of its own, so that a Ctrl-C or a SIGTERM sent to the gateway's whole process group does not
take it away while the gateway drains. It ends when its standard input does, which the kernel sees to however
the gateway dies.
"""

import os
import selectors
import subprocess
import sys
from types import TracebackType
from typing import IO, Self

READY_S = 20
GRACE_S = 2


class DemoFailed(Exception):
    """The simulator did not come up."""


class SimulatorProcess:
    """Runs the simulator for as long as the context is open; it comes up while the caller does other things."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "app", "simulate", "--port", "0", "--exit-with-stdin"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")},
        )
        return self

    def url(self) -> str:
        """Wait for it to listen, and return where.

        Raises:
            DemoFailed: it does not.
        """
        assert self._process.stdout  # noqa: S101 - asked for above
        line = _line(self._process.stdout)
        if url := next((word for word in line.split() if word.startswith("http://")), ""):
            return url
        msg = "the bundled simulator did not start"
        raise DemoFailed(msg)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin  # noqa: S101 - asked for above
        assert self._process.stdout  # noqa: S101 - asked for above
        self._process.stdin.close()
        try:
            self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def _line(stream: IO[bytes]) -> str:
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        return stream.readline().decode() if selector.select(READY_S) else ""
