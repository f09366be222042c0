"""JSON schemas of what goes in and out: a request's body, each event, errors, snapshots."""

from functools import cache
from typing import Any

from pydantic import TypeAdapter

from app.protocol.encoding import CLASSES
from app.protocol.events import Block, BlockStart, Delta, Thinking, ToolUse, Usage
from app.request.chat import Chat
from app.settings import Settings
from app.tools.registry import Toolbox

Schema = dict[str, Any]

NULL: Schema = {"type": "null"}
TEXT: Schema = {"type": "string"}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
COUNT: Schema = {"type": "integer", "minimum": 0}
OBJECT: Schema = {"type": "object"}

SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
TIMING: Schema = {
    "type": "object",
    "required": ["ttft_ms", "duration_ms", "tokens_per_second"],
    "properties": {
        "ttft_ms": {"type": ["integer", "null"]},
        "duration_ms": {"type": "integer"},
        "tokens_per_second": {"type": ["number", "null"]},
    },
}

CURSOR: Schema = {"type": "string", "description": "Opaque. A stream goes on after it."}
CALL: Schema = {"id": TEXT, "name": TEXT, "input": {"description": "null when Claude was cut off inside it"}}
USAGE: Schema = {"type": "object", "description": "Claude's usage fields, summed over the generation."}

OPTIONAL: dict[type[Any], tuple[str, ...]] = {
    BlockStart: ("id", "name", "turn", "extra"),
    Thinking: ("estimated_tokens",),
}
"""Fields that are absent rather than null."""


def ref(name: str) -> Schema:
    """Return a reference to the component schema *name*."""
    return {"$ref": f"#/components/schemas/{name}"}


def record(description: str, *, optional: tuple[str, ...] = (), **fields: Schema) -> Schema:
    """Return the schema of an object with *fields*, all there but the *optional* ones; others may come."""
    required = [name for name in fields if name not in optional]
    return {"type": "object", "description": description, "required": required, "properties": fields}


@cache
def _events() -> dict[str, Schema]:
    """Return the schema of each event, by its type."""
    found = {}
    for name, event in CLASSES.items():
        made = TypeAdapter(event).json_schema()
        fields: Schema = made["properties"]
        if event in (ToolUse, Usage):  # Claude's fields stand on the event itself
            fields = {"index": fields["index"], **CALL} if event is ToolUse else {}
        if issubclass(event, Delta):  # each calls its piece by another name
            fields = {event.field: fields.pop("piece"), **fields}
        if event is Block:
            fields = {"index": fields["index"], "block": {"type": "object", "required": ["type"]}}
        if "digest" in fields:
            fields = {**fields, "digest": SHA256, "usage": USAGE}
        if "timing" in fields:
            fields = {**fields, "timing": TIMING}
        fields = {
            field: {k: v for k, v in schema.items() if k != "title"} for field, schema in fields.items()
        }
        absent = OPTIONAL.get(event, ())
        for field in absent:
            fields[field].pop("default", None)
        description = (event.__doc__ or "").partition("\n")[0]
        found[name] = record(description, optional=absent, type={"const": name}, **fields)
    return found


def _body_schemas(settings: Settings, tools: list[str]) -> dict[str, Schema]:
    """Return the schema of a request's body and of what it consists of, by name; *tools* are those that run here."""
    chat = Chat.model_json_schema(ref_template="#/components/schemas/{model}")
    parts: dict[str, Schema] = chat.pop("$defs")
    fields = chat["properties"] | {name: {} for name in settings.allow_params}
    fields["model"] = {"enum": [*settings.terms.models, None]}
    fields["max_tokens"] = {"type": ["integer", "null"], "minimum": 0, "maximum": settings.terms.max_tokens}
    fields["events"] = {"type": ["array", "null"], "items": {"enum": [*CLASSES]}}
    ours = {"type": "object", "required": ["name"], "properties": {"name": {"enum": tools}}}
    theirs = [{"type": "object", "required": [name]} for name in ("type", "input_schema")]
    fields["tools"] = {"type": ["array", "null"], "items": {"anyOf": [ours, *theirs] if tools else theirs}}
    one_of = [
        {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
        for name in ("messages", "prompt")
    ]
    return parts | {"Chat": chat | {"properties": fields, "additionalProperties": False, "oneOf": one_of}}


def schemas(settings: Settings, toolbox: Toolbox) -> dict[str, Schema]:
    """Return the component schemas of a gateway with *settings* and the tools of *toolbox*, by name."""
    events = {f"{name}_event": schema for name, schema in _events().items()}
    bodies = _body_schemas(settings, [each["name"] for each in toolbox.listed()])
    view = {name: bodies["Chat"]["properties"][name] for name in ("buffer", "events")}
    return {
        **bodies,
        **events,
        "Event": {
            "description": "One `data:` line of a stream; the last one is `[DONE]`, which is no JSON.",
            "oneOf": [ref(name) for name in events],
            "discriminator": {
                "propertyName": "type",
                "mapping": {name: f"#/components/schemas/{name}_event" for name in CLASSES},
            },
        },
        "Error": record(
            "Every failure, in Claude's shape.",
            type={"const": "error"},
            error=record("What was wrong, and what to do.", type=TEXT, message=TEXT),
            request_id=TEXT,
        ),
        "SocketMessage": {
            "description": "First a request or a resume; a cancel at any time after it.",
            "oneOf": [
                record("What POST /api/chat takes.", request=ref("Chat")),
                record(
                    "Go on after a cursor.",
                    resume=record("Where.", optional=("after", *view), id=TEXT, after=CURSOR, **view),
                ),
                record("Cancel.", cancel={"const": True}),
            ],
        },
        "SocketFrame": {
            "anyOf": [
                {"const": "[DONE]", "description": "The last."},
                record("An event and its id, null before there is an answer.", id=MAYBE_TEXT, event=OBJECT),
            ]
        },
        "Document": {
            "type": "object",
            "description": "An OpenAPI document.",
            "required": ["openapi", "paths"],
        },
        "Snapshot": record(
            "A generation as it stands.",
            id=TEXT,
            state={"enum": ["running", "done", "failed", "cancelled"]},
            turns={"type": "array", "items": ref("Turn")},
            usage=USAGE,
            cursor=CURSOR,
            error={
                "anyOf": [
                    NULL,
                    record("Why it failed.", type=TEXT, message=TEXT, retryable={"type": "boolean"}),
                ]
            },
        ),
        "Turn": record(
            "A message in Claude's shape, ready to be appended to the conversation.",
            role={"enum": ["user", "assistant"]},
            content={"type": "array", "items": OBJECT},
        ),
        "Answer": record(
            "The last message in Claude's shape, and what Claude's has not: all turns, cost, timing, digest.",
            id=MAYBE_TEXT,
            type={"const": "message"},
            role={"const": "assistant"},
            model=TEXT,
            content={"type": "array", "items": OBJECT},
            stop_reason=MAYBE_TEXT,
            stop_sequence=MAYBE_TEXT,
            usage=USAGE,
            turns={"type": "array", "items": ref("Turn")},
            cost_usd={"type": ["number", "null"]},
            timing=TIMING,
            digest=SHA256,
        ),
        "Models": record(
            "The models that may be asked, default first; what the upstream does not say is null.",
            data={
                "type": "array",
                "items": record("A model.", id=TEXT, display_name=TEXT, type={"const": "model"}),
            },
        ),
        "Config": record(
            "What the page needs to know.",
            demo={"type": "boolean"},
            auth={"enum": ["none", "token", "proxy", "jwt"]},
            signed_in={"type": "boolean"},
            user=MAYBE_TEXT,
            default_max_tokens=COUNT,
            max_tokens=COUNT,
            tools={"type": "array", "items": OBJECT},
            attachments=OBJECT,
        ),
        "SignedIn": record("Who has signed in.", signed_in={"type": "boolean"}, user=MAYBE_TEXT),
        "SignIn": {**record("A token.", token=TEXT), "additionalProperties": False},
        "InputTokens": record("Claude's count.", input_tokens=COUNT),
        "Health": record("How it is.", optional=("mcp_servers",), status=TEXT, mcp_servers=OBJECT),
    }
