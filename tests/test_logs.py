"""The log: its form, and that nothing gets into it which does not belong there."""

import json
import logging
from typing import Any

import pytest

from app import logs
from app.logs import ConsoleLines, JsonLines, traced

CANARY = "what somebody wrote"
NASTY = "a\nb\x1b[31mred\u2028\u202e\ud800 end"


def record(message: str, *args: Any, name: str = "app.hub", **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.INFO, __file__, 1, message, args, extra.pop("exc_info", None))
    vars(made).update(extra)
    return made


def failure() -> Exception:
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as error:
            raise ValueError(CANARY) from error
    except ValueError as error:
        return error


def test_a_line_of_json_has_time_level_logger_message_and_fields() -> None:
    said = json.loads(
        JsonLines().format(record("%d answers", 2, fields={"model": "m", "tokens": {"input": 1}}))
    )
    assert said.pop("time").endswith("+00:00")
    assert said == {
        "level": "info",
        "logger": "app.hub",
        "message": "2 answers",
        "model": "m",
        "tokens": {"input": 1},
    }


def test_a_line_for_people_has_its_fields_at_the_end() -> None:
    fields = {
        "model": "m",
        "tokens": {"input": 1, "output": 2},
        "ids": ["a", "b"],
        "none": [],
        "n": 1.5,
        "s": "",
    }
    line = ConsoleLines().format(record("ended", fields=fields))
    assert line.endswith('INFO    ended model=m tokens=input:1,output:2 ids=a,b none=- n=1.5 s=""')


@pytest.mark.parametrize("form", [JsonLines(), ConsoleLines()])
def test_what_comes_from_outside_can_neither_end_a_line_nor_move_a_cursor(form: logging.Formatter) -> None:
    line = form.format(record("said %s", NASTY, fields={"client": NASTY}))
    assert line.isprintable()
    assert line.isascii()


def test_a_value_cannot_look_like_another_field() -> None:
    line = ConsoleLines().format(record("ended", fields={"client": 'x end=complete "'}))
    assert line.endswith(r'client="x end=complete \""')


@pytest.mark.parametrize("form", [JsonLines(), ConsoleLines()])
def test_a_line_is_bounded(form: logging.Formatter) -> None:
    line = form.format(record("x" * 10**6, fields={"client": "y" * 10**6}))
    assert len(line) < 3 * logs.MAX_CHARACTERS


@pytest.mark.parametrize("form", [JsonLines(), ConsoleLines()])
@pytest.mark.parametrize("how", ["extra", "exc_info"])
def test_of_an_exception_its_type_and_trace_are_told_but_not_what_it_says(
    form: logging.Formatter, how: str
) -> None:
    error = failure()
    extra = traced(error) if how == "extra" else {"exc_info": (type(error), error, error.__traceback__)}
    text = form.format(record("it failed", **extra))
    assert "ValueError" in text
    assert "because of KeyError" in text
    assert "in failure" in text
    assert "raise KeyError(CANARY)" in text
    assert CANARY not in text


def test_a_trace_is_bounded() -> None:
    def deep(levels: int) -> None:
        if levels == 0:
            raise ValueError
        [deep, deep][levels % 2](levels - 1)

    with pytest.raises(ValueError) as raised:  # noqa: PT011 - which does not matter
        deep(400)
    trace = traced(raised.value)["trace"]
    assert len(trace) < 4 * logs.MAX_FRAMES
    assert "raise ValueError" in trace[-1]


def test_libraries_say_only_warnings_and_not_what_was_filled_in(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "debug")
    logging.getLogger("anthropic._base_client").debug("Request options: %s", {"content": "canary"})
    logging.getLogger("some.library").warning("Message was: %s", "canary")
    logging.getLogger("app.hub").debug("ours")
    said = [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()]
    assert said == ["Message was: %s", "ours"]


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("console", "warning")
    logging.getLogger("app.hub").info("generation ended")
    logging.getLogger("app.hub").warning("odd")
    assert [line.split()[-1] for line in capsys.readouterr().err.splitlines()] == ["odd"]


def test_what_is_no_http_is_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "debug")
    server = logging.getLogger("uvicorn.error")
    server.warning("Invalid HTTP request received.")
    server.error("Exception in ASGI application")
    assert [json.loads(line)["level"] for line in capsys.readouterr().err.splitlines()] == ["error"]
