"""What came back on a connection, and whether it may. Pure."""

import json
from functools import cached_property

STATUSES = {101, 200, 204, 304, 400, 401, 403, 404, 405, 408, 410, 413, 415, 422, 426, 429, 431, 499}
"""What a malformed request, or one that is well-formed by chance, may be answered with."""

GIVEN_AWAY = (b"Traceback", b'File "', b"/site-packages/", b"uvicorn", b"sk-ant-")


class Answered:
    """The bytes that came back.

    Args:
        read: All of them so far.
    """

    def __init__(self, read: bytes) -> None:
        self.read = read
        self._head, self._ended, self.body = read.partition(b"\r\n\r\n")

    @cached_property
    def status(self) -> int:
        """Of the first answer; 0 if there is none."""
        words = self._head.split(b" ", 2)
        return (
            int(words[1]) if words[0].startswith(b"HTTP/1") and len(words) > 1 and words[1].isdigit() else 0
        )

    @cached_property
    def headers(self) -> dict[str, str]:
        """Of the first answer, names in lower case."""
        lines = (line.decode("latin-1").partition(":") for line in self._head.split(b"\r\n")[1:])
        return {name.lower(): value.strip() for name, _, value in lines}

    @property
    def complete(self) -> bool:
        """Whether no more need be read to judge: all of a sized body, or the head of a stream."""
        if not self._ended:
            return False
        length = self.headers.get("content-length")
        return length is None or not length.isdigit() or len(self.body) >= int(length)


def verdict(answer: Answered) -> list[str]:
    """Return what is wrong with *answer*, in words."""
    wrong = [f"{each!r} in the answer" for each in GIVEN_AWAY if each in answer.read]
    if answer.status == 0:
        return wrong + ([f"no HTTP: {answer.read[:80]!r}"] if answer.read else [])
    if answer.status not in STATUSES:
        wrong.append(f"status {answer.status}: {answer.body[:200]!r}")
    if "server" in answer.headers:
        wrong.append("it tells what it is made of")
    if answer.status >= 400 and answer.body and answer.headers.get("content-type") == "application/json":
        wrong += _shape(answer.body[: int(answer.headers["content-length"])])
    return wrong


def _shape(body: bytes) -> list[str]:
    try:
        match json.loads(body):
            case {"type": "error", "error": {"type": str(), "message": str()}, "request_id": str()}:
                return []
            case _:
                pass
    except ValueError:
        pass
    return [f"not an error as Claude words it: {body[:200]!r}"]
