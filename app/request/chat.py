"""The body of a POST: its JSON in, the exact body for Claude out, or a 400 that names the field.

Everything that is allowed goes up unchanged and in the order it came, so that Claude's prompt cache, which
knows prompts by their prefix, keeps working.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.limits.terms import Terms
from app.protocol import jsontext
from app.protocol.errors import BadRequest
from app.protocol.view import View
from app.request.view import ViewFields
from app.request.wrong import first_wrong, shown
from app.room import Room
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


class Chat(ViewFields):
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
    stream: bool | None = True


@dataclass(frozen=True)
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

    @cached_property
    def fingerprint(self) -> str:
        """What is equal for equal questions, however they are written and shown; takes a while for a long one."""
        return hashlib.sha256(jsontext.canonical(self.asked)).hexdigest()

    def counted(self) -> dict[str, Any]:
        """Return the body for Claude's token count."""
        return {name: value for name, value in self.body.items() if name in COUNTED}


def opened(raw: bytes, room: Room) -> Any:
    """Return the value of *raw*, JSON that a client has sent, which takes its *room* from here on.

    Raises:
        BadRequest: it is not JSON, has a name twice, or holds too many values.
        TooMany, Unavailable: as for ``Room.unfold``.
    """
    room.unfold(raw)
    try:
        return jsontext.parse_strictly(raw)
    except jsontext.NamedTwice as error:
        msg = f"{shown(str(error))}: this field is there twice."
        raise BadRequest(msg) from error
    except ValueError as error:
        msg = f"This is not valid JSON in UTF-8: {str(error).partition(':')[0]}."
        raise BadRequest(msg) from error


def parse(sent: Any, settings: Settings, toolbox: Toolbox, terms: Terms) -> ChatRequest:
    """Return what *sent*, a request of somebody on *terms*, asks for.

    Raises:
        BadRequest: something in it is wrong or not allowed.
    """
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
        raise BadRequest(first_wrong(error)) from error
    _check_policy(chat, sent, settings, terms)
    body = _body(sent, settings, terms)
    asked = dict(body)
    registered = _register(body, toolbox)
    return ChatRequest(body, asked, chat.stream is not False, chat.view(), registered)


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
        if not isinstance(name, str):
            msg = f"tools.{number}: must have an input_schema, a type, or the name of a tool that is registered here."
            raise BadRequest(msg)
        if name not in toolbox:
            msg = f"tools.{number}: no tool named {shown(name)} is registered here."
            raise BadRequest(msg)
        names.append(name)
        tools.append(toolbox.definition(name) | entry)
    body["tools"] = tools
    return frozenset(names)
