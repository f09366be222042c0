"""What the process writes to standard error: a line for each record, as JSON or for people to read.

Nothing from outside gets in unescaped or at any length, and of an exception its type and trace alone: its text may
hold what somebody wrote. What libraries log about their own work may hold it too, so of theirs only warnings are
written, and without what was filled in.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Literal

MAX_CHARACTERS = 2000
"""Of a message or a value."""

MAX_TRACE_CHARACTERS = 200
"""Of one line of a trace."""

MAX_FRAMES = 20
"""The innermost of each exception."""

MAX_CAUSES = 5

_json = json.JSONEncoder(ensure_ascii=False).encode

OURS = ("app", "uvicorn")
"""Whose messages are known to hold no text of anybody's."""


def configure(form: Literal["console", "json"], level: str) -> None:
    """Have everything that is logged from here on written in one *form*, from *level* on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else ConsoleLines())
    handler.addFilter(_ours_or_grave)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Nobody is shown where in the code, in which thread and process a record was made (logging HOWTO, "Optimization").
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # Its warnings are a line for each request that is no HTTP, without a word of whose: anybody could fill a disk with them.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)


def traced(error: BaseException) -> dict[str, Any]:
    """Return what a record takes as ``extra`` to show where *error* was raised. No handler then has its text."""
    return {"trace": _trace(error)}


def _ours_or_grave(record: logging.LogRecord) -> bool:
    return _is_ours(record) or record.levelno >= logging.WARNING


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] in (*OURS, "__main__")


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage() if _is_ours(record) else str(record.msg)
        fields = getattr(record, "fields", {})
        error = record.exc_info[1] if record.exc_info else None
        trace = getattr(record, "trace", None) or (_trace(error) if error else [])
        line = self.line(record, message[:MAX_CHARACTERS], fields, trace)
        if len(line) <= MAX_CHARACTERS:  # and so is all that is in it
            return line
        bounded = {name: _bounded(value) for name, value in fields.items()}
        return self.line(record, message[:MAX_CHARACTERS], bounded, trace)

    def line(self, record: logging.LogRecord, message: str, fields: dict[str, Any], trace: list[str]) -> str:
        """Return the line, without its end."""
        raise NotImplementedError


class JsonLines(_Lines):
    """One JSON object a line, in ASCII."""

    def line(self, record: logging.LogRecord, message: str, fields: dict[str, Any], trace: list[str]) -> str:
        """Return the object: time, level, logger, message, the record's own fields, the trace."""
        said: dict[str, Any] = {
            "time": _time(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
            **fields,
        }
        if trace:
            said["trace"] = "\n".join(trace)
        return json.dumps(said)


class ConsoleLines(_Lines):
    """Time, level, message, fields; a trace in lines of its own, set in."""

    def line(self, record: logging.LogRecord, message: str, fields: dict[str, Any], trace: list[str]) -> str:
        """Return the line, and those of the trace."""
        time = _time(record).astimezone().isoformat(" ", timespec="milliseconds")
        words = [time, f"{record.levelname:<7}", message]
        words += [f"{name}={_said(value)}" for name, value in fields.items()]
        return "\n    ".join(map(printable, [" ".join(words), *trace]))


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _bounded(value: Any) -> Any:
    return value[:MAX_CHARACTERS] if isinstance(value, str) else value


def _said(value: Any) -> str:
    match value:
        case str() if value and " " not in value:
            return value
        case int() | float() if not isinstance(value, bool):
            return str(value)
        case dict():
            return ",".join(f"{name}:{each}" for name, each in value.items()) or "-"
        case list():
            return ",".join(map(str, value)) or "-"
        case _:
            return _json(value)


def printable(text: str) -> str:
    """Return *text* with whatever could move a cursor or end a line escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _trace(error: BaseException) -> list[str]:
    """Return where *error* and what caused it were raised, the last one first, without what they say."""
    lines: list[str] = []
    seen: BaseException | None = error
    for _ in range(MAX_CAUSES):
        if seen is None:
            break
        lines.append(f"{'because of ' if lines else ''}{type(seen).__name__}")
        lines += [
            line[:MAX_TRACE_CHARACTERS]
            for entry in traceback.format_tb(seen.__traceback__, -MAX_FRAMES)
            for line in entry.rstrip().split("\n")
        ]
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return lines
