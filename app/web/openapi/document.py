"""The document: each route with what it takes and answers."""

from typing import Any

from app.auth.sessions import cookie_name
from app.protocol.encoding import CLASSES
from app.settings import Settings
from app.tools.registry import Toolbox
from app.version import VERSION
from app.web.openapi.schemas import CURSOR, ref, schemas

STATUSES = {
    400: "What was sent is wrong; the message names the field.",
    401: "Nobody has signed in.",
    403: "Who asks may not.",
    404: "There is no such answer, or it is somebody else's.",
    405: "Not this method.",
    408: "The body came too slowly.",
    410: "The answer is no longer kept.",
    413: "The body is too large.",
    415: "The body is not said to be JSON, or is compressed.",
    422: "The Idempotency-Key came before with another body.",
    429: "Too often, or too much at once; `Retry-After` says when it may work.",
    431: "The head of the request is too large.",
    500: "The gateway's or Claude's fault.",
    502: "Claude cannot be reached or does not accept the gateway.",
    503: "Draining, full, or unable to tell who asks; `Retry-After` says when to try again.",
    504: "Claude did not answer in time.",
    529: "Claude is overloaded.",
}
ANYWHERE = (400, 401, 403, 405, 429, 431, 500, 503)
BODY = (408, 413, 415)
ID = (404, 410)
CLAUDE = (502, 504, 529)

STREAM = {
    "text/event-stream": {
        "itemSchema": {
            "type": "object",
            "required": ["id", "data"],
            "properties": {
                "id": CURSOR,
                "data": {
                    "anyOf": [
                        {"const": "[DONE]", "description": "The last."},
                        {
                            "type": "string",
                            "contentMediaType": "application/json",
                            "contentSchema": ref("Event"),
                        },
                    ]
                },
            },
        }
    }
}
"""Comments, which keep it alive, are no items."""

X_REQUEST_ID = {"X-Request-Id": {"schema": {"type": "string"}, "required": True}}
RETRY_AFTER = {"Retry-After": {"schema": {"type": "integer"}, "description": "In seconds."}}
RATE_LIMITS = {
    f"RateLimit-{name}": {"schema": {"type": kind}}
    for name, kind in (
        ("Limit", "integer"),
        ("Remaining", "integer"),
        ("Reset", "integer"),
        ("Policy", "string"),
    )
}
REPLAYED = {
    "Idempotent-Replayed": {"schema": {"const": "true"}, "description": "There where the key had started it."}
}
CHAT_HEADERS = {
    **X_REQUEST_ID,
    "X-Chat-Id": {"schema": {"type": "string"}, "required": True},
    "Location": {"schema": {"type": "string"}, "required": True},
}

Json = dict[str, Any]

SECURITY: list[Json] = [{}, {"token": []}, {"session": []}]
"""Which of them, depends on GATEWAY_AUTH."""


def document(settings: Settings, toolbox: Toolbox) -> Json:
    """Return the OpenAPI 3.2 document of a gateway with *settings* and the tools of *toolbox*."""
    return {
        "openapi": "3.2.0",
        "info": {
            "title": "claude-gateway",
            "version": VERSION,
            "description": "Claude's answers as numbered events that end in `[DONE]` and can be resumed after any of them.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": _paths(),
        "components": {
            "schemas": schemas(settings, toolbox),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": cookie_name(secure=True)},
            },
        },
        "security": SECURITY if settings.auth != "none" else [],
    }


def _paths() -> Json:
    id_ = _parameter("path", "id", {"type": "string", "minLength": 1}, required=True)
    key = _parameter(
        "header",
        "Idempotency-Key",
        {"type": "string", "pattern": "^[ -~]{1,200}$"},
        "Equal questions under it are one.",
    )
    needed_key = {**key, "required": True}
    purge = _parameter("query", "purge", {"type": "boolean"}, "Also forget it.")
    return {
        "/api/chat": {
            "post": _operation(
                "chat",
                "Start a generation, or find the one that the key has started, and stream it",
                {
                    200: {
                        "description": "Events, or with `stream: false` one message.",
                        "headers": {**CHAT_HEADERS, **RATE_LIMITS, **REPLAYED},
                        "content": {**STREAM, **_json("Answer")},
                    }
                },
                (*BODY, 404, 422, *CLAUDE),
                parameters=[key],
                body="Chat",
            ),
            "delete": _operation(
                "cancel_by_key",
                "Cancel whatever the key has started",
                _answer("Snapshot"),
                (404,),
                parameters=[needed_key, purge],
            ),
        },
        "/api/chat/count_tokens": {
            "post": _operation(
                "count_tokens",
                "Count the input tokens of a body",
                _answer("InputTokens"),
                (*BODY, 404, *CLAUDE),
                body="Chat",
            )
        },
        "/api/chat/{id}": {
            "get": _operation(
                "snapshot", "Read a generation as it stands", _answer("Snapshot"), ID, parameters=[id_]
            ),
            "delete": _operation(
                "cancel", "Cancel a generation", _answer("Snapshot"), ID, parameters=[id_, purge]
            ),
        },
        "/api/chat/{id}/stream": {
            "get": _operation(
                "stream",
                "Stream a generation, from after a cursor",
                {
                    200: {"description": "Events.", "headers": CHAT_HEADERS, "content": STREAM},
                    204: {"description": "Nothing is left after the cursor.", "headers": X_REQUEST_ID},
                },
                ID,
                parameters=[
                    id_,
                    _parameter("header", "Last-Event-ID", CURSOR, "Wins over `after`."),
                    _parameter("query", "after", CURSOR),
                    _parameter(
                        "query", "buffer", {"type": "string", "pattern": "^(sentence|[1-9][0-9]{0,3}|10000)$"}
                    ),
                    {
                        **_parameter(
                            "query", "events", {"type": "array", "items": {"enum": [*CLASSES]}, "minItems": 1}
                        ),
                        "explode": False,
                    },
                ],
            )
        },
        "/api/chat/ws": {
            "get": _operation(
                "socket",
                "The same over a WebSocket: each text message is JSON, a SocketMessage there and SocketFrames back",
                {101: {"description": 'A WebSocket. It closes with 1000 after the frame `"[DONE]"`.'}},
                (404,),
                parameters=[
                    _parameter(
                        "query",
                        "id",
                        {"type": "string"},
                        "Of the answer to resume, where nginx spreads over several gateways.",
                    )
                ],
            )
        },
        "/api/models": {"get": _operation("models", "List the models", _answer("Models"), ())},
        "/api/config": {"get": _operation("config", "Read what a page needs to know", _answer("Config"), ())},
        "/api/session": {
            "post": _operation("sign_in", "Sign in with a token", _answer("SignedIn"), BODY, body="SignIn"),
            "delete": _operation("sign_out", "Sign out", _answer("SignedIn"), ()),
        },
        "/api/openapi.json": {"get": _operation("openapi", "Read this", _answer("Document"), ())},
        "/metrics": {
            "get": _operation(
                "metrics",
                "Read counters, from this machine, from a trusted proxy's own address, or with a token",
                {
                    200: {
                        "description": "Prometheus' text format.",
                        "headers": X_REQUEST_ID,
                        "content": {"text/plain": {"schema": {"type": "string"}}},
                    }
                },
                (),
            )
        },
        "/healthz": {"get": _operation("healthz", "Ask whether it lives", _answer("Health"), ())},
        "/readyz": {"get": _operation("readyz", "Ask whether it takes traffic", _answer("Health"), ())},
    }


def _parameter(
    where: str, name: str, schema: Json, description: str | None = None, *, required: bool = False
) -> Json:
    about = {"description": description} if description else {}
    return {"in": where, "name": name, "schema": schema, "required": required, **about}


def _operation(
    name: str,
    summary: str,
    answers: dict[int, Json],
    problems: tuple[int, ...],
    *,
    parameters: list[Json] | None = None,
    body: str | None = None,
) -> Json:
    said: Json = {str(status): answer for status, answer in answers.items()}
    for status in sorted({*problems, *ANYWHERE}):
        said[str(status)] = {
            "description": STATUSES[status],
            "headers": {**X_REQUEST_ID, **(RETRY_AFTER if status in (429, 503) else {})},
            "content": _json("Error"),
        }
    operation: Json = {"operationId": name, "summary": summary, "responses": said}
    if parameters:
        operation["parameters"] = parameters
    if body:
        operation["requestBody"] = {"required": True, "content": _json(body)}
    return operation


def _answer(schema: str) -> dict[int, Json]:
    return {200: {"description": "Done.", "headers": X_REQUEST_ID, "content": _json(schema)}}


def _json(schema: str) -> Json:
    return {"application/json": {"schema": ref(schema)}}
