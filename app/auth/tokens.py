"""Access tokens: made here, shown once, kept as hashes in a file.

A line for each token: a name, the SHA-256 of the token, and what differs from the general settings::

    # comments and empty lines are skipped
    alice  sha256:9f86d081…
    kiosk  sha256:60303ae2…  expires=2027-01-31 models=claude-haiku-5-5 max_tokens=2000
           rate_limit=5/minute max_streams=2 token_budget=200000/day       (all on one line)

Two lines with one name are two tokens of the same person. A token is 256 random bits, which nobody guesses, so
a plain hash is enough: a slow one protects what people think up.
"""

import hashlib
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from limits import RateLimitItem
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from app.limits.terms import Rates, Terms, budget, rates

PREFIX = "cgw_"
"""So that people, and scanners for leaked secrets, know one when they see it."""

SCHEME = "sha256:"

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")

MAX_FILE_BYTES = 4 * 1024 * 1024
"""About 40,000 tokens."""


def new_token() -> str:
    """Return a token: 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """Return what is kept of *token*."""
    return hashlib.sha256(token.encode()).digest()


def _words(value: Any) -> Any:
    return tuple(word for word in value.split(",") if word) if isinstance(value, str) else value


def _in_utc(value: Any) -> datetime:
    when = datetime.fromisoformat(value)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


class Token(BaseModel):
    """What a line says."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True
    )

    name: str
    sha256: bytes = Field(repr=False)
    expires: Annotated[datetime, BeforeValidator(_in_utc)] | None = None
    models: Annotated[tuple[str, ...], BeforeValidator(_words), Field(min_length=1)] | None = None
    max_tokens: int | None = Field(None, ge=1)
    rate_limit: Annotated[Rates, BeforeValidator(rates)] | None = None
    max_streams: int | None = Field(None, ge=1)
    token_budget: Annotated[RateLimitItem, BeforeValidator(budget)] | None = None

    def terms(self, general: Terms) -> Terms:
        """Return *general*, with what this token has of its own."""
        most = self.max_tokens or general.max_tokens
        return replace(
            general,
            models=self.models or general.models,
            max_tokens=most,
            default_max_tokens=min(most, general.default_max_tokens),
            rates=self.rate_limit or general.rates,
            max_streams=self.max_streams or general.max_streams,
            budget=self.token_budget or general.budget,
        )


OPTIONS = tuple(name for name in Token.model_fields if name not in ("name", "sha256"))
"""What a line may say besides name and hash."""


def parse(text: str, general: Terms) -> tuple[list[Token], list[str]]:
    """Return the tokens of a file's *text*, and a line for each line that is wrong, which never repeats it."""
    tokens: dict[bytes, Token] = {}
    wrong: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            token = _token(words, general)
            if token.sha256 in tokens:
                msg = "this hash has a line already"
                raise ValueError(msg)
            tokens[token.sha256] = token
        except ValidationError as error:
            wrong += [f"line {number}: {_said(item)}" for item in error.errors(include_input=False)]
        except ValueError as error:
            wrong.append(f"line {number}: {error}")
    return list(tokens.values()), wrong


def _said(item: Mapping[str, Any]) -> str:
    name, message = str(item["loc"][0]), item["msg"].removeprefix("Value error, ")
    if name == "expires":
        return "expires: must be a date, like 2027-01-31 or 2027-01-31T18:00+01:00"
    return f"{name}: {message[0].lower()}{message[1:]}"


def _token(words: list[str], general: Terms) -> Token:
    name, kept, *options = (*words, "")[: max(2, len(words))]
    if not NAME.fullmatch(name):
        msg = "must begin with a name of at most 64 letters, digits and . _ @ + -"
        raise ValueError(msg)
    if kept.startswith(PREFIX) or name.startswith(PREFIX):
        msg = "holds a token itself; only its hash belongs here (claude-gateway token NAME prints the line)"
        raise ValueError(msg)
    if not re.fullmatch(SCHEME + "[0-9a-f]{64}", kept):
        msg = f"after the name there must be {SCHEME} and 64 hexadecimal digits"
        raise ValueError(msg)
    given = dict(option.partition("=")[::2] for option in options)
    if len(given) < len(options):
        msg = "says something twice"
        raise ValueError(msg)
    if not given.keys() <= set(OPTIONS):
        msg = f"there is no such setting of a token; there are {', '.join(OPTIONS)}"
        raise ValueError(msg)
    token = Token(name=name, sha256=bytes.fromhex(kept.removeprefix(SCHEME)), **given)
    if unknown := set(token.models or ()) - set(general.models):
        msg = f"models: {min(unknown)} is not among GATEWAY_MODELS"
        raise ValueError(msg)
    if (token.max_tokens or 0) > general.max_tokens:
        msg = f"max_tokens: must not be above GATEWAY_MAX_TOKENS, {general.max_tokens}"
        raise ValueError(msg)
    return token


def read(path: Path) -> str:
    """Return what the file at *path* says.

    Raises:
        ValueError: it cannot be read; says why.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            msg = "is not a file"
            raise ValueError(msg)
        if status.st_size > MAX_FILE_BYTES:
            msg = f"has more than {MAX_FILE_BYTES:,} bytes"
            raise ValueError(msg)
        return path.read_text("utf-8-sig")
    except OSError as error:
        msg = f"cannot be read: {error.strerror}"
        raise ValueError(msg) from error
    except UnicodeDecodeError as error:
        msg = "is not UTF-8"
        raise ValueError(msg) from error
