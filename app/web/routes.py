"""HTTP words only: read a request, start or find a generation, answer."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from app.accepted import is_loopback
from app.caller import Caller
from app.gateway import Gateway
from app.generation import Generation
from app.hub import Hub
from app.limits.rates import COUNTS
from app.protocol import jsontext
from app.protocol.cursor import START
from app.protocol.errors import BadRequest, Forbidden, Unavailable
from app.reader import Reader
from app.request.attachments import attachment_limits
from app.request.chat import ChatRequest, opened, parse
from app.request.view import view_of_query
from app.room import Room
from app.web.body import read_json
from app.web.openapi.document import document
from app.web.relay import EventStream
from app.web.session import signed_in
from app.web.snapshot import message, snapshot

IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,200}")

CLIENT_GONE = 499
"""The status of an answer that nobody is there to read. The number is nginx's."""


class Plain(APIRoute):
    """A route whose function takes the request as it is, and answers with a response of its own.

    For what begins streams: to resolve what a function declares costs as much as to read and check a body (measured).
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the function."""
        handler: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return handler


READ = ["GET", "HEAD"]
"""The methods of what is only read. Streams take no HEAD: to tell the length of one, its end would have to come first."""

router = APIRouter()


async def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


async def _caller(request: Request) -> Caller:
    caller: Caller = request.scope["caller"]
    return caller


async def _key(request: Request) -> str | None:
    given = request.headers.getlist("idempotency-key")
    if len(given) > 1 or not all(map(IDEMPOTENCY_KEY.fullmatch, given)):
        msg = "Idempotency-Key: must be 1 to 200 printable ASCII characters, and there once."
        raise BadRequest(msg)
    return given[0] if given else None


Here = Annotated[Gateway, Depends(_gateway)]
Who = Annotated[Caller, Depends(_caller)]
Key = Annotated[str | None, Depends(_key)]


async def chat(request: Request) -> Response:
    """Start a generation, or find the one that its Idempotency-Key started, and stream it or wait for its end."""
    gateway, caller = await _gateway(request), await _caller(request)
    key = await _key(request)
    with gateway.hub.room(caller.client) as room:
        asked = await _asked(request, gateway, caller, room)
        started = await gateway.start(asked, caller, key, room)
    generation = started.generation
    reader = gateway.reader(generation, START, caller, asked.view)
    if asked.stream:
        return _stream(reader, gateway, started.headers, at_once=False)
    try:
        if not await _unless_gone(request, reader.ended()):
            return Response(status_code=CLIENT_GONE)
    finally:
        reader.close()
    if generation.problem:
        raise generation.problem
    return _json(message(generation), chat=generation, headers=started.headers)


router.add_api_route("/api/chat", chat, methods=["POST"], route_class_override=Plain)


@router.delete("/api/chat")
async def cancel_by_key(gateway: Here, caller: Who, key: Key, *, purge: bool = False) -> Response:
    """Cancel whatever *key* started, for a client that knows no id yet."""
    if key is None:
        msg = "Idempotency-Key: this header must name what is to be cancelled."
        raise BadRequest(msg)
    return _cancel(gateway.hub, gateway.hub.find_by_key(key, caller.owner), purge=purge)


@router.post("/api/chat/count_tokens")
async def count_tokens(request: Request, gateway: Here, caller: Who) -> Response:
    """Answer with Claude's count of the input tokens of the same body."""
    with gateway.hub.room(caller.client) as room:
        asked = await _asked(request, gateway, caller, room)
        await gateway.limiter.count(COUNTS, caller.client)
        return _json({"input_tokens": await gateway.upstream.count_tokens(asked.counted())})


async def stream(request: Request) -> Response:
    """Stream a generation from after the reader's cursor."""
    gateway, caller = await _gateway(request), await _caller(request)
    asked = request.query_params
    generation = gateway.hub.find(request.path_params["generation_id"], caller.owner)
    view = view_of_query(asked.get("buffer"), asked.getlist("events") or None)
    last_event_id = request.headers.get("last-event-id")
    if last_event_id is not None:
        cursor = gateway.cursor(generation, last_event_id, "Last-Event-ID")
    else:
        cursor = gateway.cursor(generation, asked.get("after", ""))
    if generation.log.ended and cursor.number == len(generation.log):
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
    if cursor != START:
        gateway.metrics.resumes.inc()
    return _stream(gateway.reader(generation, cursor, caller, view), gateway, {}, at_once=True)


router.add_api_route("/api/chat/{generation_id}/stream", stream, methods=["GET"], route_class_override=Plain)


@router.api_route("/api/chat/{generation_id}", methods=READ)
async def show(generation_id: str, gateway: Here, caller: Who) -> Response:
    """Answer with the messages so far."""
    return _json(snapshot(gateway.hub.find(generation_id, caller.owner)))


@router.delete("/api/chat/{generation_id}")
async def cancel(generation_id: str, gateway: Here, caller: Who, *, purge: bool = False) -> Response:
    """Cancel a generation; nothing happens to one that has ended."""
    return _cancel(gateway.hub, gateway.hub.find(generation_id, caller.owner), purge=purge)


@router.api_route("/api/models", methods=READ)
async def models(gateway: Here, caller: Who) -> Response:
    """Answer with the models that the caller may ask, default first."""
    return _json({"data": await gateway.catalogue.models(caller.terms.models)})


@router.api_route("/api/config", methods=READ)
async def config(gateway: Here, caller: Who) -> Response:
    """Answer with what the page needs to know."""
    settings = gateway.settings
    return _json(
        {
            "demo": settings.demo,
            "auth": settings.auth,
            **signed_in(caller.identity),
            "default_max_tokens": caller.terms.default_max_tokens,
            "max_tokens": caller.terms.max_tokens,
            "tools": gateway.toolbox.listed(),
            "attachments": attachment_limits(settings),
        }
    )


@router.api_route("/api/openapi.json", methods=READ)
async def openapi(gateway: Here) -> Response:
    """Answer with a description of all this for programs."""
    return _json(document(gateway.settings, gateway.toolbox))


@router.api_route("/healthz", methods=READ)
async def healthz() -> Response:
    """Say that the process lives."""
    return _json({"status": "alive"})


@router.api_route("/readyz", methods=READ)
async def readyz(gateway: Here) -> Response:
    """Say whether traffic should come here, and how the MCP servers are."""
    if gateway.hub.draining:
        msg = "The gateway is draining."
        raise Unavailable(msg, retry_after_s=1)
    # A server of tools that is down takes nobody's traffic away: the gateway answers without it.
    states = gateway.mcp_servers.states()
    return _json({"status": "ready", **({"mcp_servers": states} if states else {})})


@router.api_route("/metrics", methods=READ)
async def metrics(gateway: Here, caller: Who) -> Response:
    """Answer Prometheus: on this machine, from a trusted proxy's own address, or with a token."""
    inside = not caller.forwarded and (caller.from_proxy or is_loopback(caller.peer))
    if not inside and caller.identity is None:
        msg = "Metrics are for the gateway's own machine and network only."
        raise Forbidden(msg)
    return Response(gateway.metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def _asked(request: Request, gateway: Gateway, caller: Caller, room: Room) -> ChatRequest:
    raw = await read_json(request, gateway.settings.max_body_bytes, room.take)
    return parse(opened(raw, room), gateway.settings, gateway.toolbox, caller.terms)


def _cancel(hub: Hub, generation: Generation, *, purge: bool) -> Response:
    generation.cancel("cancelled")
    answer = _json(snapshot(generation))
    if purge:
        hub.retire(generation)
    return answer


async def _unless_gone(request: Request, told: Awaitable[Any]) -> bool:
    """Wait for *told*; False if the client leaves before.

    A client may leave while Claude still thinks, before a byte has been sent, so it is watched from the start.
    """

    async def leaving() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    telling, gone = asyncio.ensure_future(told), asyncio.ensure_future(leaving())
    try:
        done, _ = await asyncio.wait((telling, gone), return_when=asyncio.FIRST_COMPLETED)
        return telling in done
    finally:
        telling.cancel()
        gone.cancel()


def _stream(reader: Reader, gateway: Gateway, headers: Mapping[str, str], *, at_once: bool) -> EventStream:
    return EventStream(
        reader,
        ping_s=gateway.settings.ping_interval,
        send_timeout_s=gateway.settings.send_timeout,
        headers=headers,
        at_once=at_once,
        on_stuck=gateway.metrics.stuck.inc,
    )


def _json(
    value: Any, *, chat: Generation | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    said = {**(headers or {}), "Cache-Control": "no-store"}
    if chat:
        said |= {"X-Chat-Id": chat.id, "Location": f"/api/chat/{chat.id}"}
    return Response(jsontext.render(value), media_type="application/json", headers=said)
