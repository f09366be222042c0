"""Requests in, steps out: the routes of Claude's API."""

from collections import OrderedDict
from random import Random
from typing import Any
from urllib.parse import parse_qs

import orjson

from app.simulator.answers import prose, thought
from app.simulator.blocks import Answer, Block, Call, Json, Text, Thinking, Whole
from app.simulator.conversation import Conversation, conversation
from app.simulator.directives import BREAKS, Directive, parse
from app.simulator.errors import ClaudeError, error_body, invalid, of_status
from app.simulator.faults import apply
from app.simulator.message import Envelope, events, message_json
from app.simulator.models import BY_ID, MODELS, Model
from app.simulator.pacing import Rhythm, pace
from app.simulator.rules import check
from app.simulator.settings import SimulatorSettings
from app.simulator.signatures import sign
from app.simulator.steps import End, Head, Send, Step, Steps
from app.simulator.tokens import estimated_tokens, pieces

MAX_COUNTED = 10_000
"""Prompts whose faults are counted; the oldest are forgotten."""


class Claude:
    """Answers requests as Claude would.

    Args:
        settings: How fast it speaks, and what goes wrong.
    """

    def __init__(self, settings: SimulatorSettings) -> None:
        self.settings = settings
        self._failed: OrderedDict[str, int] = OrderedDict()
        self._served = 0

    def respond(
        self, method: str, path: str, query: str, headers: dict[str, str], body: bytes, now: float
    ) -> Steps:
        """Return the steps of the response to one request."""
        self._served += 1
        request_id = f"req_sim{int(now * 1000):013d}{self._served:06d}"
        try:
            return self._route(method, path, query, headers, body, request_id)
        except ClaudeError as error:
            return _refused(error, request_id)

    def refuse(self, status: int) -> Steps:
        """Return the steps for what is no HTTP, or too large."""
        return _refused(of_status(status), "req_sim_unread")

    def _route(
        self, method: str, path: str, query: str, headers: dict[str, str], body: bytes, request_id: str
    ) -> Steps:
        self._check_key(headers)
        match method, path.rstrip("/"):
            case "POST", "/v1/messages":
                return self._messages(_json(body), request_id)
            case "POST", "/v1/messages/count_tokens":
                asked = _json(body)
                check(asked, counting=True)
                return _answered({"input_tokens": _input_tokens(asked)}, request_id)
            case "GET", "/v1/models":
                return _answered(_page(query), request_id)
            case "GET", str(one) if one.startswith("/v1/models/"):
                return _answered(_model(one.removeprefix("/v1/models/")).info(), request_id)
            case _, "/v1/messages" | "/v1/messages/count_tokens" | "/v1/models":
                raise ClaudeError("invalid_request_error", f"Method {method} not allowed", 405)
            case _:
                raise of_status(404)

    def _check_key(self, headers: dict[str, str]) -> None:
        key = self.settings.require_key
        given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        if key is not None and given != key:
            raise of_status(401)

    def _messages(self, asked: Json, request_id: str) -> Steps:
        check(asked)
        talk = conversation(asked["messages"])
        original = _original(talk)
        directives = original.directives
        for fault in self.settings.faults:
            wanted = parse(fault)
            if self._served % wanted.integer("every", 1) == 0:
                directives = (*directives, wanted)
        active = [each for each in directives if self._still_fails(each, original)]
        for each in active:
            if each.name == "status":
                error = of_status(int(each.words[0]))
                if "retry-after" in each.options:
                    error.headers = (("retry-after", each.options["retry-after"]),)
                raise error
        model = _model(asked["model"])
        random = original.random(self.settings.seed)
        answer = _Composer(asked, model, talk, original, directives, random).answer()
        usage = {
            "input_tokens": _input_tokens(asked),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "service_tier": "standard",
        }
        envelope = Envelope(f"msg_sim{random.getrandbits(60):015x}", model.id, usage)
        if not asked.get("stream"):
            return _answered(message_json(answer, envelope), request_id)
        if any(each.name == "html" for each in active):
            return _body(b"<!doctype html><h1>Welcome to the proxy</h1>", "text/html", 200, request_id)
        rhythm = self._rhythm(directives, random)
        head = Head(200, _headers(request_id, "text/event-stream; charset=utf-8"), joined=rhythm.speed == 0)
        steps: Steps = (
            step
            for part in ((head,), pace(events(answer, envelope), rhythm, random), (End(),))
            for step in part
        )
        for each in active:
            steps = apply(steps, each)
        return steps

    def _rhythm(self, directives: tuple[Directive, ...], random: Random) -> Rhythm:
        said = {each.name: each.number for each in directives if each.name in ("speed", "ttft", "rate")}
        settings = self.settings
        ttft = settings.ttft_s if settings.ttft_s is not None else random.uniform(0.4, 0.9)
        rate = settings.tokens_per_second or random.uniform(30, 80)
        return Rhythm(
            said.get("speed", settings.speed),
            said.get("ttft", ttft),
            said.get("rate", rate) or rate,
            settings.ping_interval_s,
        )

    def _still_fails(self, directive: Directive, talk: Conversation) -> bool:
        """Count what goes wrong for a prompt: ``times``, then well, then from the start again."""
        if directive.name not in BREAKS:
            return True
        key = f"{directive}\0{talk.prompt}"
        failed = self._failed.pop(key, 0)
        fails = failed < directive.integer("times", 1)
        self._failed[key] = failed + 1 if fails else 0
        while len(self._failed) > MAX_COUNTED:
            self._failed.popitem(last=False)
        return fails


class _Composer:
    """Decides what is said to one request."""

    def __init__(
        self,
        asked: Json,
        model: Model,
        talk: Conversation,
        original: Conversation,
        directives: tuple[Directive, ...],
        random: Random,
    ) -> None:
        self._asked = asked
        self._model = model
        self._talk = talk
        self._original = original
        self._named = {each.name: each for each in directives}
        self._random = random

    def answer(self) -> Answer:
        """Return the answer."""
        if "refusal" in self._named:
            details = {"type": "refusal", "category": "general_harms", "explanation": "Simulated refusal."}
            return Answer((), "refusal", stop_details=details)
        blocks: list[Block] = self._thinking()
        calls = self._calls()
        if calls:
            return self._bounded(Answer((*blocks, Text("Let me look that up."), *calls), "tool_use"))
        long = self._named.get("long")
        text = prose(self._original, self._random, long.integer("words", 800) if long else 0)
        if said := _partial(self._talk):
            text = self._rest(text, said)
        if "unknown-block" in self._named:
            blocks.append(Whole({"type": "hologram", "beam": {"width": 3}, "frames": [1, 2]}))
        blocks.append(Text(text, self._citations()))
        return self._bounded(Answer(tuple(blocks)))

    def _thinking(self) -> list[Block]:
        config = self._asked.get("thinking") or {"type": "adaptive" if self._model.thinks else "disabled"}
        if config.get("type") == "disabled":
            return []
        reasoning = thought(self._original)
        shown = config.get("display", self._model.display) == "summarized"
        text = reasoning if shown else ""
        signature = sign(text, self._random.randbytes(12))
        blocks: list[Block] = [Thinking(reasoning, text, signature)]
        if "redacted" in self._named:
            blocks.append(Whole({"type": "redacted_thinking", "data": self._random.randbytes(60).hex()}))
        return blocks

    def _calls(self) -> list[Call]:
        tools = {tool["name"]: tool for tool in self._asked.get("tools", ()) if "input_schema" in tool}
        choice = (self._asked.get("tool_choice") or {}).get("type", "auto")
        if not tools or choice == "none" or self._talk.tool_rounds:
            return []
        wanted = self._named.get("tools")
        question = self._original.question.lower()
        if wanted:
            names = [name for name in wanted.words[0].split(",") if name in tools]
        else:
            names = [
                name
                for name in tools
                if any(part in question for part in name.lower().split("_") if len(part) > 3)
            ]
        if not names and choice in ("any", "tool"):
            names = [self._asked["tool_choice"].get("name") or next(iter(tools))]
        return [self._call(tools[name]) for name in names]

    def _call(self, tool: Json) -> Call:
        given = _example(tool["input_schema"], self._random)
        start = {
            "type": "tool_use",
            "id": f"toolu_sim{self._random.getrandbits(60):015x}",
            "name": tool["name"],
            "input": {},
        }
        return Call(start, orjson.dumps(given).decode() if given else "")

    def _citations(self) -> tuple[Json, ...]:
        documents = [
            block
            for turn in self._talk.turns
            for block in turn.of_type("document")
            if (block.get("citations") or {}).get("enabled")
        ]
        return tuple(
            {
                "type": "char_location",
                "cited_text": str(block["source"].get("data", ""))[:80],
                "document_index": index,
                "document_title": block.get("title"),
                "start_char_index": 0,
                "end_char_index": min(80, len(str(block["source"].get("data", "")))),
            }
            for index, block in enumerate(documents)
        )

    def _rest(self, text: str, said: str) -> str:
        """Return what is left of *text* after *said*, with the overlap that was asked for."""
        at = (
            len(said)
            if text.startswith(said)
            else len(said.rstrip())
            if text.startswith(said.rstrip())
            else 0
        )
        overlap = self._named.get("overlap")
        return text[max(0, at - int(overlap.words[0])) if overlap else at :]

    def _bounded(self, answer: Answer) -> Answer:
        """Stop at ``max_tokens`` and at stop sequences, as Claude does."""
        left = int(self._asked["max_tokens"])
        blocks: list[Block] = []
        for block in answer.blocks:
            match block:
                case Text(text, citations):
                    for sequence in self._asked.get("stop_sequences") or ():
                        if sequence in text:
                            text = text.partition(sequence)[0]
                            return Answer((*blocks, Text(text)), "stop_sequence", sequence)
                    tokens = pieces(text)
                    if len(tokens) > left:
                        return Answer((*blocks, Text("".join(tokens[:left]))), "max_tokens")
                    left -= len(tokens)
                    blocks.append(Text(text, citations))
                case _:
                    blocks.append(block)
        return Answer(tuple(blocks), answer.stop_reason)


def _original(talk: Conversation) -> Conversation:
    """Return *talk* up to the user's turn that is answered, without what asks to go on with an answer."""
    turns = list(talk.turns)
    if _partial(talk):
        while (turns and turns[-1].role == "assistant") or (len(turns) > 2 and turns[-2].role == "assistant"):
            turns = turns[:-1] if turns[-1].role == "assistant" else turns[:-2]
            if turns and turns[-1].role == "user":
                break
    return Conversation(tuple(turns))


def _partial(talk: Conversation) -> str:
    """Return the answer that broke off, if the last turns ask to go on with it."""
    turns = talk.turns
    if turns[-1].role == "assistant":
        return turns[-1].text
    if len(turns) >= 3 and turns[-2].role == "assistant" and not turns[-2].of_type("tool_use"):
        tail = turns[-2].text[-40:]
        if tail.strip() and tail.strip()[-20:] in turns[-1].text:
            return turns[-2].text
    return ""


def _example(schema: Json, random: Random) -> Any:
    """Return a plausible value of *schema*."""
    if "default" in schema:
        return schema["default"]
    if "enum" in schema:
        return random.choice(schema["enum"])
    match schema.get("type"):
        case "object":
            required = schema.get("required", ())
            return {
                name: _example(schema["properties"][name], random)
                for name in required
                if name in schema.get("properties", {})
            }
        case "array":
            return [_example(schema.get("items", {"type": "string"}), random)]
        case "integer" | "number":
            return int(schema.get("minimum", random.randint(1, 9)))
        case "boolean":
            return True
        case _:
            return random.choice(("Gdynia", "Kyoto", "Nairobi", "Lisbon"))


def _json(body: bytes) -> Json:
    try:
        value = orjson.loads(body)
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
    limit = int(parse_qs(query).get("limit", ["20"])[0])
    listed = [model.info() for model in MODELS]
    # Claude lists complete ids and, beside them, the aliases that people write.
    listed += [{**model.info(), "id": alias} for model in MODELS for alias in model.aliases]
    return {
        "data": listed[:limit],
        "has_more": len(listed) > limit,
        "first_id": listed[0]["id"],
        "last_id": listed[:limit][-1]["id"],
    }


def _input_tokens(asked: Json) -> int:
    parts = (asked.get("system"), asked.get("tools"), asked["messages"])
    return estimated_tokens(sum(len(orjson.dumps(part)) for part in parts if part))


def _headers(request_id: str, kind: str) -> tuple[tuple[str, str], ...]:
    return (
        ("content-type", kind),
        ("request-id", request_id),
        ("anthropic-organization-id", "org_simulated"),
        ("anthropic-ratelimit-requests-limit", "4000"),
        ("anthropic-ratelimit-requests-remaining", "3999"),
        ("anthropic-ratelimit-requests-reset", "2026-11-21T00:00:00Z"),
    )


def _answered(value: Json, request_id: str) -> Steps:
    return _body(orjson.dumps(value), "application/json", 200, request_id)


def _refused(error: ClaudeError, request_id: str) -> Steps:
    retry = (("x-should-retry", "false"),) if error.status == 400 else ()
    return _body(
        error_body(error, request_id), "application/json", error.status, request_id, (*error.headers, *retry)
    )


def _body(
    data: bytes, kind: str, status: int, request_id: str, more: tuple[tuple[str, str], ...] = ()
) -> list[Step]:
    headers = (*_headers(request_id, kind), ("content-length", str(len(data))), *more)
    return [Head(status, headers), Send(data), End()]
