"""The same events over a WebSocket, for clients that have one anyway.

One text message asks: ``{"request": {…}}`` or ``{"resume": {"id", "after"}}``, the latter with ``buffer`` and
``events`` as a request may have them. Then come ``{"id": EVENT_ID, "event": {…}}`` and at last ``"[DONE]"``;
``{"cancel": true}`` may be sent at any time.
"""

import asyncio
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from app.caller import Caller
from app.gateway import Gateway
from app.generation import Generation
from app.protocol import jsontext
from app.protocol.cursor import START
from app.protocol.encoding import DONE
from app.protocol.errors import BadRequest, Problem
from app.protocol.events import Error
from app.protocol.usage import TextDigest
from app.reader import Reader
from app.request.chat import opened, parse
from app.request.view import view_of
from app.room import Room
from app.web.body import PATIENCE_S, go_on_waiting
from app.web.connection import bound_messages
from app.web.refusal import told

LATER_BYTES = 1024
"""Of a message after the first: a cancellation is all that may come."""

NORMAL = 1000

router = APIRouter()


@router.websocket("/api/chat/ws")
async def chat(socket: WebSocket) -> None:
    """Stream one generation over *socket*."""
    gateway: Gateway = socket.app.state.gateway
    caller: Caller = socket.scope["caller"]
    await socket.accept()
    try:
        try:
            with gateway.hub.room(caller.client) as room:
                asked = await _first_message(socket, room, gateway.settings.max_body_bytes)
                reader = await _reader(asked, gateway, caller, room)
        except Problem as problem:
            refused = await told(problem, caller, gateway.limiter, gateway.metrics)
            await _refuse(socket, refused.untraced(), caller)
        else:
            try:
                await _stream(socket, reader, gateway.settings.send_timeout)
            finally:
                reader.close()
    except WebSocketDisconnect:
        pass  # it may resume by its last id
    except TimeoutError:
        gateway.metrics.stuck.inc()


async def _first_message(socket: WebSocket, room: Room, largest: int) -> str:
    """Return what the client wants. It takes its *room* while it comes, as a body does.

    Raises:
        BadRequest: nothing was said in time, or not in text.
        Unavailable: so much is under way.
    """
    full: Problem | None = None

    def take(size: int) -> bool:
        nonlocal full
        try:
            room.take(size)
        except Problem as problem:
            full = problem.untraced()
            deadline.reschedule(asyncio.get_running_loop().time())
            return False
        go_on_waiting(deadline, size)
        return True

    try:
        async with asyncio.timeout(PATIENCE_S) as deadline:
            bound_messages(socket.scope, take, largest)
            asked = await _text(socket)
    except TimeoutError:
        raise full or BadRequest("Send a request or a resume first, without long pauses.") from None
    finally:
        bound_messages(socket.scope, None, LATER_BYTES)
    if asked is None:
        msg = "The first message must be text, a request or a resume."
        raise BadRequest(msg)
    return asked


async def _text(socket: WebSocket) -> str | None:
    """Return the next message, None for one that is not text.

    Raises:
        WebSocketDisconnect: there is none.
    """
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message["code"])
    text: str | None = message.get("text")
    return text


async def _reader(asked: str, gateway: Gateway, caller: Caller, room: Room) -> Reader:
    match opened(asked.encode("utf-8", "replace"), room):
        case {"request": dict() as request}:
            chat = parse(request, gateway.settings, gateway.toolbox, caller.terms)
            generation = (await gateway.start(chat, caller, None, room)).generation
            return gateway.reader(generation, START, caller, chat.view)
        case {"resume": {"id": str() as id_} as resume}:
            generation = gateway.hub.find(id_, caller.owner)
            cursor = gateway.cursor(generation, str(resume.get("after") or ""))
            return gateway.reader(generation, cursor, caller, view_of(resume))
        case _:
            msg = "The first message must be a request or a resume."
            raise BadRequest(msg)


async def _stream(socket: WebSocket, reader: Reader, send_timeout_s: float) -> None:
    listening = asyncio.create_task(_listen(socket, reader.generation))
    sending = asyncio.create_task(_send(socket, reader, send_timeout_s))
    try:
        await asyncio.wait((listening, sending), return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()
    finally:
        for task in (listening, sending):
            task.cancel()
        await asyncio.gather(listening, sending, return_exceptions=True)


async def _listen(socket: WebSocket, generation: Generation) -> None:
    """Return when the client has left."""
    try:
        while True:
            if _says_cancel(await _text(socket) or ""):
                generation.cancel("cancelled")
    except WebSocketDisconnect:
        return


def _says_cancel(text: str) -> bool:
    try:
        message = jsontext.parse_strictly(text.encode("utf-8", "replace"))
    except ValueError:
        return False
    return isinstance(message, dict) and message.get("cancel") is True


async def _send(socket: WebSocket, reader: Reader, send_timeout_s: float) -> None:
    async for pieces in reader.pieces():
        for cursor, event in pieces:
            async with asyncio.timeout(send_timeout_s):
                await _tell(socket, str(cursor), event.wire())
    async with asyncio.timeout(send_timeout_s):
        await socket.send_text(jsontext.render(DONE.decode()).decode())
        await socket.close(NORMAL)


async def _tell(socket: WebSocket, id_: str | None, event: dict[str, Any]) -> None:
    await socket.send_text(jsontext.render({"id": id_, "event": event}).decode())


async def _refuse(socket: WebSocket, problem: Problem, caller: Caller) -> None:
    request_id = problem.upstream_request_id or caller.request_id
    await _tell(socket, None, Error(problem.wire(), request_id, {}, TextDigest().hexdigest()).wire())
    await socket.send_text(jsontext.render(DONE.decode()).decode())
    await socket.close(NORMAL)
