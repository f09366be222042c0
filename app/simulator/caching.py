"""The prompt cache, as far as ``usage`` shows it: what is read from it, and what is written to it.

A ``cache_control`` mark caches everything before it: tools, then system, then messages. Unlike Claude's, this
cache takes prompts however short, so that a test can see it.
https://docs.claude.com/en/docs/build-with-claude/prompt-caching
"""

from collections import OrderedDict
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import orjson

from app.simulator.blocks import Json
from app.simulator.conversation import content_blocks
from app.simulator.tokens import CHARACTERS_PER_TOKEN, estimated_tokens

LIFETIME_S = {"5m": 300, "1h": 3600}
MAX_ENTRIES = 10_000

IMAGE_TOKENS = 1600
"""About what an image takes, however many bytes it has: larger ones are scaled down first.
https://docs.claude.com/en/docs/build-with-claude/vision"""

PAGE_TOKENS = 2000
PAGE_CHARACTERS = 60_000
"""Of a PDF in base64: a guess, since nobody opens it here."""


class PromptCache:
    """Remembers prefixes of prompts for as long as their marks say."""

    def __init__(self) -> None:
        self._expiries: OrderedDict[bytes, float] = OrderedDict()

    def usage(self, asked: Json, now: float) -> Json:
        """Return the input side of the usage of the request *asked*, and remember its marked prefixes."""
        digest = blake2b(str(asked["model"]).encode(), digest_size=16)
        size = 0
        read = 0
        marked = 0
        last_ttl = "5m"
        written: list[tuple[bytes, str]] = []
        for block, ttl in _parts(asked):
            data = orjson.dumps(block)
            digest.update(data)
            size += _weight(block, data)
            if self._expiries.get(digest.digest(), 0) > now:
                read = size
            if ttl:
                marked, last_ttl = size, ttl
                written.append((digest.digest(), ttl))
        read = min(read, marked)
        for key, ttl in written:
            self._expiries.pop(key, None)
            self._expiries[key] = now + LIFETIME_S.get(ttl, LIFETIME_S["5m"])
        while len(self._expiries) > MAX_ENTRIES:
            self._expiries.popitem(last=False)
        created = estimated_tokens(marked - read)
        return {
            "input_tokens": estimated_tokens(size - marked),
            "cache_creation_input_tokens": created,
            "cache_read_input_tokens": estimated_tokens(read),
            "cache_creation": {
                "ephemeral_5m_input_tokens": created if last_ttl != "1h" else 0,
                "ephemeral_1h_input_tokens": created if last_ttl == "1h" else 0,
            },
            "service_tier": "standard",
        }


def input_tokens(asked: Json) -> int:
    """Return how many tokens the request *asked* has."""
    return estimated_tokens(sum(_weight(block, orjson.dumps(block)) for block, _ in _parts(asked)))


def _weight(block: Json, data: bytes) -> int:
    """Return how many characters of text take as many tokens as *block*, which is *data* as JSON."""
    source = block.get("source") or {}
    if block.get("type") == "image":
        return round(IMAGE_TOKENS * CHARACTERS_PER_TOKEN)
    if block.get("type") == "document" and source.get("type") == "base64":
        return round((len(data) // PAGE_CHARACTERS + 1) * PAGE_TOKENS * CHARACTERS_PER_TOKEN)
    return len(data)


def _parts(asked: Json) -> Iterator[tuple[Any, str | None]]:
    """Yield what is cached, in order and without its marks, each with the lifetime its mark asks for."""
    parts = [*(asked.get("tools") or ()), *content_blocks(asked.get("system") or ())]
    for message in asked["messages"]:
        first, *more = content_blocks(message["content"]) or ({},)
        parts += [{"role": message["role"], **first}, *more]
    whole = asked.get("cache_control")
    for number, part in enumerate(parts):
        mark = part.get("cache_control") or (whole if number == len(parts) - 1 else None)
        plain = {key: value for key, value in part.items() if key != "cache_control"}
        yield plain, (mark.get("ttl") or "5m") if mark else None
