"""What is between a public address and the gateway: does it hold answers back, compress, cut or change them?

Each finding is a row of ``check``'s table: its name, whether it is as it should be, and what to change if not. Answers
are ``diagnosis``'s own; no model is asked.
"""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp

from app.checks.table import Row
from app.checks.way import ANSWER_S, PATIENT, PLAIN, NotThere, Read, Way, refusal
from app.diagnosis import DELTAS
from app.request.chat import CHECK_MODEL

LUMPS = DELTAS // 2
"""Ten deltas 100 ms apart come in ten pieces, a few less where something is slow. In fewer than this they were held."""

SQUEEZABLE = {"Accept-Encoding": "gzip, deflate, br"}

UNBUFFERED = (
    "nginx: proxy_buffering off in the location of /api/, and no X-Accel-Buffering in proxy_ignore_headers; "
    "a CDN: no buffering or caching of /api/"
)
UNCOMPRESSED = (
    "nginx: gzip off (brotli off) in the location of /api/; a CDN: no compression of text/event-stream"
)
UPGRADED = "nginx: proxy_http_version 1.1, proxy_set_header Upgrade $http_upgrade and Connection upgrade in the location of /api/"
HTTP_VERSION = 'nginx: proxy_http_version 1.1 and proxy_set_header Connection ""'
SCHEME = "nginx: proxy_set_header X-Forwarded-Proto $scheme; the gateway: this proxy's address in GATEWAY_TRUSTED_PROXIES"
PASSED_ON = "the proxy must pass this header of the request on; nginx: no proxy_pass_request_headers off, no proxy_set_header that empties it"
LEFT_ALONE = "nginx: no proxy_hide_header for them, proxy_redirect off; a CDN: no rule that rewrites them"


async def probe(url: str, token: str | None, silence_s: int) -> list[Row]:
    """Return what reading answers through *url* shows.

    Args:
        url: The public address.
        token: An access token, where people sign in.
        silence_s: How long to sit through nothing but keep-alives; 0 leaves that out.
    """
    async with Way.open(url, token) as way:
        look = _Look(way)
        try:
            await way.reach()
            pace, key = await way.pace()
            findings = [look.judge(pace)]
        except NotThere as problem:
            return [Row("way", False, str(problem))]
        later: list[Callable[[], Awaitable[list[Row]]]] = [
            lambda: look.again(pace, key),
            lambda: look.resumed(pace),
            look.socket,
            look.metrics,
        ]
        if silence_s:
            later += [lambda: look.silent_stream(silence_s), lambda: look.silent_answer(silence_s)]
        findings += await asyncio.gather(*(_told(each) for each in later))
        return [Row("way", True, f"{url} leads to a gateway"), *(row for rows in findings for row in rows)]


async def _told(look: Callable[[], Awaitable[list[Row]]]) -> list[Row]:
    try:
        return await look()
    except NotThere as problem:
        return [Row("way", False, str(problem))]


class _Look:
    def __init__(self, way: Way) -> None:
        self._way = way

    def judge(self, read: Read) -> list[Row]:
        """Return what one answer that came in its own time shows.

        Raises:
            NotThere: it is not the gateway's.
        """
        rows = [_compression("POST", read)]
        if "content-encoding" not in read.headers:
            held = read.lumps < LUMPS
            said = f"{DELTAS} deltas, pieces they came in: {read.lumps}"
            rows.append(Row("not held back", not held, f"{said}: {UNBUFFERED}" if held else said))
            saw = read.saw()
            late = saw["http"] == "1.0"
            rows.append(Row("HTTP/1.1 inside", not late, HTTP_VERSION if late else f"HTTP/{saw['http']}"))
            if self._way.secure:
                said = f"you are {saw['address']}" if saw["secure"] else SCHEME
                rows.append(Row("TLS is known", saw["secure"], said))
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
        return [*rows, Row("headers", not wrong, said)]

    async def again(self, first: Read, key: str) -> list[Row]:
        read = await self._way.post("pace", {**SQUEEZABLE, "Idempotency-Key": key}, ANSWER_S)
        same = read.headers.get("x-chat-id") == first.headers.get("x-chat-id")
        return [
            _compression("POST, gzip offered", read),
            Row("Idempotency-Key", same, "came through" if same else f"did not come through: {PASSED_ON}"),
        ]

    async def resumed(self, first: Read) -> list[Row]:
        path = f"/api/chat/{first.headers.get('x-chat-id')}/stream"
        after = first.ids[len(first.ids) // 2] if first.ids else "0"
        rows = []
        async with self._way.ask("GET", path, SQUEEZABLE, ANSWER_S) as answer:
            rows.append(_compression("GET, gzip offered", await self._way.read(answer)))
        if first.ids:
            async with self._way.ask("GET", path, {**PLAIN, "Last-Event-ID": after}, ANSWER_S) as answer:
                passed = first.ids[0] not in (await self._way.read(answer)).ids
            said = "came through" if passed else f"did not come through: {PASSED_ON}"
            rows.append(Row("Last-Event-ID", passed, said))
        return rows

    async def silent_stream(self, seconds: int) -> list[Row]:
        name = f"{seconds} s of silence"
        try:
            read = await self._way.post(f"silence {seconds}", PLAIN, seconds + ANSWER_S)
        except NotThere as problem:
            said = str(problem)
            return [Row(name, False, said if PATIENT in said else f"{said}: {PATIENT}")]
        return [Row(name, True, f"not cut, {read.keep_alives} keep-alives")]

    async def silent_answer(self, seconds: int) -> list[Row]:
        name = f"{seconds} s for one message"
        body = {"model": CHECK_MODEL, "prompt": f"silence {seconds}", "stream": False}
        try:
            async with self._way.ask("POST", "/api/chat", PLAIN, seconds + ANSWER_S, body) as answer:
                if answer.status != 200:
                    return [Row(name, False, f"{await refusal(answer)}: {PATIENT}")]
                await answer.read()
        except NotThere as problem:
            return [Row(name, False, f"{problem}: {PATIENT}")]
        return [Row(name, True, "not cut")]

    async def socket(self) -> list[Row]:
        try:
            async with (
                asyncio.timeout(ANSWER_S),
                self._way.session.ws_connect(f"{self._way.url}/api/chat/ws", headers=self._way.own) as socket,
            ):
                await socket.send_json({"request": {"model": CHECK_MODEL, "prompt": "pace"}})
                said = [message.data async for message in socket if message.type is aiohttp.WSMsgType.TEXT]
                works = bool(said) and said[-1] == '"[DONE]"'
                return [Row("WebSocket", works, "works" if works else f"was cut: {PATIENT}")]
        except aiohttp.WSServerHandshakeError as error:
            return [Row("WebSocket", False, f"was not opened ({error.status}): {UPGRADED}")]
        except (aiohttp.ClientError, TimeoutError):
            return [Row("WebSocket", False, f"was not opened: {UPGRADED}")]

    async def metrics(self) -> list[Row]:
        try:
            async with (
                asyncio.timeout(ANSWER_S),
                self._way.session.get(f"{self._way.url}/metrics", allow_redirects=False) as answer,
            ):
                shown = answer.status == 200 and b"# HELP" in await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            shown = False
        said = "this address shows them without a token; if it is public: nginx: location /metrics { return 404; }"
        return [Row("metrics", not shown, said if shown else "not shown")]


def _compression(name: str, read: Read) -> Row:
    encoding = read.headers.get("content-encoding")
    said = f"{encoding}: {UNCOMPRESSED}" if encoding else "none"
    return Row(f"compression ({name})", encoding is None, said)
