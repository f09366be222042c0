"""HTTP to Claude, as a transport for the SDK's client: connections are aiohttp's, the ``exchange`` on them is ours.

aiohttp opens and keeps the connections: TLS, proxies (``HTTPS_PROXY`` and its like), pool, limits, connect timeout.
"""

import asyncio
import os
import socket
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx2
from yarl import URL

from app.upstream.exchange import Exchange

EXCHANGE = "gateway.exchange"
"""Extension of a response: its ``Exchange``, which hands out the body as it comes."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is the same of all requests to one address: where they go, and their heads but for the body's length.

    Attributes:
        target: What aiohttp connects by.
        patience: How long that may take.
        head: Request line and headers, credentials among them, without the empty line after them.
    """

    target: aiohttp.ClientRequest
    patience: aiohttp.ClientTimeout
    head: bytes = field(repr=False)

    def around(self, body: bytes) -> bytes:
        """Return a request with *body*."""
        return b"%bContent-Length: %d\r\n\r\n%b" % (self.head, len(body), body)


class Transport(httpx2.AsyncBaseTransport):
    """Sends requests and returns their answers as soon as the head is there.

    Args:
        max_connections: How many there may be at once.
        keep_alive_s: How long an idle one is kept.
    """

    def __init__(self, max_connections: int, keep_alive_s: float) -> None:
        self._max_connections = max_connections
        self._keep_alive_s = keep_alive_s
        # Now, before anybody asks: to read the certificates takes some 40 ms, in which nothing else goes on.
        self._tls = httpx2.create_ssl_context()
        self._home: httpx2.URL | None = None
        self._connector: aiohttp.TCPConnector | None = None
        self._target = lru_cache(16)(_target)  # one, unless Claude's address redirects

    def stay_at(self, home: httpx2.URL) -> None:
        """Send nothing to any other host than that of *home*, nor in the open what TLS hides there.

        Requests carry the key, and redirects may lead anywhere; httpx takes no key but ``Authorization`` off them.
        """
        self._home = home

    def envelope(self, request: httpx2.Request) -> Envelope:
        """Return that of *request*.

        Raises:
            httpx2.LocalProtocolError: a header has a line end in it.
            httpx2.UnsupportedProtocol: it is no address on the web, or not one to send a key to.
        """
        url, home = request.url, self._home
        if url.scheme not in ("http", "https"):
            msg = "no address on the web"
            raise httpx2.UnsupportedProtocol(msg)
        if home and (url.host != home.host or (url.scheme, home.scheme) == ("http", "https")):
            msg = f"it redirects to {url.scheme}://{url.host}, and what asks there would show the key"
            raise httpx2.UnsupportedProtocol(msg)
        target = self._target(f"{url.scheme}://{url.netloc.decode('ascii')}/")
        limit = request.extensions.get("timeout", {})
        patience = aiohttp.ClientTimeout(connect=limit.get("pool"), sock_connect=limit.get("connect"))
        return Envelope(target, patience, _head(request, target))

    async def send(self, envelope: Envelope, request: bytes) -> Exchange:
        """Send *request* where *envelope* says; return what goes on there, once the head of the answer has come.

        Raises:
            httpx2.ConnectTimeout: there was no connection in time.
            httpx2.ConnectError: there was none at all.
            httpx2.RemoteProtocolError: what came is not HTTP, or the connection ended before the head did.
        """
        if self._connector is None:
            self._connector = self._connect()
        try:
            connection = await self._connector.connect(envelope.target, [], envelope.patience)
        except TimeoutError as error:
            msg = "no connection in time"
            raise httpx2.ConnectTimeout(msg) from error
        except (aiohttp.ClientError, OSError) as error:
            # Without its trace, of which aiohttp makes a circle, the question in it.
            raise httpx2.ConnectError(_why(error)) from error.with_traceback(None)
        exchange = Exchange(connection)
        try:
            await exchange.ask(request)
        except BaseException:
            await exchange.aclose()
            raise
        return exchange

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send *request*, for httpx; the body is in the extension ``EXCHANGE``, or read in one piece.

        Raises:
            httpx2.TransportError: as for ``envelope`` and ``send``.
        """
        envelope = self.envelope(request)
        return response_of(await self.send(envelope, b"%b\r\n%b" % (envelope.head, await request.aread())))

    def _connect(self) -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector(
            limit=self._max_connections,
            keepalive_timeout=self._keep_alive_s,
            ssl=self._tls,
            socket_factory=_socket,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        if self._connector is not None:
            await self._connector.close()


def response_of(exchange: Exchange) -> httpx2.Response:
    """Return the answer that comes by *exchange*, as httpx knows answers."""
    extensions = {"http_version": b"HTTP/1.1", EXCHANGE: exchange}
    return httpx2.Response(exchange.status, headers=exchange.headers, stream=exchange, extensions=extensions)


def _target(origin: str) -> aiohttp.ClientRequest:
    """Return what aiohttp connects by: *origin*, and the proxy on the way there that the environment names."""
    url = URL(origin)
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if proxy and (proxy_bypass(url.host or "") or proxy_bypass(f"{url.host}:{url.port}")):
        proxy = None
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    return aiohttp.ClientRequest(
        "POST",
        url,
        loop=asyncio.get_running_loop(),
        proxy=URL(proxy) if proxy else None,
        session=None,  # it serves cookies and redirects, and connecting needs neither
    )


def _why(error: Exception) -> str:
    """Return why there is no connection, in words for the operator, none of them somebody else's."""
    match error:
        case aiohttp.ClientConnectorCertificateError(certificate_error=refused):
            return f"its certificate is not valid here: {getattr(refused, 'verify_message', 'not said why')}"
        case aiohttp.ClientSSLError():
            return "it does not speak TLS as it should"
        case aiohttp.ClientHttpProxyError(status=status):
            return f"the proxy on the way answers with status {status}"
        case aiohttp.ClientConnectorDNSError():
            return "its name is not known"
        case aiohttp.ClientConnectorError(os_error=OSError(errno=int(number))):
            where = "the proxy on the way: " if isinstance(error, aiohttp.ClientProxyConnectionError) else ""
            return where + os.strerror(number)
        case _:
            return type(error).__name__


def _head(request: httpx2.Request, target: aiohttp.ClientRequest) -> bytes:
    path = request.url.raw_path
    lines = [b"%b: %b" % header for header in request.headers.raw]
    if target.proxy and not target.is_ssl():  # a proxy that is not only tunnelled through (RFC 9112, §3.2.2)
        path = str(request.url).encode("ascii")
        if target.proxy.user:
            login = aiohttp.encode_basic_auth(target.proxy.user, target.proxy.password or "")
            lines.append(b"Proxy-Authorization: " + login.encode())
    lines.insert(0, b"%b %b HTTP/1.1" % (request.method.encode("ascii"), path))
    head = b"\r\n".join([*lines, b""])
    if b"\0" in head or not head.count(b"\r") == head.count(b"\n") == len(lines):
        msg = "a header has a line end in it"
        raise httpx2.LocalProtocolError(msg)
    return head


def _socket(address: Any) -> socket.socket:
    """Return a socket whose kernel notices a peer that has silently gone."""
    family, kind, protocol, _, _ = address
    new = socket.socket(family, kind, protocol)
    new.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 60), ("TCP_KEEPCNT", 5)):
        if hasattr(socket, name):  # not on every system
            new.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return new
