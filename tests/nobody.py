"""An address at which nobody listens.

Tests run side by side, and a port that one lets go is soon another's: so it is kept, bound and never listening.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def nobody(port: int = 0) -> Iterator[tuple[str, int]]:
    """Give it: host and port, any port or the one that was just let go."""
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", port))
        yield bound.getsockname()
