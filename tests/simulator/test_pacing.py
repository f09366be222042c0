"""The pace of a simulated answer is data: waits between sends, which add up to what was asked for."""

from collections.abc import Iterable
from itertools import pairwise
from random import Random

import pytest

from app.simulator.blocks import Answer, Call, Text, Thinking, Whole
from app.simulator.message import Envelope, Event, events
from app.simulator.pacing import PAUSE_EVERY, PING_BYTES, Rhythm, pace, silence
from app.simulator.steps import Send, Step, Wait

ANSWER = Answer((Text("Rivers begin in the hills and end in the sea, as a rule. " * 40),))
PING = Send(PING_BYTES, "ping")
ENVELOPE = Envelope("msg_1", "claude-opus-5-5", {})


def steps_of(answer: Answer, *, speed: float = 1, ttft_s: float = 0.6, rate: float = 50) -> list[Step]:
    rhythm = Rhythm(speed, ttft_s, rate, ping_interval_s=5)
    return list(pace(events(answer, ENVELOPE), rhythm, Random(1)))  # noqa: S311


def seconds(steps: Iterable[Step]) -> float:
    return sum(step.seconds for step in steps if isinstance(step, Wait))


def before(kind: str, steps: list[Step]) -> list[Step]:
    at = next(at for at, step in enumerate(steps) if isinstance(step, Send) and step.kind == kind)
    return steps[:at]


def test_the_first_delta_comes_after_the_time_to_first_token() -> None:
    steps = steps_of(ANSWER, ttft_s=3, rate=1000)
    assert seconds(before("message_start", steps)) == pytest.approx(2)
    assert seconds(before("text_delta", steps)) == pytest.approx(3, abs=0.4)


def test_tokens_come_at_their_rate_and_no_two_at_once() -> None:
    steps = steps_of(ANSWER, ttft_s=0, rate=50)
    tokens = sum(isinstance(step, Send) and step.kind == "text_delta" for step in steps)
    pauses = tokens / PAUSE_EVERY * 0.35
    assert 0.75 * tokens / 50 < seconds(steps) < tokens / 50 + 2 * pauses
    kinds = [step.kind if isinstance(step, Send) else "wait" for step in steps]
    assert ("text_delta", "text_delta") not in pairwise(kinds)


def test_twice_the_speed_takes_half_the_time_and_none_takes_none() -> None:
    once, twice, none = (seconds(steps_of(ANSWER, speed=speed)) for speed in (1, 2, 0))
    assert twice == pytest.approx(once / 2)
    assert none == 0


def test_however_fast_the_same_is_said() -> None:
    said = [
        [step.data for step in steps_of(ANSWER, speed=speed) if isinstance(step, Send)] for speed in (0, 1, 3)
    ]
    assert said[0] == said[1] == said[2]


def test_a_long_silence_is_filled_with_pings() -> None:
    steps = list(silence(12, 5))
    assert steps == [Wait(5), PING, Wait(5), PING, Wait(2)]
    assert seconds(steps) == 12


def test_thinking_that_is_not_shown_takes_its_time_all_the_same() -> None:
    reasoning = "Let me think about rivers. " * 30
    shown, hidden = (
        seconds(steps_of(Answer((Thinking(reasoning, text, "sig"),)), ttft_s=0)) for text in (reasoning, "")
    )
    assert hidden == pytest.approx(shown, rel=0.5)


def test_a_tool_that_runs_at_claude_holds_its_result_back() -> None:
    call = Call({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}, "{}")
    result = Whole({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}, 0.8)
    quick = Whole(result.block)
    slow_s, quick_s = (seconds(steps_of(Answer((call, each)))) for each in (result, quick))
    assert slow_s == pytest.approx(quick_s + 0.8)


def test_every_event_is_one_sse_event_whose_name_is_its_type() -> None:
    for event in events(ANSWER, ENVELOPE):
        assert isinstance(event, Event)
        name, data = event.encode().split(b"\n")[:2]
        assert data.startswith(b'data: {"type":"%b"' % name.removeprefix(b"event: "))
