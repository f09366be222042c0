"""Signing in and out: a token for a session, which a browser keeps in a cookie that no script can read."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, ValidationError

from app.auth.identity import Identity
from app.auth.sessions import cookie_of, set_cookie
from app.caller import Caller, network
from app.gateway import Gateway
from app.limits.rates import WRONG_CREDENTIALS
from app.protocol import jsontext
from app.protocol.errors import BadRequest
from app.web.body import read_json

MAX_BODY_BYTES = 20_000
"""A token and its braces; a JWT may hold much."""

router = APIRouter()


class _SignIn(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)
    token: str


@router.post("/api/session")
async def sign_in(request: Request) -> Response:
    """Open a session for who shows a token."""
    gateway: Gateway = request.app.state.gateway
    caller: Caller = request.scope["caller"]
    try:
        given = _SignIn.model_validate(jsontext.parse_strictly(await read_json(request, MAX_BODY_BYTES)))
    except (ValueError, ValidationError):
        msg = 'token: the body must be {"token": "…"}.'
        raise BadRequest(msg) from None
    if gateway.gate is None:
        msg = "Nobody has to sign in here."
        raise BadRequest(msg)
    await gateway.limiter.check(WRONG_CREDENTIALS, network(caller.address))
    identity, value, lasts_s = await gateway.gate.sign_in(given.token)
    return _answer(identity, set_cookie(value, lasts_s, secure=caller.secure))


@router.delete("/api/session")
async def sign_out(request: Request) -> Response:
    """End the session, if there is one."""
    gateway: Gateway = request.app.state.gateway
    caller: Caller = request.scope["caller"]
    value = cookie_of(request.headers, secure=caller.secure)
    if gateway.gate and value:
        gateway.gate.sign_out(value)
    return _answer(None, set_cookie("", 0, secure=caller.secure))


def signed_in(identity: Identity | None) -> dict[str, Any]:
    """Return what the page is told of who has signed in."""
    return {"signed_in": identity is not None, "user": identity.name if identity else None}


def _answer(identity: Identity | None, cookie: str) -> Response:
    return Response(
        jsontext.render(signed_in(identity)),
        media_type="application/json",
        headers={"Cache-Control": "no-store", "Set-Cookie": cookie},
    )
