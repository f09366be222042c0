"""The socket that the gateway listens on."""

import errno
import socket
from contextlib import ExitStack

SEND_BUFFER_BYTES = 128 * 1024
"""What the kernel may hold for one reader; the default takes megabytes from a server with slow readers."""

BACKLOG = 4096
"""Connections that may wait to be accepted: as many readers as may return at once."""


class CannotListen(Exception):
    """The address cannot be listened on; the message says which, and why.

    Attributes:
        taken: Something listens there already.
    """

    def __init__(self, where: str, error: OSError) -> None:
        super().__init__(f"{where}: {error.strerror}")
        self.taken = error.errno == errno.EADDRINUSE


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on *host* and *port*; 0 takes a free port.

    Raises:
        CannotListen: it cannot.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with ExitStack() as on_failure:
            listener = on_failure.enter_context(socket.socket(family, kind, protocol))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            listener.bind(address)
            listener.listen(BACKLOG)
            listener.setblocking(False)
            on_failure.pop_all()
    except OSError as error:
        raise CannotListen(spelt(host, port), error) from error
    return listener


def spelt(host: str, port: int) -> str:
    """Return *host* and *port* as an address is written."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
