"""The only caller of Claude: a body goes up as the SDK would send it, frames come back; a refusal is a Problem.

The SDK knows how Claude is called (keys, address, headers) and makes the short calls; our decoder owns a stream's
bytes. The SDK's own retries are off: only the caller knows whether a reader has already seen something.
"""

import asyncio
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import anthropic
import httpx2

from app.protocol import jsontext
from app.protocol.errors import (
    Garbled,
    Misconfigured,
    Problem,
    Reset,
    TimedOut,
    Truncated,
    Unreachable,
)
from app.protocol.sse import Decoder, FrameTooLarge
from app.record import Gaps, Record
from app.settings import Settings
from app.upstream.exchange import Exchange
from app.upstream.question import Questions
from app.upstream.refusals import refusal
from app.upstream.silence import Silence
from app.upstream.transport import Transport

logger = logging.getLogger(__name__)

logging.getLogger("anthropic").setLevel(logging.INFO)  # below that it logs whole questions

KEEP_ALIVE_S = 60
"""How long an idle connection to Claude is kept: a new one costs a TLS handshake."""

MAX_PAGES = 10
"""Of a thousand models each."""

SHORTEST_PROMPT = 8
"""A system prompt that is shorter may stand in any sentence."""


class Taker(Protocol):
    """Who is given an answer as it comes, in the callback in which its bytes came, and must not wait."""

    def take(self, frames: bytes) -> bool:
        """Take the *frames* that a read completed; True for enough."""

    def one(self, read: bytes) -> bool:
        """Take what came in one *read* if that is just one more delta, as nearly always; else return False, having done nothing."""


class Upstream:
    """Claude, or whatever speaks its API.

    Args:
        settings: Keys, timeouts, limits.
        base_url: Where to call, None for the SDK's default.
        gaps: Told how long readers waited for what came next.
    """

    def __init__(self, settings: Settings, base_url: str | None, gaps: Gaps) -> None:
        self._gaps = gaps
        self._stall_s = settings.stall_timeout
        self._total_s = settings.total_timeout
        self._connect_s = settings.connect_timeout
        secrets = (settings.api_key, settings.auth_token)
        self._secrets = [secret.get_secret_value() for secret in secrets if secret]
        # Claude's own words may repeat what they are about.
        prompt = settings.system_prompt or ""
        self._unspoken = [*self._secrets, *([prompt] if len(prompt) >= SHORTEST_PROMPT else [])]
        # A stream holds a connection; the hundred are for short calls.
        transport = Transport(settings.max_generations + 100, KEEP_ALIVE_S)
        http = httpx2.AsyncClient(transport=transport, follow_redirects=True)
        # Silence is watched by ``Silence``, for the whole call and with pings told apart.
        timeout = httpx2.Timeout(connect=self._connect_s, pool=self._connect_s, read=None, write=None)
        no_key = None if self._secrets else "none"  # the SDK wants one, also where the upstream does not
        self._client = anthropic.AsyncAnthropic(
            api_key=settings.api_key.get_secret_value() if settings.api_key else no_key,
            auth_token=self._secrets[0] if self._secrets and not settings.api_key else None,
            base_url=base_url,
            max_retries=0,
            timeout=timeout,
            http_client=http,
        )
        transport.stay_at(self._client.base_url)
        self._questions = Questions(self._client, http, transport, timeout)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def stream(self, body: Mapping[str, Any], record: Record, taker: Taker) -> None:
        """Ask for an answer, whose id *record* takes; give *taker* what comes, until the body ends or it has enough.

        Leaving closes the connection, unless the body was read to its end or *taker* said that it has enough and the
        end follows soon.

        Raises:
            Problem: Claude refused, could not be reached, fell silent, the connection was lost, or the body ended
                before *taker* had enough; or what it raised.
        """
        decoder = Decoder()
        answered: dict[str, str | None] = {}
        with _told(answered), self._as_problems(body.get("model")):
            async with Silence(self._stall_s, self._total_s, self._gaps) as silence:
                # Kept in no variable: as it went up, nobody needs a question of megabytes while it is answered.
                exchange = await self._questions.ask(jsontext.render({**body, "stream": True}))
                try:
                    answered["request-id"] = request_id = exchange.header(b"request-id") or None
                    record.answered(request_id)
                    if not 200 <= exchange.status < 300:
                        refused = await self._questions.refused(exchange)
                        raise refusal(refused, body.get("model"), self._without_secrets)
                    _insist_on_event_stream(exchange)

                    enough, one, take = False, taker.one, taker.take

                    def read(data: bytes) -> bool:
                        nonlocal enough
                        if decoder.idle and one(data):
                            silence.flows()
                            return False
                        frames = decoder.whole(data)
                        silence.heard(frames)
                        enough = enough or (frames != b"" and take(frames))
                        return enough

                    await exchange.push(read)
                    if not enough:
                        msg = "Claude's stream ended before the answer was complete. Try again."
                        raise Truncated(msg)
                finally:
                    await exchange.aclose()

    async def count_tokens(self, body: Mapping[str, Any]) -> int:
        """Return Claude's count of input tokens.

        Raises:
            Problem: as for ``stream``.
        """
        with _told({}), self._as_problems(body.get("model")):
            async with asyncio.timeout(self._stall_s):
                answer = await self._client.post(
                    "/v1/messages/count_tokens",
                    content=jsontext.render(body),
                    cast_to=object,
                    options={"headers": {"Content-Type": "application/json"}},
                )
        if not isinstance(answer, dict) or not isinstance(answer.get("input_tokens"), int):
            msg = "Claude's token count is not of the form it must have."
            raise Garbled(msg)
        return int(answer["input_tokens"])

    async def models(self) -> list[dict[str, Any]]:
        """Return all models that Claude lists, as it describes them.

        Raises:
            Problem: as for ``stream``.
        """
        models: list[dict[str, Any]] = []
        after: dict[str, Any] = {}
        with _told({}), self._as_problems(None):
            async with asyncio.timeout(self._connect_s):
                for _ in range(MAX_PAGES):
                    page = await self._client.get(
                        "/v1/models", cast_to=object, options={"params": {"limit": 1000, **after}}
                    )
                    if not isinstance(page, dict) or not isinstance(page.get("data"), list):
                        msg = "Claude's list of models is not of the form it must have."
                        raise Garbled(msg)
                    models += [model for model in page["data"] if _is_model(model)]
                    if not page.get("has_more") or not page.get("last_id"):
                        return models
                    after = {"after_id": page["last_id"]}
        msg = "Claude's list of models does not end."
        raise Garbled(msg)

    @contextmanager
    def _as_problems(self, model: Any) -> Iterator[None]:
        """Turn whatever the SDK and its transport raise into a Problem."""
        try:
            yield
        except anthropic.APIStatusError as error:
            raise refusal(error.response, model, self._without_secrets) from error
        except (anthropic.APITimeoutError, httpx2.TimeoutException, TimeoutError) as error:
            msg = "Claude did not answer in time. Try again."
            unconnected = isinstance(error.__cause__, httpx2.ConnectTimeout)
            raise TimedOut(
                msg, said=f"no connection within {self._connect_s:g} s" if unconnected else ""
            ) from error
        except anthropic.APIConnectionError as error:
            if isinstance(error.__cause__, httpx2.UnsupportedProtocol):
                msg = "The gateway's upstream leads elsewhere. Its operator must look at its address."
                raise Misconfigured(msg, said=str(error.__cause__)) from error
            msg = "Claude cannot be reached. Try again in a moment."
            raise Unreachable(msg, said=self._without_secrets(str(error.__cause__ or ""))) from error
        except httpx2.HTTPError as error:
            msg = "The connection to Claude was lost before the answer was complete. Try again."
            raise Reset(msg) from error
        except Problem as problem:
            # An error inside the stream: Claude's text, which may repeat what it was sent.
            problem.message = self._without_secrets(problem.message)
            problem.said = self._without_secrets(problem.said)
            raise
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            msg = "Claude's answer is not JSON."
            raise Garbled(msg) from error
        except FrameTooLarge as error:
            msg = "Claude's stream holds a frame that is larger than the gateway takes."
            raise Garbled(msg) from error

    def _without_secrets(self, text: str) -> str:
        for unspoken in self._unspoken:
            text = text.replace(unspoken, "…")
        return text


def _is_model(listed: Any) -> bool:
    return isinstance(listed, dict) and isinstance(listed.get("id"), str)


@contextmanager
def _told(headers: Mapping[str, str | None]) -> Iterator[None]:
    """Note Claude's request id, from the *headers* of its answer, on a Problem that is raised inside.

    Log one that is the operator's to set right.
    """
    try:
        yield
    except Problem as problem:
        problem.upstream_request_id = problem.upstream_request_id or headers.get("request-id")
        if isinstance(problem, Misconfigured):
            id_ = problem.upstream_request_id or "unknown"
            logger.error("Claude refuses this gateway (request %s): %s", id_, problem.said)
        raise


def _insist_on_event_stream(answer: Exchange) -> None:
    kind = answer.header(b"content-type")
    encoding = answer.header(b"content-encoding") or "identity"
    if not kind.lower().startswith("text/event-stream") or encoding != "identity":
        msg = "The gateway's upstream does not speak Claude's API. Its operator must look at its address."
        raise Misconfigured(
            msg, said=f"status 200 with {kind[:80]!r} ({encoding[:20]!r}) and no event stream"
        )
