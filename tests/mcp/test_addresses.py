"""MCP servers that are called at an address, away for a while, slow, or saying too much."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.mcp import real
from tests.mcp.rig import is_down, is_up, running


@asynccontextmanager
async def listening(app: Any, listener: socket.socket | None = None) -> AsyncIterator[int]:
    listener = listener or socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task
        listener.close()


async def test_a_server_at_an_address_is_used_and_found_again_after_it_was_away() -> None:
    away = socket.socket()
    away.bind(("127.0.0.1", 0))  # nobody listens, and nobody else can
    async with running({"url": f"http://127.0.0.1:{away.getsockname()[1]}/mcp"}) as it:
        assert is_down(it.server)
        async with listening(real.make().streamable_http_app(), away):
            await it.until(is_up)
            assert json.loads((await it.call("add", a=1))[0]) == {"total": 2}
        content, is_error = await it.call("add", a=1)
        assert is_error
        assert "The MCP server it" in content
        await it.until(is_down)


def by_hand(calls: Callable[[Request, Any], Response]) -> Starlette:
    """Return a server whose answers to calls are made by *calls*."""

    async def mcp(request: Request) -> Response:
        asked = json.loads(await request.body())
        match asked["method"]:
            case "initialize":
                about = {"name": "hand", "version": "1"}
                version = asked["params"]["protocolVersion"]
                given: Any = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about}
            case "tools/list":
                given = {"tools": [{"name": "tool", "inputSchema": {"type": "object"}}]}
            case "tools/call":
                return calls(request, asked)
            case _ if "id" in asked:
                error = {"code": -32601, "message": "no"}
                return JSONResponse({"jsonrpc": "2.0", "id": asked["id"], "error": error})
            case _:
                return Response(status_code=202)
        return JSONResponse({"jsonrpc": "2.0", "id": asked["id"], "result": given})

    return Starlette(routes=[Route("/", mcp, methods=["POST"])])


def saying_back(request: Request, asked: Any) -> Response:
    match asked["params"]["arguments"].get("how"):
        case "garbage":
            return Response(b"\x00\xff", media_type="application/json")
        case "page":
            return Response("<html>", media_type="text/html")
        case "huge":
            said = "x" * 5_000_000
        case "status":
            return Response(status_code=503)
        case _:
            said = request.headers.get("x-key", "")
    content = {"content": [{"type": "text", "text": said}]}
    return JSONResponse({"jsonrpc": "2.0", "id": asked["id"], "result": content})


async def test_a_server_at_an_address_is_sent_the_headers_and_what_it_answers_is_bounded() -> None:
    async with (
        listening(by_hand(saying_back)) as port,
        running({"url": f"http://127.0.0.1:{port}/", "headers": {"X-Key": "k"}}) as it,
    ):
        assert await it.call("tool") == ("k", False)
        for how, says in (
            ("huge", "more than the 4,194,304 bytes"),
            ("garbage", "JSON"),
            ("page", "text/html"),
            ("status", "error"),
        ):
            content, is_error = await it.call("tool", how=how)
            assert is_error
            assert says in content
        assert await it.call("tool") == ("k", False)


async def test_an_address_that_does_not_answer_has_a_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        async with running({"url": url, "start_timeout": 0.2}) as it:
            assert is_down(it.server)
            assert it.server.why == "it does not answer"
