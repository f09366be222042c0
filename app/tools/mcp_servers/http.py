"""An address that speaks MCP: a client for the SDK that reads no more than it should, and leaves in time."""

from collections.abc import AsyncIterator

import httpx2

from app.tools.mcp_servers.config import ServerConfig

MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""Of one answer, or of one event of a stream of answers."""

CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 300
"""Of a stream that is open for what the server may say; calls have their own, shorter ones."""

FAREWELL_S = 2
"""How long the end of a session may take that nobody waits for."""


def client(config: ServerConfig) -> httpx2.AsyncClient:
    """Return a client of the server that *config* names."""
    return httpx2.AsyncClient(
        headers=config.headers,
        timeout=httpx2.Timeout(CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S),
        event_hooks={"request": [_hurry], "response": [_bound]},
    )


async def _hurry(request: httpx2.Request) -> None:
    if request.method == "DELETE":
        request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), FAREWELL_S)


async def _bound(response: httpx2.Response) -> None:
    # Streams of events are bounded event by event, by the SDK.
    if not response.headers.get("content-type", "").lower().startswith("text/event-stream"):
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - the client is an async one
        response.stream = _Bounded(response.stream)


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                msg = f"the answer has more than the {MAX_ANSWER_BYTES:,} bytes that are read"
                raise httpx2.StreamError(msg)
            yield chunk

    async def aclose(self) -> None:
        """Let go of the connection."""
        await self._stream.aclose()
