"""Malformed requests, each from a source of randomness: what is sent, byte for byte. Pure."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from app.request.chat import CLAUDES, OURS

HOST = "127.0.0.1"
CANARY = "MALFORMED-CANARY"
"""Stands in message text, which no log line may hold."""

NASTY: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**400, 2**63, -0.0, "", " ", "\x00", "\ud800", "\u202e", "\u2028"),
    *([], {}, [[]], [None], {"": None}, {"__proto__": {}}, {"type": None}, {"type": "tool_use"}),
    *(
        "a" * 100_000,
        "💥" * 300,
        "../../etc/passwd",
        "<script>alert(1)</script>",
        "${jndi:x}",
        "\r\nX: y",
        "-1",
    ),
    *(
        [{"role": "user"}],
        [{"role": "assistant", "content": []}],
        {"every_ms": -1},
        ["text", "nothing"],
        "claude-none",
    ),
    *(
        [{"name": "no_such_tool"}],
        [{"name": "x", "input_schema": 7}] * 200,
        {"type": "enabled", "budget_tokens": "x"},
    ),
)
"""Values that a field does not expect."""

FIELDS = (
    *CLAUDES,
    *OURS,
    *("temperature", "api_key", "__class__", "betas", "container", "mcp_servers", "", "\x00", "Prompt"),
)
WRONG_JSON = (
    *(
        b"",
        b"{",
        b"}",
        b"[]",
        b"null",
        b"1",
        b'"x"',
        b"{'prompt': 1}",
        b'{"prompt": NaN}',
        b'{"prompt": 1e99999}',
    ),
    *(
        b'{"prompt": "\xff\xfe"}',
        b'\xef\xbb\xbf{"prompt": "x"}',
        b'{"prompt": "\\ud800"}',
        b'{"prompt": "x"} x',
    ),
    *(
        b"[" * 50_000,
        b'{"a":' * 50_000,
        b'{"prompt": "a\nb"}',
        b'{"prompt": ' + b"9" * 5_000 + b"}",
        b"\x00" * 100,
    ),
    *(b'{"prompt": "x", "prompt": "y", "nothing": 1}', b'{"prompt": Infinity}', b"\x1f\x8b\x08\x00junk"),
)
METHODS = (
    *(
        "GET",
        "HEAD",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "TRACE",
        "CONNECT",
        "PROPFIND",
        "get",
        "POST",
        "",
        "G\x00T",
    ),
    *("A" * 9_000, "PRI"),
)
PATHS = (
    *(
        "/",
        "//",
        "/api",
        "/api/",
        "/api/chat",
        "/api/chat/",
        "/api/chat//stream",
        "/api/models",
        "/api/config",
    ),
    *(
        "/api/session",
        "/metrics",
        "/static/../app/main.py",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "/static/js/%00.js",
    ),
    *(
        "/%ff%fe",
        "/static//etc/passwd",
        "/" + "a" * 60_000,
        "/?" + "a=b&" * 9_000,
        "http://elsewhere/api/chat",
        "*",
    ),
    *(
        "/api/chat/ws",
        "/api/chat/count_tokens",
        "/healthz?x",
        "/readyz/",
        "/api/chat/\x7f",
        "/api/\\chat",
        "",
        "nothing",
    ),
)
HEADERS = (
    *(
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, identity",
    ),
    *(
        "Transfer-Encoding : chunked",
        "Content-Length: 5",
        "Content-Length: -1",
        "Content-Length: 1e3",
        "Content-Length:",
    ),
    *(
        "Content-Length: 99999999999999999999",
        "Content-Length: 5, 6",
        "Expect: 100-continue",
        "Expect: the-worst",
    ),
    *(
        "Upgrade: h2c",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "HTTP2-Settings: AAMAAABkAAQAAP__",
        "Host: elsewhere",
    ),
    *(
        "Host:",
        "Host: a b",
        "Host: 127.0.0.1:99999999",
        " folded: x",
        "No-Colon",
        ": nameless",
        "Bad Name: x",
        "A: \x00",
    ),
    *(
        "A: " + "b" * 70_000,
        "Cookie: " + "a=b; " * 3_000,
        "Cookie: session=\xff",
        "Authorization: Bearer \xff\xfe",
    ),
    *("Authorization: Basic Og==", "Origin: null", "Origin: https://elsewhere", "Sec-Fetch-Site: cross-site"),
    *("X-Forwarded-For: 1.2.3.4, ,,x", "X-Forwarded-For: " + "1," * 5_000, "X-Forwarded-Proto: gopher"),
    *(
        "Forwarded: for=_x",
        "Last-Event-ID: 1-99999999999999999999",
        "Last-Event-ID: \xe9",
        "Last-Event-ID: 1-1.5",
    ),
    *(
        "Idempotency-Key: " + "k" * 500,
        "Idempotency-Key: \x01",
        "Idempotency-Key:",
        "Content-Type: text/plain",
    ),
    *(
        "Content-Type: application/json; charset=utf-16",
        "Content-Encoding: gzip",
        "Range: bytes=0-,-1",
        "Accept: \xff",
    ),
    *(
        "X-Request-Id: \x1b[31mred",
        "X-Request-Id: " + "r" * 9_000,
        "Sec-WebSocket-Key: x",
        "traceparent: 00-x-y-z",
    ),
)
WORDS = (
    "0",
    "1-0",
    "1-1",
    "2-1",
    "1-99",
    "-1",
    "1-1.1",
    "١-١",
    "%00",
    "%F0%9F%92%A5",
    "a" * 5_000,
    "null",
    "",
    "{}",
    "%",
)


@dataclass(frozen=True)
class Malformed:
    """One request.

    Attributes:
        kind: What is wrong with it.
        pieces: What is written, one after the other.
        whole: An answer is due; else it is only written, and the connection dropped.
    """

    kind: str
    pieces: tuple[bytes, ...]
    whole: bool = True


def request(
    method: str, path: str, headers: list[str], body: bytes = b"", version: str = "HTTP/1.1"
) -> bytes:
    """Return a request's bytes. Nothing is checked, nothing is escaped."""
    lines = [f"{method} {path} {version}".strip(), f"Host: {HOST}", *headers, "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogatepass") + body


def ask(body: bytes, *headers: str) -> bytes:
    """Return a POST of *body* as JSON."""
    own = ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return request("POST", "/api/chat", [*own, *headers], body)


def _fields(source: Random) -> Malformed:
    question: dict[str, Any] = {"prompt": f"[[speed max]] {CANARY}"}
    if source.random() < 0.5:
        question = {"messages": [{"role": "user", "content": CANARY}]}
    for _ in range(source.randint(1, 3)):
        question[source.choice(FIELDS)] = source.choice(NASTY)
    return Malformed("a field", (ask(json.dumps(question).encode()),))


def _blocks(source: Random) -> Malformed:
    block: dict[str, Any] = {
        "type": source.choice(("text", "image", "document", "tool_result", "thinking", "future"))
    }
    for name in source.sample(
        ("text", "source", "tool_use_id", "content", "signature", "cache_control", "x"), 3
    ):
        block[name] = source.choice(
            (*NASTY, CANARY, {"type": "base64", "media_type": "image/png", "data": "!"})
        )
    messages: list[Any] = [
        {"role": source.choice(("user", "assistant", "system", "", None)), "content": [block]}
    ]
    messages *= source.choice((1, 1, 2, 300))
    return Malformed("a content block", (ask(json.dumps({"messages": messages}).encode()),))


def _json(source: Random) -> Malformed:
    return Malformed("no JSON", (ask(source.choice(WRONG_JSON)),))


def _bytes(source: Random) -> Malformed:
    raw = bytearray(ask(json.dumps({"prompt": CANARY, "model": "none"}).encode()))
    for _ in range(source.randint(1, 8)):
        at = source.randrange(len(raw))
        match source.randrange(4):
            case 0:
                raw[at] = source.randrange(256)
            case 1:
                raw.insert(at, source.randrange(256))
            case 2:
                del raw[at]
            case _:
                raw[at:at] = raw[at : at + source.randrange(40)]
    # Whatever was done to its length, the end of what is sent is the end of what can come.
    return Malformed("bytes", (bytes(raw),), whole=False)


def _noise(source: Random) -> Malformed:
    return Malformed("noise", (source.randbytes(source.randint(1, 3_000)) + b"\r\n\r\n",), whole=False)


def _cut(source: Random) -> Malformed:
    raw = ask(json.dumps({"prompt": CANARY}).encode())
    return Malformed("cut", (raw[: source.randrange(1, len(raw))],), whole=False)


def _line(source: Random) -> Malformed:
    version = source.choice(("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "HTTP/1.1 x", "", "http/1.1"))
    raw = request(source.choice(METHODS), source.choice(PATHS), ["Connection: close"], version=version)
    return Malformed("a request line", (raw,), whole=version == "HTTP/1.1")


def _headers(source: Random) -> Malformed:
    body = json.dumps({"prompt": CANARY, "model": "none"}).encode()
    raw = ask(body, *source.choices(HEADERS, k=source.randint(1, 4)))
    return Malformed("headers", (raw,), whole=False)


def _chunks(source: Random) -> Malformed:
    sizes = (b"5", b"0", b"-1", b"ffffffffffffffff1", b"5;" + b"x" * 9_000, b"g", b" 5", b"0x5", b"")
    raw = request("POST", "/api/chat", ["Content-Type: application/json", "Transfer-Encoding: chunked"])
    pieces = [source.choice(sizes) + b"\r\n" + b'{"a":' + b"\r\n" for _ in range(source.randint(1, 4))]
    return Malformed("chunks", (raw, *pieces, b"0\r\nTrailer: x\r\n\r\n"), whole=False)


def _smuggled(source: Random) -> Malformed:
    inner = request("GET", "/metrics", ["X-Forwarded-For: 9.9.9.9"])
    headers = ["Content-Type: application/json", *source.choices(HEADERS[:10], k=2)]
    raw = request("POST", source.choice(("/api/chat", "/healthz")), headers, b"0\r\n\r\n" + inner)
    return Malformed("smuggling", (raw,), whole=False)


def _address(source: Random) -> Malformed:
    id_ = source.choice((*WORDS, "g_" + "a" * 26, "ws", "count_tokens", "g_%2e%2e"))
    query = "&".join(
        f"{name}={source.choice(WORDS)}"
        for name in ("after", "buffer", "events", "purge", "x")
        if source.random() < 0.4
    )
    path = f"/api/chat/{id_}{source.choice(('', '/stream', '/stream/', '/x'))}?{query}"
    headers = [f"Last-Event-ID: {source.choice(WORDS)}"] if source.random() < 0.3 else []
    raw = request(
        source.choice(("GET", "DELETE", "POST", "HEAD")),
        path,
        [*headers, "Content-Length: 0", "Connection: close"],
    )
    return Malformed("an address", (raw,))


def _socket(source: Random) -> Malformed:
    key = base64.b64encode(source.randbytes(16)).decode()
    upgrade = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    ]
    if source.random() < 0.2:
        del upgrade[source.randrange(4)]
    messages = (
        *(
            b"{",
            b"[]",
            b'{"request": 1}',
            b'{"request": {"prompt": 1}}',
            b'{"resume": {"id": 1}}',
            b'{"cancel": 1}',
        ),
        *(b'{"resume": {"id": "x", "after": "1-1"}}', b'{"request": {}, "resume": {}}', b"\xff\xfe", b"null"),
    )
    frames = []
    for _ in range(source.randint(1, 3)):
        message = source.choice(messages)
        first = source.choice((0x81, 0x81, 0x81, 0x82, 0x01, 0x80, 0x88, 0x89, 0xF1, 0x83, 0x09))
        length = source.choice((0x80 | len(message), len(message), 0xFE, 0xFF, 0x80))
        mask = source.randbytes(4)
        masked = bytes(each ^ mask[at % 4] for at, each in enumerate(message))
        frames.append(bytes((first, length)) + mask + masked)
    return Malformed("a socket", (request("GET", "/api/chat/ws", upgrade), *frames))


KINDS: tuple[Callable[[Random], Malformed], ...] = (
    *(
        _fields,
        _fields,
        _blocks,
        _blocks,
        _json,
        _bytes,
        _bytes,
        _noise,
        _cut,
        _line,
        _headers,
        _headers,
        _chunks,
    ),
    *(_smuggled, _address, _address, _socket),
)


def malformed(source: Random) -> Malformed:
    """Return the next request that *source* gives."""
    return source.choice(KINDS)(source)
