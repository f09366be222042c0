"""The directive grammar: what a prompt, or the command line, can make the simulator do.

A prompt may start with any number of directives in double brackets, before the text that is answered::

    [[reset after=40]] [[speed 2]] Tell me about rivers.

Each is a name, then words and ``key=value`` options. ``--fault`` takes the same without brackets.

==================  ===========================================================================================
directive           effect
==================  ===========================================================================================
status CODE         refuse with this HTTP status; ``retry-after=S`` (seconds) adds the header
overloaded          ``overloaded_error`` inside HTTP 200, as the first event or ``after=K``
error TYPE          the same with any error type, e.g. ``api_error``
reset               TCP reset: before the response, or ``after=K``
close               the connection is closed without the last chunk; before the response, or ``after=K``
no-stop             the stream ends politely but without ``message_stop`` (``after=K``: already then)
stall               silence for ever, or ``for=S`` seconds; ``pings`` keeps pings coming; ``after=K``
html                HTTP 200 with a web page instead of a stream
bad-json            one event is cut short in its JSON (``after=K``, default 5)
dribble             one byte per write
unknown-event       an event type nobody knows; likewise ``unknown-block`` and ``unknown-delta``
huge                a tool result in one event, ``size=BYTES`` (default 2000000)
refusal [CATEGORY]  ``stop_reason`` ``refusal``: before any content, or after ``after=K`` tokens
pause               ``pause_turn`` after a server tool; the request with that content appended goes on
context-window      ``model_context_window_exceeded`` after ``after=K`` tokens (default 60)
redacted            a ``redacted_thinking`` block
compaction          a ``compaction`` block first; likewise ``mcp`` (a call and its result) and ``fallback``
tools A,B           call these tools (of the request, or server tools), once or ``rounds=N`` times
overlap N           when going on after a break, repeat the last N characters; ``overlap N words`` counts words
long                a long answer, ``words=N`` (default 800)
speed X             factor on all pauses, 0 or ``max`` is as fast as possible
ttft S              seconds to the first token
rate N              tokens per second
==================  ===========================================================================================

``after=K`` counts events of the stream; with ``in=text``, ``in=thinking`` or ``in=tool`` only deltas of that
kind. A break always comes before ``message_delta``, however short the answer is. What goes wrong goes wrong once
for a prompt, or ``times=N``, and then goes well, so that a retry or a continuation succeeds; after that it starts
over. ``turn=N`` chooses the N-th request of a tool loop (default: the first), ``every=N`` each N-th request,
``overlap=N`` on a break is short for ``[[overlap N]]``.
"""

import re
from dataclasses import dataclass, field

from app.simulator.errors import invalid

_GROUP = re.compile(r"\s*\[\[([^\[\]]*)\]\]")
_COMMON = {"every", "turn"}
_BREAK = _COMMON | {"after", "in", "times", "overlap"}
_NONE: set[str] = set()

OPTIONS: dict[str, set[str]] = {
    "status": _COMMON | {"times", "retry-after"},
    "overloaded": _BREAK,
    "error": _BREAK,
    "reset": _BREAK,
    "close": _BREAK,
    "no-stop": _BREAK,
    "stall": _BREAK | {"for"},
    "html": _COMMON | {"times"},
    "bad-json": _BREAK,
    "dribble": _COMMON,
    "unknown-event": _COMMON,
    "unknown-block": _COMMON,
    "unknown-delta": _COMMON,
    "huge": _COMMON | {"size"},
    "refusal": _COMMON | {"after"},
    "pause": _COMMON | {"times"},
    "context-window": _COMMON | {"after"},
    "redacted": _COMMON,
    "compaction": _COMMON,
    "mcp": _COMMON,
    "fallback": _COMMON,
    "tools": {"rounds"},
    "overlap": _NONE,
    "long": {"words"},
    "speed": _NONE,
    "ttft": _NONE,
    "rate": _NONE,
}
BREAKS = frozenset(
    {"status", "overloaded", "error", "reset", "close", "no-stop", "stall", "html", "bad-json", "pause"}
)
"""What is counted with ``times``: the client is expected to ask again."""

_WORDS: dict[str, tuple[int, int]] = {  # how many words each takes: least, most; all others take none
    "status": (1, 1),
    "error": (1, 1),
    "stall": (0, 1),
    "refusal": (0, 1),
    "tools": (1, 1),
    "overlap": (1, 2),
    "speed": (1, 1),
    "ttft": (1, 1),
    "rate": (1, 1),
}
_KNOWN_WORDS = {"stall": ("pings",), "overlap": ("", "words")}
"""Words that can only be these."""

LARGEST = {"size": 20_000_000, "words": 100_000}
"""Of options: a gateway takes frames of 16 MiB, and a demo is there for others, too."""

_KINDS = {"text": "text_delta", "thinking": "thinking_delta", "tool": "input_json_delta"}


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive, checked.

    Attributes:
        name: One of ``OPTIONS``.
        words: What follows the name.
        options: ``key=value`` pairs.
    """

    name: str
    words: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        options = (f"{key}={value}" for key, value in self.options.items())
        return " ".join((self.name, *self.words, *options))

    def integer(self, option: str, default: int) -> int:
        """Return an option as a count."""
        return int(self.options.get(option, default))

    @property
    def after(self) -> int | None:
        """After how many events, if it says."""
        if "after" in self.options:
            return int(self.options["after"])
        return 1 if "in" in self.options else None

    @property
    def kind(self) -> str | None:
        """The kind of delta that ``after`` counts; ``None`` counts all events."""
        return _KINDS[self.options["in"]] if "in" in self.options else None

    @property
    def number(self) -> float:
        """The first word as a number."""
        return 0.0 if self.words[0] == "max" else float(self.words[0])


def split(prompt: str) -> tuple[tuple[Directive, ...], str]:
    """Return the directives at the start of *prompt*, and the text after them.

    Raises:
        ClaudeError: 400, for a directive that is unknown or malformed; the message lists the known ones.
    """
    directives = []
    end = 0
    while match := _GROUP.match(prompt, end):
        directives.append(parse(match[1]))
        end = match.end()
    return tuple(directives), without_directives(prompt)


def without_directives(prompt: str) -> str:
    """Return *prompt* without the directives at its start, known or not."""
    end = 0
    while match := _GROUP.match(prompt, end):
        end = match.end()
    return prompt[end:].lstrip() if end else prompt


def parse(source: str) -> Directive:
    """Return the directive that *source* spells, without brackets.

    Raises:
        ClaudeError: 400, as in ``split``.
    """
    name, *rest = source.split() or [""]
    if name not in OPTIONS:
        raise invalid(f"simulator: unknown directive {name!r}; known are: {', '.join(OPTIONS)}")
    words = tuple(word for word in rest if "=" not in word)
    options = dict(word.split("=", 1) for word in rest if "=" in word)
    for key in options:
        if key not in OPTIONS[name]:
            known = ", ".join(sorted(OPTIONS[name])) or "none"
            raise invalid(f"simulator: directive {name!r} has no option {key!r}; it has: {known}")
    least, most = _WORDS.get(name, (0, 0))
    if not least <= len(words) <= most:
        raise invalid(f"simulator: directive {name!r} takes {least} to {most} words, got {len(words)}")
    directive = Directive(name, words, options)
    _check_values(directive)
    return directive


def _check_values(directive: Directive) -> None:
    try:
        for key, value in directive.options.items():
            if key == "in":
                _KINDS[value]
            elif key in ("for", "retry-after"):
                _positive(float(value))
            elif int(value) > LARGEST.get(key, int(value)):
                raise ValueError
            else:
                _positive(int(value))
        for word, known in zip(directive.words, _KNOWN_WORDS.get(directive.name, ()), strict=False):
            if known and word != known:
                raise ValueError
        if directive.name in ("status", "overlap"):
            _positive(int(directive.words[0]))
        if directive.name == "status" and not 400 <= int(directive.words[0]) <= 599:
            raise ValueError
        if directive.name in ("speed", "ttft", "rate"):
            _positive(directive.number)
    except (ValueError, KeyError):
        raise invalid(f"simulator: directive '{directive}' has a value that makes no sense") from None


def _positive(value: float) -> None:
    if not 0 <= value < 1e9:
        raise ValueError(value)
