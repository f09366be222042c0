"""A delta that takes the short way to the log is there as if it had taken the long one."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.generation import Generation, Rules
from app.intake import Intake
from app.protocol.claude import Translator
from app.protocol.errors import Problem, TooLong
from app.protocol.events import Done, Event
from app.protocol.sse import Decoder, Frame
from app.record import Call
from tests.protocol.cutting import PLACES, cut
from tests.protocol.frames import as_stream, block_start, block_stop, delta, message_start, text, text_start
from tests.protocol.mixed import STREAMS


def generation(max_bytes: int = 10**6) -> Generation:
    rules = Rules(max_bytes, grace_s=30, price=lambda _: None)
    return Generation(model="m", owner="o", client="c", request_id="r", rules=rules, on_end=lambda _: None)


def taking(answer: Generation) -> Intake:
    """Return what takes a call for *answer*."""

    def say(events: Sequence[Event]) -> bool:
        if events:
            answer.say(*events)
        return True

    return Intake(Translator(answer.ledger, lambda: 7), answer, Call(0, None), say)


def digest(answer: Generation) -> str:
    """Return the digest that the readers of *answer* were told, which was cancelled."""
    assert isinstance(answer.log.terminal, Done)
    return answer.log.terminal.digest


class Took:
    """What is there after *reads*, taken the short way where that can be, or all the long one.

    Attributes:
        frames: Of the log, without those that have a clock or an id in them.
        digest: Of the text.
        wrong: What was raised.
        short: The reads that took the short way.
    """

    def __init__(self, reads: list[bytes], *, short: bool) -> None:
        answer, decoder = generation(), Decoder()
        intake = taking(answer)
        self.short: list[bytes] = []
        self.wrong: str | None = None
        try:
            for read in reads:
                if short and decoder.idle and intake.one(read):
                    self.short.append(read)
                elif frames := decoder.whole(read):
                    intake.take(frames)
        except Problem as problem:
            self.wrong = problem.message
        self.frames = answer.log.frames[1:]
        answer.cancel("cancelled")
        self.digest = digest(answer)


@given(STREAMS, PLACES, st.booleans())
def test_the_log_is_the_same_whichever_way(frames: list[Frame], places: list[int], cuts: bool) -> None:
    alone = [as_stream([each]) for each in frames]
    reads = [piece for each in alone for piece in (cut(each, places) if cuts else [each])]
    one, other = Took(reads, short=True), Took(reads, short=False)
    assert (one.frames, one.digest, one.wrong) == (other.frames, other.digest, other.wrong)


def written(*frames: Frame) -> list[bytes]:
    """Return *frames*, each in a read of its own."""
    return [as_stream([each]) for each in frames]


def test_all_deltas_of_a_block_but_the_first_take_the_short_way() -> None:
    thoughts = [delta(0, "thinking_delta", thinking=f"{n}?") for n in range(5)]
    words = [text(f"{n} ", 1) for n in range(5)]
    start = block_start(0, "thinking", thinking="", signature="")
    reads = written(message_start(), start, *thoughts, block_stop(0), text_start(1), *words)
    assert Took(reads, short=True).short == [*written(*thoughts[1:]), *written(*words[1:])]


def test_a_delta_of_a_block_that_is_not_the_latest_takes_the_long_way() -> None:
    mixed = [text("a", 0), text("b", 1), text("c", 0), text("d", 0), text("e", 1), text("f", 1)]
    reads = written(message_start(), text_start(0), text_start(1), *mixed)
    assert Took(reads, short=True).short == written(text("f", 1))


def test_what_is_held_back_keeps_what_follows_from_the_short_way() -> None:
    answer = generation()
    intake = Intake(Translator(answer.ledger, lambda: 7), answer, Call(0, None), lambda _: False)
    start, first, second = written(message_start(), text("a"), text("b"))
    intake.take(start + written(text_start())[0] + first)
    assert not intake.one(second)
    assert not answer.log.frames


@pytest.mark.parametrize("short", [True, False])
def test_what_comes_after_an_answer_was_cancelled_is_not_said(short: bool) -> None:
    answer = generation()
    intake = taking(answer)
    first, second = written(text("a"), text("b"))
    intake.take(as_stream([message_start(), text_start()]) + first)
    answer.cancel("cancelled")
    said = list(answer.log.frames)
    assert intake.one(second) if short else not intake.take(second)
    assert answer.log.frames == said


@pytest.mark.parametrize("short", [True, False])
def test_what_does_not_fit_ends_the_answer_and_is_not_in_its_digest(short: bool) -> None:
    answer = generation(max_bytes=2000)
    intake = taking(answer)
    first, second = written(text("a"), text("b" * 2000))
    intake.take(as_stream([message_start(), text_start()]) + first)
    with pytest.raises(TooLong):
        (intake.one if short else intake.take)(second)
    answer.cancel("cancelled")
    assert digest(answer) == sha256(b"a").hexdigest()
