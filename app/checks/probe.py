"""What is between a public address and the gateway: does it hold answers back, compress, cut or change them?

Each finding is a row of ``check``'s table: its name, whether it is as it should be, and what to change if not. Answers
are ``diagnosis``'s own; no model is asked.
"""

import asyncio
import json
import secrets
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from app.diagnosis import DELTAS
from app.request import CHECK_MODEL

Row = tuple[str, bool, str]

LUMPS = DELTAS // 2
"""Ten deltas 100 ms apart come in ten pieces, a few less where something is slow. In fewer than this they were held."""

CONNECT_S = 10
ANSWER_S = 20
"""How long an answer that takes one second may take."""

PLAIN = {"Accept-Encoding": "identity"}
SQUEEZABLE = {"Accept-Encoding": "gzip, deflate, br"}

UNBUFFERED = (
    "nginx: proxy_buffering off in the location of /api/, and no X-Accel-Buffering in proxy_ignore_headers; "
    "a CDN: no buffering or caching of /api/"
)
UNCOMPRESSED = (
    "nginx: gzip off (brotli off) in the location of /api/; a CDN: no compression of text/event-stream"
)
UPGRADED = "nginx: proxy_http_version 1.1, proxy_set_header Upgrade $http_upgrade and Connection upgrade in the location of /api/"
VERSION = 'nginx: proxy_http_version 1.1 and proxy_set_header Connection ""'
SCHEME = "nginx: proxy_set_header X-Forwarded-Proto $scheme; the gateway: this proxy's address in GATEWAY_TRUSTED_PROXIES"
PATIENT = (
    "nginx: proxy_read_timeout above GATEWAY_PING_INTERVAL (75s for 15 s) in the location of /api/, and 3600s in that of "
    '/api/chat, where "stream": false is silent to its end; a load balancer or CDN: its idle and request timeouts'
)
PASSED_ON = "the proxy must pass this header of the request on; nginx: no proxy_pass_request_headers off, no proxy_set_header that empties it"
LEFT_ALONE = "nginx: no proxy_hide_header for them, proxy_redirect off; a CDN: no rule that rewrites them"


class NotThere(Exception):
    """The answer is not one that the gateway gave, or not the one that was asked for; its text says what it was."""


@dataclass
class Read:
    """An event stream as it came.

    Attributes:
        headers: Of the answer.
        lumps: How many pieces that held text came one after the other.
        texts: The text of each delta.
        ids: Of all events.
        keep_alives: How many came.
        whole: Whether it ended in [DONE].
    """

    headers: dict[str, str]
    lumps: int = 0
    texts: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    keep_alives: int = 0
    whole: bool = False

    def take(self, frame: str) -> bool:
        """Note one frame; return whether it held text."""
        fields = dict(line.split(": ", 1) for line in frame.split("\n") if ": " in line[1:])
        if frame.startswith(":"):
            self.keep_alives += 1
        data = fields.get("data")
        self.whole = self.whole or data == "[DONE]"
        if data is None or data == "[DONE]":
            return False
        event = json.loads(data)
        self.ids.append(fields["id"])
        if event["type"] == "text":
            self.texts.append(event["text"])
        return bool(event["type"] == "text")


async def probe(url: str, token: str | None, silence_s: int) -> list[Row]:
    """Return what reading answers through *url* shows.

    Args:
        url: The public address.
        token: An access token, where people sign in.
        silence_s: How long to sit through nothing but keep-alives; 0 leaves that out.
    """
    async with _Way.open(url, token) as way:
        try:
            await way.reach()
            pace, key = await way.pace()
        except NotThere as problem:
            return [("way", False, str(problem))]
        findings = [way.judge(pace)]
        later: list[Callable[[], Awaitable[list[Row]]]] = [
            lambda: way.again(pace, key),
            lambda: way.resumed(pace),
            way.socket,
            way.metrics,
        ]
        if silence_s:
            later += [lambda: way.silent_stream(silence_s), lambda: way.silent_answer(silence_s)]
        findings += await asyncio.gather(*(_told(each) for each in later))
        return [("way", True, f"{url} leads to a gateway"), *(row for rows in findings for row in rows)]


async def _told(look: Callable[[], Awaitable[list[Row]]]) -> list[Row]:
    try:
        return await look()
    except NotThere as problem:
        return [("way", False, str(problem))]


class _Way:
    def __init__(self, session: aiohttp.ClientSession, url: str, token: str | None) -> None:
        self._session = session
        self._url = url
        self._secure = url.startswith("https://")
        self._origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        self._own = {"Origin": self._origin} | ({"Authorization": f"Bearer {token}"} if token else {})

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, token: str | None) -> AsyncIterator["_Way"]:
        patience = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
        async with aiohttp.ClientSession(auto_decompress=False, timeout=patience) as session:
            yield cls(session, url, token)

    @asynccontextmanager
    async def _ask(
        self, method: str, path: str, headers: dict[str, str], within_s: float, body: Any = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Give an answer of the gateway's.

        Raises:
            NotThere: there is none, or it ends before it should.
        """
        said = {**self._own, **headers}
        try:
            async with (
                asyncio.timeout(within_s),
                self._session.request(
                    method, self._url + path, headers=said, json=body, allow_redirects=False
                ) as answer,
            ):
                yield answer
        except aiohttp.ClientConnectorCertificateError as error:
            msg = f"the certificate is not valid for {self._url}: {error.certificate_error}"
            raise NotThere(msg) from error
        except (aiohttp.ClientSSLError, ssl.SSLError) as error:
            msg = f"{self._url} does not speak TLS as it should: {type(error).__name__}"
            raise NotThere(msg) from error
        except aiohttp.ClientConnectorError as error:
            msg = f"{self._url} cannot be reached: {error.os_error.strerror or error.os_error}"
            raise NotThere(msg) from error
        except TimeoutError as error:
            msg = f"{method} {path}: not answered to the end within {within_s:g} s"
            raise NotThere(msg) from error
        except aiohttp.ClientError as error:
            msg = f"{method} {path}: cut off in the middle of the answer"
            raise NotThere(msg) from error

    async def reach(self) -> None:
        async with self._ask("GET", "/healthz", PLAIN, ANSWER_S) as answer:
            body = await answer.read()
            if answer.status in (301, 302, 307, 308):
                msg = f"{self._url} leads elsewhere, to {answer.headers.get('Location', '')}: check that address"
                raise NotThere(msg)
            if answer.status != 200 or body != b'{"status":"alive"}':
                msg = (
                    f"{self._url}/healthz is answered by something else ({answer.status}): its proxy must lead "
                    "this address to the gateway, and the gateway must run"
                )
                raise NotThere(msg)

    async def pace(self) -> tuple[Read, str]:
        """Return ten deltas as they came, and the Idempotency-Key they were asked for with."""
        key = secrets.token_hex(12)
        return await self._post("pace", {**PLAIN, "Idempotency-Key": key}, ANSWER_S), key

    async def _post(self, prompt: str, headers: dict[str, str], within_s: float) -> Read:
        body = {"model": CHECK_MODEL, "prompt": prompt}
        async with self._ask("POST", "/api/chat", headers, within_s, body) as answer:
            return await self._read(answer)

    async def _read(self, answer: aiohttp.ClientResponse) -> Read:
        if answer.status != 200:
            raise NotThere(await _refusal(answer))
        read = Read({name.lower(): value for name, value in answer.headers.items()})
        if "content-encoding" in read.headers:
            return read  # nothing more to be seen in it
        rest = ""
        async for piece in answer.content.iter_any():
            *frames, rest = (rest + piece.decode("utf-8", "replace")).split("\n\n")
            held_text = [read.take(frame) for frame in frames]
            read.lumps += any(held_text)
        if not read.whole:
            msg = f"{answer.method} {answer.url.path}: cut off before the end of the stream: {PATIENT}"
            raise NotThere(msg)
        return read

    def judge(self, read: Read) -> list[Row]:
        """Return what one answer that came in its own time shows."""
        rows = [_compression("POST", read)]
        if "content-encoding" not in read.headers:
            held = read.lumps < LUMPS
            said = f"{DELTAS} deltas, pieces they came in: {read.lumps}"
            rows.append(("not held back", not held, f"{said}: {UNBUFFERED}" if held else said))
            saw = json.loads(read.texts[0])
            late = saw["http"] == "1.0"
            rows.append(("HTTP/1.1 inside", not late, VERSION if late else f"HTTP/{saw['http']}"))
            if self._secure:
                rows.append(
                    ("TLS is known", saw["secure"], f"you are {saw['address']}" if saw["secure"] else SCHEME)
                )
        expected = {
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-store",
            "x-request-id": None,
            "x-chat-id": None,
            "location": f"/api/chat/{read.headers.get('x-chat-id')}",
        }
        wrong = [
            name
            for name, value in expected.items()
            if read.headers.get(name) is None or value not in (None, read.headers[name])
        ]
        said = (
            f"missing or changed: {', '.join(wrong)}: {LEFT_ALONE}" if wrong else "as the gateway sent them"
        )
        return [*rows, ("headers", not wrong, said)]

    async def again(self, first: Read, key: str) -> list[Row]:
        read = await self._post("pace", {**SQUEEZABLE, "Idempotency-Key": key}, ANSWER_S)
        same = read.headers.get("x-chat-id") == first.headers.get("x-chat-id")
        return [
            _compression("POST, gzip offered", read),
            ("Idempotency-Key", same, "came through" if same else f"did not come through: {PASSED_ON}"),
        ]

    async def resumed(self, first: Read) -> list[Row]:
        path = f"/api/chat/{first.headers.get('x-chat-id')}/stream"
        after = first.ids[len(first.ids) // 2] if first.ids else "0"
        rows = []
        async with self._ask("GET", path, SQUEEZABLE, ANSWER_S) as answer:
            rows.append(_compression("GET, gzip offered", await self._read(answer)))
        if first.ids:
            async with self._ask("GET", path, {**PLAIN, "Last-Event-ID": after}, ANSWER_S) as answer:
                passed = first.ids[0] not in (await self._read(answer)).ids
            rows.append(
                ("Last-Event-ID", passed, "came through" if passed else f"did not come through: {PASSED_ON}")
            )
        return rows

    async def silent_stream(self, seconds: int) -> list[Row]:
        name = f"{seconds} s of silence"
        try:
            read = await self._post(f"silence {seconds}", PLAIN, seconds + ANSWER_S)
        except NotThere as problem:
            return [(name, False, f"{problem}: {PATIENT}" if PATIENT not in str(problem) else str(problem))]
        return [(name, True, f"not cut, {read.keep_alives} keep-alives")]

    async def silent_answer(self, seconds: int) -> list[Row]:
        name = f"{seconds} s for one message"
        body = {"model": CHECK_MODEL, "prompt": f"silence {seconds}", "stream": False}
        try:
            async with self._ask("POST", "/api/chat", PLAIN, seconds + ANSWER_S, body) as answer:
                if answer.status != 200:
                    return [(name, False, f"{await _refusal(answer)}: {PATIENT}")]
                await answer.read()
        except NotThere as problem:
            return [(name, False, f"{problem}: {PATIENT}")]
        return [(name, True, "not cut")]

    async def socket(self) -> list[Row]:
        try:
            async with (
                asyncio.timeout(ANSWER_S),
                self._session.ws_connect(f"{self._url}/api/chat/ws", headers=self._own) as socket,
            ):
                await socket.send_json({"request": {"model": CHECK_MODEL, "prompt": "pace"}})
                said = [message.data async for message in socket if message.type is aiohttp.WSMsgType.TEXT]
                works = bool(said) and said[-1] == '"[DONE]"'
                return [("WebSocket", works, "works" if works else f"was cut: {PATIENT}")]
        except aiohttp.WSServerHandshakeError as error:
            return [("WebSocket", False, f"was not opened ({error.status}): {UPGRADED}")]
        except (aiohttp.ClientError, TimeoutError):
            return [("WebSocket", False, f"was not opened: {UPGRADED}")]

    async def metrics(self) -> list[Row]:
        try:
            async with (
                asyncio.timeout(ANSWER_S),
                self._session.get(f"{self._url}/metrics", allow_redirects=False) as answer,
            ):
                shown = answer.status == 200 and b"# HELP" in await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            shown = False
        said = "this address shows them without a token; if it is public: nginx: location /metrics { return 404; }"
        return [("metrics", not shown, said if shown else "not shown")]


def _compression(name: str, read: Read) -> Row:
    encoding = read.headers.get("content-encoding")
    said = f"{encoding}: {UNCOMPRESSED}" if encoding else "none"
    return (f"compression ({name})", encoding is None, said)


async def _refusal(answer: aiohttp.ClientResponse) -> str:
    """Return why there is another answer than the one that was asked for."""
    asked = f"{answer.method} {answer.url.path}"
    try:
        told = json.loads(await answer.read())["error"]["message"]
    except (ValueError, KeyError, TypeError):
        return f"{asked}: {answer.status} from something before the gateway"
    if answer.status == 401:
        return f"{asked}: {told} Put an access token into CHECK_TOKEN."
    if answer.status == 403:
        return (
            f"{asked}: {told} If this address is the gateway's own: nginx: proxy_set_header Host $http_host"
        )
    return f"{asked}: {answer.status}: {told}"
