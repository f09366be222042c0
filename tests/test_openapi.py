"""The OpenAPI document tells the truth: requests made from it, answers compared with it."""

import json
import os
from typing import Any

import pytest
import schemathesis
from fastapi.routing import APIRoute, APIWebSocketRoute
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance
from websockets.asyncio.client import connect

from app.auth.sessions import cookie_name
from app.settings import Settings
from app.tools.functions import from_modules
from app.tools.registry import Toolbox
from app.web import routes, session, websocket
from app.web.openapi.document import document
from tests.reading import Client, ask

EXAMPLES = int(os.environ.get("OPENAPI_EXAMPLES", "12"))
"""For each operation; a longer run by hand finds more."""

LEFT_OUT: Any = [
    # Of what is well-formed Claude refuses much: its rules are its own, and not repeated in our document.
    positive_data_acceptance,
]


def described() -> dict[str, Any]:
    given = Settings(_env_file=None, port=0, tools=["app.tools.examples"])  # as in demo mode
    return document(given, Toolbox(from_modules(given.tools), given.tool_timeout))


DOCUMENT = described()
OPERATIONS = {
    f"{operation.method.upper()} {operation.path}": operation
    for result in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
    if isinstance(result, Ok) and (operation := result.ok())
}
ASKED = [
    (name, mode)
    for name, operation in OPERATIONS.items()
    for mode in GenerationMode
    # Where nothing is sent, nothing can be sent wrongly; and any text is an id.
    if mode.is_positive or operation.body or operation.query or operation.headers
]


@pytest.mark.parametrize(("operation", "mode"), ASKED)
def test_what_is_asked_by_the_document_is_answered_by_it(
    operation: str, mode: GenerationMode, gateway: str
) -> None:
    """Asked well and asked wrongly."""

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OPERATIONS[operation].as_strategy(generation_mode=mode))
    def ask_and_compare(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(base_url=gateway, excluded_checks=LEFT_OUT)

    ask_and_compare()


async def test_the_document_is_served(gateway: str) -> None:
    served = await Client(gateway).request("GET", "/api/openapi.json")
    assert served.status == 200
    assert served.json == DOCUMENT


def test_every_route_is_described() -> None:
    served = {
        (route.path.replace("{generation_id}", "{id}"), method.lower())
        for route in (*routes.router.routes, *session.router.routes, *websocket.router.routes)
        if isinstance(route, APIRoute | APIWebSocketRoute)
        for method in (getattr(route, "methods", None) or {"GET"}) - {"HEAD"}  # GET's head
    }
    assert served == {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods}


def test_the_cookie_that_is_described_is_the_one_that_is_set() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert schemes["session"]["name"] == cookie_name(secure=True)


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_every_failure_is_in_the_shape_of_all_and_says_when_it_may_work(operation: str) -> None:
    for status, response in OPERATIONS[operation].definition.raw["responses"].items():
        if int(status) >= 400:
            schema = response["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Error"}
            assert ("Retry-After" in response["headers"]) == (status in ("429", "503"))


async def test_frames_and_messages_of_a_socket_are_as_the_document_says(gateway: str) -> None:
    def valid(name: str) -> Draft202012Validator:
        return Draft202012Validator(
            {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
        )

    asked = {"request": ask("Hello")}
    valid("SocketMessage").validate(asked)
    frames = []
    async with connect(f"{gateway.replace('http', 'ws')}/api/chat/ws") as socket:
        await socket.send(json.dumps(asked))
        async for frame in socket:
            frames.append(json.loads(frame))
            valid("SocketFrame").validate(frames[-1])
    resume = {"resume": {"id": frames[0]["event"]["id"], "after": frames[2]["id"]}}
    valid("SocketMessage").validate(resume)
    valid("SocketMessage").validate({"cancel": True})
    async with connect(f"{gateway.replace('http', 'ws')}/api/chat/ws") as socket:
        await socket.send(json.dumps(resume))
        assert [json.loads(frame) async for frame in socket][-1] == "[DONE]"


@pytest.mark.parametrize(
    "prompt",
    [
        "Hello",
        "[[redacted]] [[compaction]] [[mcp]] Hello",
        "[[pause]] Hello",
        "[[reset after=20]] Tell me about rivers.",
        "[[overloaded times=9]] Hello",
        "[[tools web_search]] Hello",
        "[[unknown-block]] [[unknown-event]] Hello",
    ],
)
async def test_every_event_is_as_the_document_says(prompt: str, gateway: str) -> None:
    event = Draft202012Validator({"$ref": "#/components/schemas/Event", "components": DOCUMENT["components"]})
    stream = await (await Client(gateway).stream(ask(prompt))).rest()
    assert stream.done == 1
    for each in stream.events:
        event.validate(each)
