"""Questions to Claude, asked as the SDK would, without what it makes anew for each.

The SDK copies options, merges headers, builds a request and logs it; httpx looks for credentials, cookies and hooks. That
took more than a seventh of all that a short answer costs (measured), and comes to the same bytes each time.
"""

from functools import cached_property

import anthropic
import httpx2

from app.upstream.exchange import Exchange
from app.upstream.transport import EXCHANGE, Envelope, Transport, response_of


class Questions:
    """Asks for streamed answers.

    Args:
        sdk: What knows the address, the credentials and all else that Claude is told.
        http: What follows redirects.
        transport: What sends, also for *http*.
        timeout: How long connecting may take.
    """

    def __init__(
        self,
        sdk: anthropic.AsyncAnthropic,
        http: httpx2.AsyncClient,
        transport: Transport,
        timeout: httpx2.Timeout,
    ) -> None:
        self._http = http
        self._transport = transport
        said = {**sdk.default_headers, "Accept-Encoding": "identity"}
        headers = {name: value for name, value in said.items() if isinstance(value, str)}
        self._blank = httpx2.Request(
            "POST",
            str(sdk.base_url).rstrip("/") + "/v1/messages",
            headers=httpx2.Headers(headers, encoding="utf-8"),
            extensions={"timeout": timeout.as_dict()},
        )
        del self._blank.headers["Content-Length"]

    @cached_property
    def _envelope(self) -> Envelope:
        return self._transport.envelope(self._blank)

    async def ask(self, body: bytes) -> Exchange:
        """Return Claude's answer to a question with *body*, whatever its status.

        Raises:
            anthropic.APIConnectionError: there is none, as the SDK would say it.
        """
        try:
            envelope = self._envelope
            exchange = await self._transport.send(envelope, envelope.around(body))
            if 300 <= exchange.status < 400:
                await exchange.aclose()
                exchange = await self._ask_elsewhere(body)
        except httpx2.TimeoutException as error:
            raise anthropic.APITimeoutError(self._blank) from error
        except (httpx2.HTTPError, ValueError) as error:  # a ValueError where a proxy's address is none
            raise anthropic.APIConnectionError(request=self._blank) from error
        return exchange

    async def _ask_elsewhere(self, body: bytes) -> Exchange:
        blank = self._blank
        request = httpx2.Request(
            blank.method, blank.url, headers=blank.headers, content=body, extensions=blank.extensions
        )
        exchange: Exchange = (await self._http.send(request, stream=True)).extensions[EXCHANGE]
        return exchange

    async def refused(self, exchange: Exchange) -> httpx2.Response:
        """Return the answer that comes by *exchange*, an error, read to its end.

        Raises:
            httpx2.HTTPError: the connection was lost before.
        """
        response = response_of(exchange)
        response.request = self._blank
        await response.aread()
        return response
