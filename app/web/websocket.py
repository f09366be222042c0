"""The same events over a WebSocket, for clients that have one anyway.

One text message asks: ``{"request": {…}}`` or ``{"resume": {"id", "after"}}``, the latter with ``buffer`` and
``events`` as a request may have them. Then come ``{"id": EVENT_ID, "event": {…}}`` and at last ``"[DONE]"``;
``{"cancel": true}`` may be sent at any time.
"""

import asyncio
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from app.caller import Caller, network
from app.gateway import Gateway
from app.generation import Generation
from app.protocol import jsontext
from app.protocol.encoding import DONE
from app.protocol.errors import BadRequest, Problem
from app.protocol.events import Error
from app.protocol.log import START
from app.protocol.usage import TextDigest
from app.reader import Reader
from app.request import parse, view_of

FIRST_MESSAGE_S = 10
"""How long a client may take to say what it wants."""

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
            async with asyncio.timeout(FIRST_MESSAGE_S):
                asked = await socket.receive_text()
            reader = await _reader(asked, gateway, caller)
        except Problem as problem:
            address, client = network(caller.address), caller.client
            told = await gateway.tally.guessed(problem, address=address, client=client)
            for each in {problem, told}:
                gateway.metrics.failed(each)
            await _refuse(socket, told.untraced(), caller)
        except TimeoutError:
            await _refuse(socket, BadRequest("Send a request or a resume first."), caller)
        else:
            try:
                await _stream(socket, reader, gateway.settings.send_timeout)
            finally:
                reader.close()
    except WebSocketDisconnect:
        pass  # it may resume by its last id
    except TimeoutError:
        gateway.metrics.stuck.inc()


async def _reader(asked: str, gateway: Gateway, caller: Caller) -> Reader:
    try:
        message = jsontext.parse_strictly(asked.encode("utf-8", "replace"))
    except ValueError as error:
        msg = "The message is not valid JSON."
        raise BadRequest(msg) from error
    match message:
        case {"request": dict() as request}:
            with gateway.hub.room() as room:
                room.take(len(asked))
                chat = parse(jsontext.render(request), gateway.settings, gateway.toolbox, caller.terms)
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
            if _says_cancel(await socket.receive_text()):
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
    error = {"type": problem.type, "message": problem.message, "retryable": problem.retryable}
    request_id = problem.upstream_request_id or caller.request_id
    await _tell(socket, None, Error(error, request_id, {}, TextDigest().hexdigest()).wire())
    await socket.send_text(jsontext.render(DONE.decode()).decode())
    await socket.close(NORMAL)
