"""A cable between browser and gateway that a test can cut: connections are reset, or nobody is there for a while."""

import selectors
import socket
import struct
import threading
from typing import Self

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: on, zero seconds: closing sends a TCP reset."""


class Wire:
    """Forwards TCP connections from a port of its own.

    Attributes:
        url: Where it listens.
        target: Where new connections go: host and port.
    """

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._plugged = True
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.unplug()
        for thread in self._threads:
            thread.join()

    def cut(self) -> None:
        """Reset every open connection; new ones are possible at once."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._reset(pair)

    def unplug(self) -> None:
        """Reset every connection, open or new, until ``plug``."""
        with self._lock:
            self._plugged = False
        self.cut()

    def plug(self) -> None:
        """Let connections through again."""
        self._plugged = True

    def _spawn(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                far = self._reach() if self._plugged else None
                if far is not None:
                    self._pairs.add((near, far))
            if far is None:
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                near.close()
            else:
                self._spawn(self._forward, (near, far))

    def _reach(self) -> socket.socket | None:
        try:
            return socket.create_connection(self.target)
        except ConnectionRefusedError:
            return None

    def _forward(self, pair: tuple[socket.socket, socket.socket]) -> None:
        near, far = pair
        with selectors.DefaultSelector() as ready:
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            try:
                while True:
                    for key, _ in ready.select():
                        data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                        if not data:
                            return
                        key.data.sendall(data)
            except (OSError, ValueError):
                return  # cut
            finally:
                with self._lock:
                    self._pairs.discard(pair)
                near.close()
                far.close()

    def _reset(self, pair: tuple[socket.socket, socket.socket]) -> None:
        for end in pair:
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                end.shutdown(socket.SHUT_RDWR)  # wakes the thread, which closes
            except OSError:
                continue  # closed by itself meanwhile
