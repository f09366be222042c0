"""What is said to one request: thinking, text, calls, and why it ends there."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random

import orjson

from app.simulator import calls, server_tools
from app.simulator.answers import LONG_WORDS, prose, thought
from app.simulator.blocks import HOLOGRAM, Answer, Block, Json, Raw, Text, Thinking, Whole
from app.simulator.citing import cited
from app.simulator.directives import Directive
from app.simulator.examples import example
from app.simulator.going_on import Asked, rest
from app.simulator.limits import bounded, stopped
from app.simulator.message import block_tokens
from app.simulator.models import Model
from app.simulator.server_tools import Round
from app.simulator.signatures import REDACTED, sign

CONTEXT_TOKENS = 60
HUGE_BYTES = 2_000_000
INTROS = ("Let me look that up.", "One moment, I will check.", "I will ask the tools.")


@dataclass(frozen=True, slots=True)
class Composer:
    """Decides what is said to one request.

    Attributes:
        asked: The request.
        model: Who answers.
        so_far: The conversation, and how much of the answer is already there.
        directives: What the simulator was told, those left out that do not hold for this request.
        overlap: How much is said again when it goes on.
        seed: Another seed says it in other words.
        ids: For what must differ from request to request.
    """

    asked: Json
    model: Model
    so_far: Asked
    directives: tuple[Directive, ...]
    overlap: str
    seed: int
    ids: Random

    def answer(self) -> Answer:
        """Return the answer."""
        refusal = self._told("refusal")
        if refusal and "after" not in refusal.options:
            return Answer((), "refusal", stop_details=_refusal(refusal))
        answer = self._whole()
        answer = replace(answer, blocks=rest(answer.blocks, self.so_far, self.overlap))
        answer = stopped(answer, self.asked.get("stop_sequences") or [])
        answer = bounded(answer, self.asked["max_tokens"], "max_tokens")
        thinking = sum(block_tokens(block) for block in answer.blocks if isinstance(block, Thinking))
        if full := self._told("context-window"):
            limit = thinking + full.integer("after", CONTEXT_TOKENS)
            answer = bounded(answer, limit, "model_context_window_exceeded")
        if refusal:
            limit = thinking + refusal.integer("after", 0)
            answer = bounded(answer, limit, "refusal", _refusal(refusal))
        return answer

    def _whole(self) -> Answer:
        """Return the answer from its beginning, however much of it is already there."""
        blocks: list[Block] = [*self._before(), *self._thinking()]
        if self._told("pause"):
            random = self._random("server tools")
            uses = [
                server_tools.use("web_search", {}, self._question, random, self.ids)
                for _ in range(self.so_far.server_calls + 1)
            ]
            searched = (block for use in uses for block in use.blocks)
            return _with_tools(Answer((*blocks, *searched), "pause_turn"), uses[-1:])
        if "unknown-block" in self._names:
            blocks.append(Whole(HOLOGRAM))
        wanted = calls.names(self.asked, self.so_far.original, self._told("tools"))
        rounds = list(self._rounds(wanted))
        for each in rounds:
            blocks += [*each.blocks, *self._thinking(), *each.text]
        tools = self.asked.get("tools") or []
        random = self._random("calls")
        called = [
            calls.call(name, tools, self._question, random, self.ids)
            for name in wanted
            if name not in server_tools.NAMES
        ]
        if called:
            intro = () if self._forced else (Text(self._random("intro").choice(INTROS)),)
            return _with_tools(Answer((*blocks, *intro, *called), "tool_use"), rounds)
        return _with_tools(Answer((*blocks, *self._text())), rounds)

    def _before(self) -> Iterable[Block]:
        if "compaction" in self._names:
            delta = {
                "type": "compaction_delta",
                "content": "So far: rivers.",
                "encrypted_content": "c2ltdWxhdGVk",
            }
            final = {**delta, "type": "compaction"}
            yield Raw({"type": "compaction", "content": None}, (delta,), final)
        if "fallback" in self._names:
            yield Whole(
                {
                    "type": "fallback",
                    "from": {"model": self.asked["model"]},
                    "to": {"model": self.model.id},
                    "trigger": {"type": "refusal", "category": "cyber"},
                }
            )

    def _rounds(self, wanted: list[str]) -> Iterable[Round]:
        random = self._random("server tools")
        if huge := self._told("huge"):
            yield server_tools.huge(huge.integer("size", HUGE_BYTES), self.ids)
        if "mcp" in self._names:
            yield server_tools.mcp(self.ids)
        given = server_tools.named(self.asked.get("tools") or [])
        for name in wanted:
            if name in server_tools.NAMES:
                yield server_tools.use(name, given.get(name, {}), self._question, random, self.ids)

    def _thinking(self) -> list[Block]:
        blocks: list[Block] = []
        config = self.asked.get("thinking") or {"type": "adaptive" if self.model.thinks else "disabled"}
        kind = config.get("type")
        rounds = self.so_far.original.tool_rounds
        if (kind in ("adaptive", "enabled") and not self._forced) or (kind == "between_tools" and rounds):
            reasoning = thought(self.so_far.original)
            text = reasoning if config.get("display", self.model.display) == "summarized" else ""
            blocks.append(Thinking(reasoning, text, sign(text, self._random("signature").randbytes(12))))
        if "redacted" in self._names:
            data = sign(REDACTED, self._random("redacted").randbytes(12))
            blocks.append(Whole({"type": "redacted_thinking", "data": data}))
        return blocks

    def _text(self) -> tuple[Block, ...]:
        talk = self.so_far.original
        form = (self.asked.get("output_config") or {}).get("format") or {}
        if form.get("type") == "json_schema":
            value = example(form.get("schema"), self._random("json"), everything=True)
            return (Text(orjson.dumps(value).decode()),)
        long = self._told("long")
        text = prose(talk, self._random("text"), long.integer("words", LONG_WORDS) if long else 0)
        return (*cited(talk), Text(text))

    @property
    def _question(self) -> str:
        return self.so_far.original.question

    @property
    def _names(self) -> set[str]:
        return {each.name for each in self.directives}

    @property
    def _forced(self) -> bool:
        return (self.asked.get("tool_choice") or {}).get("type") in ("any", "tool")

    def _told(self, name: str) -> Directive | None:
        return next((each for each in self.directives if each.name == name), None)

    def _random(self, purpose: str) -> Random:
        """Return randomness that is the same whenever this turn is answered."""
        return self.so_far.original.random(self.seed, purpose)


def _with_tools(answer: Answer, rounds: Iterable[Round]) -> Answer:
    """Return *answer* with what its server tools add to the usage, and the container they ran in."""
    counted: Json = {}
    container = None
    for each in rounds:
        for name, count in (each.counted or {}).items():
            counted[name] = counted.get(name, 0) + count
        container = each.container or container
    return replace(answer, server_tools=counted, container=container)


def _refusal(directive: Directive) -> Json:
    category = directive.words[0] if directive.words else "general_harms"
    return {"type": "refusal", "category": category, "explanation": "Simulated refusal."}
