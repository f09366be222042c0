"""Requests in, steps out: the routes of Claude's API."""

from random import Random
from urllib.parse import parse_qs

import orjson

from app.simulator.blocks import Answer, Json
from app.simulator.caching import PromptCache, input_tokens
from app.simulator.composer import Composer
from app.simulator.conversation import conversation
from app.simulator.directives import Directive, parse
from app.simulator.errors import ClaudeError, invalid, of_status
from app.simulator.failures import Failures
from app.simulator.faults import apply, apply_whole
from app.simulator.going_on import Asked, asked_of
from app.simulator.message import Envelope, events, message_json
from app.simulator.models import BY_ID, FALLBACK, MODELS, Model
from app.simulator.pacing import Rhythm, pace
from app.simulator.replies import HTML, STREAM, answered, body, headers, refused
from app.simulator.rules import check
from app.simulator.settings import SimulatorSettings
from app.simulator.steps import End, Head, Step, Steps

MAX_PAGE = 1000


class Claude:
    """Answers requests as Claude would.

    Args:
        settings: How fast it speaks, and what goes wrong.
    """

    def __init__(self, settings: SimulatorSettings) -> None:
        self.settings = settings
        self._failures = Failures()
        self._cache = PromptCache()
        self._served = 0

    def respond(
        self, method: str, path: str, query: str, given: dict[str, str], sent: bytes, now: float
    ) -> Steps:
        """Return the steps of the response to one request."""
        self._served += 1
        request_id = f"req_sim{int(now * 1000):013d}{self._served:06d}"
        try:
            return self._route(method, path, query, given, sent, request_id, now)
        except ClaudeError as error:
            return refused(error, request_id, now)
        except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
            # shapes that no rule names: a client's mistake all the same
            reason = invalid(f"simulator: the request has an unexpected shape ({type(error).__name__})")
            return refused(reason, request_id, now)

    def refuse(self, status: int, now: float) -> Steps:
        """Return the steps for what is no HTTP, or too large."""
        return refused(of_status(status), "req_sim_unread", now)

    def _route(
        self,
        method: str,
        path: str,
        query: str,
        given: dict[str, str],
        sent: bytes,
        request_id: str,
        now: float,
    ) -> Steps:
        self._check_key(given)
        match method, path.rstrip("/"):
            case "POST", "/v1/messages":
                request = _json(sent)
                check(request, beta="anthropic-beta" in given)
                return self._messages(request, request_id, now)
            case "POST", "/v1/messages/count_tokens":
                request = _json(sent)
                check(request, beta="anthropic-beta" in given, counting=True)
                return answered({"input_tokens": input_tokens(request)}, request_id, now)
            case "GET", "/v1/models":
                return answered(_page(query), request_id, now)
            case "GET", str(one) if one.startswith("/v1/models/"):
                return answered(_model(one.removeprefix("/v1/models/")).info(), request_id, now)
            case _, "/v1/messages" | "/v1/messages/count_tokens" | "/v1/models":
                raise ClaudeError("invalid_request_error", f"Method {method} not allowed", 405)
            case _:
                raise of_status(404)

    def _check_key(self, given: dict[str, str]) -> None:
        key = self.settings.require_key
        sent = given.get("x-api-key") or given.get("authorization", "").removeprefix("Bearer ")
        if key is not None and sent != key:
            raise of_status(401)

    def _messages(self, request: Json, request_id: str, now: float) -> Steps:
        so_far = asked_of(conversation(request["messages"]))
        told = so_far.original.directives
        active = self._failures.active(so_far.original, self.settings.faults)
        for each in active:
            if each.name == "status":
                raise _refusal(each)
        model = _model(request["model"])
        if any(each.name == "fallback" for each in active):
            model = BY_ID[FALLBACK]
        ids = Random(request_id)  # noqa: S311 ids, not secrets
        overlap = _overlap((*told, *map(parse, self.settings.faults)))
        seed = self.settings.seed
        answer = Composer(request, model, so_far, active, overlap, seed, ids).answer()
        envelope = Envelope(f"msg_sim{ids.getrandbits(60):015x}", model.id, self._cache.usage(request, now))
        if any(each.name == "html" for each in active):
            return body(HTML, 200, headers(request_id, "text/html", now))
        steps: Steps
        if not request.get("stream"):
            whole: list[Step] = list(answered(message_json(answer, envelope), request_id, now))
            steps = whole
            for each in active:
                steps = apply_whole(steps, each)
            return steps
        steps = self._streamed(answer, envelope, active, so_far, headers(request_id, STREAM, now))
        for each in active:
            steps = apply(steps, each)
        return steps

    def _streamed(
        self,
        answer: Answer,
        envelope: Envelope,
        told: tuple[Directive, ...],
        so_far: Asked,
        given: tuple[tuple[str, str], ...],
    ) -> Steps:
        random = so_far.original.random(self.settings.seed, "pace")
        rhythm = self._rhythm(told, random)
        yield Head(200, given, joined=rhythm.speed == 0)
        yield from pace(events(answer, envelope), rhythm, random)
        yield End()

    def _rhythm(self, told: tuple[Directive, ...], random: Random) -> Rhythm:
        said = {each.name: each.number for each in told if each.name in ("speed", "ttft", "rate")}
        settings = self.settings
        ttft = settings.ttft_s if settings.ttft_s is not None else random.uniform(0.4, 0.9)
        rate = settings.tokens_per_second or random.uniform(30, 80)
        return Rhythm(
            said.get("speed", settings.speed),
            said.get("ttft", ttft),
            said.get("rate", rate) or rate,
            settings.ping_interval_s,
        )


def _refusal(directive: Directive) -> ClaudeError:
    error = of_status(int(directive.words[0]))
    if "retry-after" in directive.options:
        error.headers = (("retry-after", directive.options["retry-after"]),)
    return error


def _overlap(told: tuple[Directive, ...]) -> str:
    """Return how much is said again when an answer goes on: told by a directive of its own, or with a break."""
    for each in told:
        if each.name == "overlap":
            return " ".join(each.words)
        if "overlap" in each.options:
            return each.options["overlap"]
    return ""


def _json(sent: bytes) -> Json:
    try:
        value = orjson.loads(sent)
    except orjson.JSONDecodeError:
        raise invalid("The request body is not valid JSON") from None
    if not isinstance(value, dict):
        raise invalid("Input should be a valid dictionary")
    return value


def _model(name: str) -> Model:
    if name not in BY_ID:
        raise ClaudeError("not_found_error", f"model: {name}", 404)
    return BY_ID[name]


def _page(query: str) -> Json:
    options = {name: values[0] for name, values in parse_qs(query).items()}
    listed = [model.info() for model in MODELS]
    # Claude lists complete ids and, beside them, the aliases that people write.
    listed += [{**model.info(), "id": alias} for model in MODELS for alias in model.aliases]
    if "lifecycle" in options:
        listed = [each for each in listed if each["lifecycle"] == options["lifecycle"]]
    limit = options.get("limit", "20")
    if not limit.isdecimal() or not 1 <= int(limit) <= MAX_PAGE:
        raise invalid(f"limit: Input should be between 1 and {MAX_PAGE}")
    ids = [each["id"] for each in listed]
    start = ids.index(options["after_id"]) + 1 if options.get("after_id") in ids else 0
    end = ids.index(options["before_id"]) if options.get("before_id") in ids else len(ids)
    if "before_id" in options:
        start = max(start, end - int(limit))
    page = listed[start : min(end, start + int(limit))]
    return {
        "data": page,
        "has_more": start > 0 if "before_id" in options else start + len(page) < len(listed),
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
    }
