"""What a browser may ask: its JSON in, the exact body for Claude out, or a 400 that names the field.

Everything that is allowed goes up unchanged and in the order it came, so that Claude's prompt cache, which
knows prompts by their prefix, keeps working.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from app.limits.terms import Terms
from app.protocol import jsontext
from app.protocol.encoding import CLASSES
from app.protocol.errors import BadRequest
from app.protocol.view import View
from app.settings import Settings
from app.tools.registry import Toolbox

CLAUDES = (
    "model",
    "max_tokens",
    "messages",
    "system",
    "stop_sequences",
    "thinking",
    "output_config",
    "tools",
    "tool_choice",
    "metadata",
    "cache_control",
)
"""Claude's parameters that a browser may send."""

COUNTED = frozenset(CLAUDES) - {"max_tokens", "stop_sequences", "metadata"}
"""Those that Claude's token count takes."""

IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
DOCUMENT_TYPES = ("application/pdf", "text/plain")
"""What Claude reads, as media types of base64 sources and of text."""

MAX_IMAGE_BYTES = 5 * 1024 * 1024
"""Of one image, in base64."""

MAX_IMAGE_EDGE_PX = 8000
MAX_IMAGES = 100
"""Of one request, to a model with the smaller context; limits as in Claude's guide to vision."""

CHECK_MODEL = "claude-gateway-check"
"""No model: what ``check --url`` asks for (``diagnosis``). No list names it, and no token is spent on it."""

OURS = ("prompt", "stream", "buffer", "events")


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class Typed(_Strict):
    """A content block, a tool: an object whose fields are Claude's business."""

    type: str


class Message(_Strict):
    """A message, in Claude's shape."""

    role: Literal["user", "assistant", "system"]
    content: str | Annotated[list[Typed], Field(min_length=1)]


class Every(BaseModel):
    """Send at most once in so many milliseconds."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    every_ms: int = Field(ge=1, le=10_000)


Buffer: TypeAlias = Literal["sentence"] | Every
"""How deltas are joined before they are sent."""


class Shown(_Strict):
    """How one reader wants to see an answer."""

    buffer: Buffer | None = None
    events: list[str] | None = None


class Chat(Shown):
    """The body of a POST."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=100_000)] | None = None
    prompt: Annotated[str, Field(min_length=1)] | None = None
    model: str | None = None
    max_tokens: Annotated[int, Field(ge=0)] | None = None
    system: str | list[Typed] | None = None
    stop_sequences: list[str] | None = None
    thinking: Typed | None = None
    output_config: dict[str, Any] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: Typed | None = None
    metadata: dict[str, Any] | None = None
    cache_control: dict[str, Any] | None = None
    stream: bool = True


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request for an answer.

    Attributes:
        body: What goes to Claude, ``stream`` left out.
        asked: The same before tools have got their definitions: an MCP server may describe one in other words by the
            time the client asks again.
        stream: Whether the client wants events rather than one message.
        view: How this client wants to see them.
        registered: Names of the tools in it that run here.
    """

    body: dict[str, Any]
    asked: dict[str, Any]
    stream: bool
    view: View
    registered: frozenset[str]

    @property
    def model(self) -> str:
        """The model that is asked."""
        return str(self.body["model"])

    @property
    def fingerprint(self) -> str:
        """What is equal for equal questions, however they are written and shown; takes a while for a long one."""
        return hashlib.sha256(jsontext.canonical(self.asked)).hexdigest()

    def counted(self) -> dict[str, Any]:
        """Return the body for Claude's token count."""
        return {name: value for name, value in self.body.items() if name in COUNTED}


def parse(raw: bytes, settings: Settings, toolbox: Toolbox, terms: Terms) -> ChatRequest:
    """Return what *raw*, the body of a POST of somebody on *terms*, asks for.

    Raises:
        BadRequest: it is not JSON, or something in it is wrong or not allowed.
    """
    try:
        sent = jsontext.parse_strictly(raw)
    except ValueError as error:
        msg = f"The body is not valid JSON in UTF-8: {str(error).partition(':')[0]}."
        raise BadRequest(msg) from error
    if not isinstance(sent, dict):
        msg = "The body must be a JSON object with messages or a prompt."
        raise BadRequest(msg)
    allowed = {*CLAUDES, *OURS, *settings.allow_params}
    if unknown := [name for name in sent if name not in allowed]:
        msg = f"{shown(unknown[0])}: this field is not allowed here."
        raise BadRequest(msg)
    try:
        chat = Chat.model_validate(sent)
    except ValidationError as error:
        raise BadRequest(_first(error)) from error
    _check_policy(chat, sent, settings, terms)
    body = _body(sent, settings, terms)
    asked = dict(body)
    registered = _register(body, toolbox)
    return ChatRequest(body, asked, chat.stream, _view(chat.buffer, chat.events), registered)


def body_schemas(settings: Settings, events: list[str], tools: list[str]) -> dict[str, Any]:
    """Return the JSON schema of a request's body and of what it consists of, by name.

    Args:
        settings: The operator's.
        events: The types of event that there are.
        tools: Names of the tools that run here.
    """
    chat = Chat.model_json_schema(ref_template="#/components/schemas/{model}")
    parts: dict[str, Any] = chat.pop("$defs")
    fields = chat["properties"] | {name: {} for name in settings.allow_params}
    fields["model"] = {"enum": [*settings.terms.models, None]}
    fields["max_tokens"] = {"type": ["integer", "null"], "minimum": 0, "maximum": settings.terms.max_tokens}
    fields["events"] = {"type": ["array", "null"], "items": {"enum": events}}
    ours = {"type": "object", "required": ["name"], "properties": {"name": {"enum": tools}}}
    theirs = [{"type": "object", "required": [name]} for name in ("type", "input_schema")]
    fields["tools"] = {"type": ["array", "null"], "items": {"anyOf": [ours, *theirs] if tools else theirs}}
    one_of = [
        {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
        for name in ("messages", "prompt")
    ]
    return parts | {"Chat": chat | {"properties": fields, "additionalProperties": False, "oneOf": one_of}}


def attachment_limits(settings: Settings) -> dict[str, Any]:
    """Return what of files a browser may send: Claude's limits, and this gateway's on the whole request."""
    return {
        "max_body_bytes": settings.max_body_bytes,
        "url_sources": settings.allow_url_sources,
        "images": {
            "media_types": IMAGE_TYPES,
            "max_bytes": MAX_IMAGE_BYTES,
            "max_edge": MAX_IMAGE_EDGE_PX,
            "max_count": MAX_IMAGES,
        },
        "documents": {"media_types": DOCUMENT_TYPES},
    }


def view_of(fields: dict[str, Any]) -> View:
    """Return the view that the ``buffer`` and ``events`` among *fields* ask for.

    Raises:
        BadRequest: one of them is not of that form.
    """
    try:
        asked = Shown.model_validate(fields)
    except ValidationError as error:
        raise BadRequest(_first(error)) from error
    return _view(asked.buffer, asked.events)


def view_of_query(buffer: str | None, events: list[str] | None) -> View:
    """Return the view that a GET asks for: ``buffer=sentence`` or ``buffer=100`` (ms), ``events=text,done``.

    The types may also come one by one: ``events=text&events=done``.

    Raises:
        BadRequest: one of them is not of that form.
    """
    how: Buffer | None = None
    if buffer == "sentence":
        how = "sentence"
    elif buffer is not None:
        try:
            how = TypeAdapter(Every).validate_python({"every_ms": int(buffer)})
        except ValueError as error:
            msg = "buffer: must be sentence or a number of milliseconds from 1 to 10000."
            raise BadRequest(msg) from error
    return _view(how, ",".join(events).split(",") if events else None)


def shown(text: str) -> str:
    """Return *text*, which somebody else wrote, short and printable, for a message."""
    clean = "".join(character if character.isprintable() else "\ufffd" for character in text)
    return clean if len(clean) <= 80 else clean[:79] + "…"


def _check_policy(chat: Chat, sent: dict[str, Any], settings: Settings, terms: Terms) -> None:
    wrong = None
    if (chat.messages is None) == (chat.prompt is None):
        wrong = "messages: send either messages or a prompt."
    elif chat.model is not None and chat.model not in (*terms.models, CHECK_MODEL):
        wrong = f"model: {shown(chat.model)} is not one of the models you may ask: {', '.join(terms.models)}."
    elif chat.max_tokens is not None and chat.max_tokens > terms.max_tokens:
        wrong = f"max_tokens: {chat.max_tokens} is above the greatest allowed here, {terms.max_tokens}."
    elif not settings.allow_url_sources and any(_url_sources(sent.get("messages"))):
        wrong = (
            "messages: images and documents by URL are not allowed here; send them as base64 or Files ids."
        )
    if wrong:
        raise BadRequest(wrong)


def _url_sources(value: Any) -> Iterator[bool]:
    """Yield True for every source by URL within *value*, however deep."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case {"type": "image" | "document", "source": {"type": "url"}}:
                yield True
            case {"type": "tool_use"}:
                pass  # a call's input is the tool's business
            case dict() as fields:
                waiting.extend(fields.values())
            case list() as items:
                waiting.extend(items)
            case _:
                pass


def _body(sent: dict[str, Any], settings: Settings, terms: Terms) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, value in sent.items():
        if name == "prompt" and value is not None:
            body["messages"] = [{"role": "user", "content": value}]
        elif name not in OURS and value is not None:
            body[name] = value
    body.setdefault("model", terms.models[0])
    body.setdefault("max_tokens", terms.default_max_tokens)
    if settings.system_prompt is not None:
        theirs = body.get("system", [])
        blocks = [{"type": "text", "text": theirs}] if isinstance(theirs, str) and theirs else theirs or []
        body["system"] = [{"type": "text", "text": settings.system_prompt}, *blocks]
    return body


def _register(body: dict[str, Any], toolbox: Toolbox) -> frozenset[str]:
    """Put the definitions of the tools that run here in the place of their names; return the names."""
    if "tools" not in body:
        return frozenset()
    names, tools = [], []
    for number, entry in enumerate(body["tools"]):
        if "input_schema" in entry or "type" in entry:
            tools.append(entry)
            continue
        name = entry.get("name")
        if name not in toolbox:
            msg = f"tools.{number}: no tool named {shown(str(name))} is registered here."
            raise BadRequest(msg)
        names.append(name)
        tools.append(toolbox.definition(name) | entry)
    body["tools"] = tools
    return frozenset(names)


def _view(buffer: Buffer | None, names: list[str] | None) -> View:
    every_ms = buffer.every_ms if isinstance(buffer, Every) else None
    types = _event_types(names) if names is not None else None
    return View(types, by_sentence=buffer == "sentence", every_ms=every_ms)


def _event_types(names: list[str]) -> frozenset[str]:
    if unknown := [name for name in names if name not in CLASSES]:
        msg = f"events: {shown(unknown[0])} is no event type; there are {', '.join(CLASSES)}."
        raise BadRequest(msg)
    return frozenset(names) | {"error"}


def _first(error: ValidationError) -> str:
    """Return the first thing that is wrong as ``messages.0.role: …``."""
    items = error.errors(include_url=False, include_input=False, include_context=False)
    # Of a union every branch reports; the one that came furthest is the one that was meant.
    item = max(
        (item for item in items if item["loc"][0] == items[0]["loc"][0]), key=lambda item: len(item["loc"])
    )
    # The name of the branch stands in the path too and means nothing to the sender.
    path = [str(part) for part in item["loc"] if isinstance(part, int) or part.isidentifier()]
    path = [part for part in path if part not in ("str", "Every")]
    return f"{'.'.join(path)}: {item['msg'][0].lower()}{item['msg'][1:]}."
