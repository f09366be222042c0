"""The way from a public address to the gateway: asks there, and reads what comes as it comes."""

import asyncio
import json
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from app.request.chat import CHECK_MODEL

CONNECT_S = 10
ANSWER_S = 20
"""How long an answer that takes one second may take."""

PLAIN = {"Accept-Encoding": "identity"}
PATIENT = (
    "nginx: proxy_read_timeout above GATEWAY_PING_INTERVAL (75s for 15 s) in the location of /api/, and 3600s in that of "
    '/api/chat, where "stream": false is silent to its end; a load balancer or CDN: its idle and request timeouts'
)


CHANGED = (
    "answers come, but not as the gateway gives them: something on the way writes them anew, and must not"
)


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

    def saw(self) -> dict[str, Any]:
        """Return what the gateway saw of the request, with which its answer begins (``diagnosis``).

        Raises:
            NotThere: the answer begins with something else.
        """
        try:
            # On a slow way the deltas behind it may come joined to it.
            saw, _ = json.JSONDecoder().raw_decode("".join(self.texts))
        except ValueError as error:
            raise NotThere(CHANGED) from error
        return dict(saw)

    def take(self, frame: str) -> bool:
        """Note one frame; return whether it held text.

        Raises:
            NotThere: it is none of the gateway's.
        """
        fields = dict(line.split(": ", 1) for line in frame.split("\n") if ": " in line[1:])
        if frame.startswith(":"):
            self.keep_alives += 1
        data = fields.get("data")
        self.whole = self.whole or data == "[DONE]"
        if data is None or data == "[DONE]":
            return False
        try:
            event = json.loads(data)
            self.ids.append(fields["id"])
            if event["type"] == "text":
                self.texts.append(event["text"])
            return bool(event["type"] == "text")
        except (ValueError, LookupError, TypeError) as error:
            raise NotThere(CHANGED) from error


class Way:
    """The way from *url*; *token* is an access token, where people sign in. To be had by ``open``."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str | None) -> None:
        self.session = session
        self.url = url
        self.secure = url.startswith("https://")
        self._origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        self.own = {"Origin": self._origin} | ({"Authorization": f"Bearer {token}"} if token else {})

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, token: str | None) -> AsyncIterator["Way"]:
        """Give the way from *url*, and let go of its connections at the end."""
        patience = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
        async with aiohttp.ClientSession(auto_decompress=False, timeout=patience) as session:
            yield cls(session, url, token)

    @asynccontextmanager
    async def ask(
        self, method: str, path: str, headers: dict[str, str], within_s: float, body: Any = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Give an answer of the gateway's.

        Raises:
            NotThere: there is none, or it ends before it should.
        """
        said = {**self.own, **headers}
        try:
            async with (
                asyncio.timeout(within_s),
                self.session.request(
                    method, self.url + path, headers=said, json=body, allow_redirects=False
                ) as answer,
            ):
                yield answer
        except aiohttp.ClientConnectorCertificateError as error:
            msg = f"the certificate is not valid for {self.url}: {error.certificate_error}"
            raise NotThere(msg) from error
        except (aiohttp.ClientSSLError, ssl.SSLError) as error:
            msg = f"{self.url} does not speak TLS as it should: {type(error).__name__}"
            raise NotThere(msg) from error
        except aiohttp.ClientConnectorError as error:
            msg = f"{self.url} cannot be reached: {error.os_error.strerror or error.os_error}"
            raise NotThere(msg) from error
        except TimeoutError as error:
            msg = f"{method} {path}: not answered to the end within {within_s:g} s"
            raise NotThere(msg) from error
        except aiohttp.ClientError as error:
            msg = f"{method} {path}: cut off in the middle of the answer"
            raise NotThere(msg) from error

    async def reach(self) -> None:
        """See that there is a gateway at its end.

        Raises:
            NotThere: there is none.
        """
        async with self.ask("GET", "/healthz", PLAIN, ANSWER_S) as answer:
            body = await answer.read()
            if answer.status in (301, 302, 307, 308):
                msg = (
                    f"{self.url} leads elsewhere, to {answer.headers.get('Location', '')}: check that address"
                )
                raise NotThere(msg)
            if answer.status != 200 or body != b'{"status":"alive"}':
                msg = (
                    f"{self.url}/healthz is answered by something else ({answer.status}): its proxy must lead "
                    "this address to the gateway, and the gateway must run"
                )
                raise NotThere(msg)

    async def pace(self) -> tuple[Read, str]:
        """Return ten deltas as they came, and the Idempotency-Key they were asked for with."""
        key = secrets.token_hex(12)
        return await self.post("pace", {**PLAIN, "Idempotency-Key": key}, ANSWER_S), key

    async def post(self, prompt: str, headers: dict[str, str], within_s: float) -> Read:
        """Return what the gateway's own answer to *prompt* brings (``diagnosis``)."""
        body = {"model": CHECK_MODEL, "prompt": prompt}
        async with self.ask("POST", "/api/chat", headers, within_s, body) as answer:
            return await self.read(answer)

    async def read(self, answer: aiohttp.ClientResponse) -> Read:
        """Return the event stream of *answer*, as it comes.

        Raises:
            NotThere: it is no such thing, was changed or cut.
        """
        if answer.status != 200:
            raise NotThere(await refusal(answer))
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


async def refusal(answer: aiohttp.ClientResponse) -> str:
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
