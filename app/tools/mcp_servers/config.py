"""What an operator writes about MCP servers: the JSON that other MCP hosts take, or a file of it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

OUTER = "mcpServers"
"""The key that other hosts want around it all; optional here."""

MAX_NAME_CHARACTERS = 60
"""Claude takes 128 for a tool's name, of which this is the beginning."""

_Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
_Variable = Annotated[str, StringConstraints(pattern=r"^[^=\x00]+$")]
_Word = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\x00]*$")]
_HeaderName = Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
_HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e\t]*$")]


class ServerConfig(BaseModel):
    """One MCP server: a program that is started, or an address that is called.

    What may hold a secret is not in the ``repr``.

    Attributes:
        name: As the operator calls it; what its tools' names begin with.
        type: How it is spoken to; said by the other fields too, so it may be left out.
        command: The program.
        args: Its arguments.
        env: Variables it gets besides PATH, HOME and the like; it gets no others.
        cwd: The folder it runs in.
        url: Where it is called, by streamable HTTP.
        headers: What it is sent with each call.
        tools: Names of its tools that may be used; None for all.
        disabled: It is left alone.
        start_timeout: Seconds it has to agree on a version, and again to list its tools.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Annotated[str, StringConstraints(pattern=rf"^[^\x00-\x1f]{{1,{MAX_NAME_CHARACTERS}}}$")]
    type: Literal["stdio", "http", "streamable-http", "streamableHttp"] | None = None
    command: _Word | None = None
    args: Annotated[list[_Text], Field(repr=False)] = []
    env: Annotated[dict[_Variable, _Text], Field(repr=False)] = {}
    cwd: _Word | None = None
    url: Annotated[str | None, Field(repr=False, pattern=r"^https?://[^/\s]+\S*$")] = None
    headers: Annotated[dict[_HeaderName, _HeaderValue], Field(repr=False)] = {}
    tools: list[_Word] | None = None
    disabled: bool = False
    start_timeout: Annotated[float, Field(gt=0, strict=False)] = 30

    @property
    def prefix(self) -> str:
        """What the names of its tools begin with."""
        return f"{plain(self.name)}__"

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        wrong = None
        if (self.command is None) == (self.url is None):
            wrong = "needs either a command or a url"
        elif self.command is None and (self.args or self.env or self.cwd):
            wrong = "args, env and cwd belong to a command"
        elif self.url is None and self.headers:
            wrong = "headers belong to a url"
        elif self.type is not None and (self.type == "stdio") != (self.url is None):
            wrong = f"type {self.type} does not fit a {'command' if self.url is None else 'url'}"
        if wrong:
            raise ValueError(wrong)
        return self


def plain(name: str) -> str:
    """Return *name* with nothing in it that Claude would not take in a tool's name."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)


def load(given: Any) -> Any:
    """Return the servers that *given* names: JSON, the path of a file of it, or what either says.

    Raises:
        ValueError: something is wrong with it; the message has a line for each thing.
    """
    if isinstance(given, str):
        text = given.strip()
        if not text:
            return ()
        given = _parse(text if text.startswith("{") else _read(text))
    if not isinstance(given, dict):
        return given  # servers already, or pydantic says what it is
    named = given.get(OUTER, given)
    if not isinstance(named, dict):
        msg = f"{OUTER} must be an object of servers by name"
        raise ValueError(msg)
    servers, wrong = [], []
    for name, fields in named.items():
        try:
            if not isinstance(fields, dict):
                msg = "must be an object with a command or a url"
                raise ValueError(msg)
            servers.append(ServerConfig.model_validate({**fields, "name": name}))
        except ValidationError as error:
            wrong += [f"server {name!r}: {line}" for line in _lines(error)]
        except ValueError as error:
            wrong.append(f"server {name!r}: {error}")
    enabled = [server for server in servers if not server.disabled]
    prefixes: dict[str, str] = {}
    for server in enabled:
        other = prefixes.setdefault(server.prefix, server.name)
        if other != server.name:
            wrong.append(
                f"servers {other!r} and {server.name!r} would both name their tools {server.prefix}…; "
                "rename one of them"
            )
    if wrong:
        raise ValueError("\n".join(wrong))
    return tuple(enabled)


def _read(path: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        match error:
            case OSError():
                reason = error.strerror
            case UnicodeDecodeError():
                reason = "it is not UTF-8"
            case _:
                reason = "nobody here has that home folder"
        msg = f"must be JSON or a file of it, and the file {path} cannot be read: {reason}"
        raise ValueError(msg) from error


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        # The position alone: what is written there may be a secret.
        where = (
            f": line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        )
        msg = f"is not valid JSON{where}"
        raise ValueError(msg) from error


def _lines(error: ValidationError) -> Iterator[str]:
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        message = item["msg"].removeprefix("Value error, ")
        field = ".".join(str(part) for part in item["loc"] if part != "[key]")
        if item["type"] == "extra_forbidden":
            known = ", ".join(name for name in ServerConfig.model_fields if name != "name")
            message = f"this is not known here; a server has {known}"
        yield f"{field}: {message[0].lower()}{message[1:]}" if field else message
