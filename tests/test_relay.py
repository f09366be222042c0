"""One reader's stream against a server's ``send`` that does what servers do: take at once, wait, fail, hang."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.generation import Generation, Rules
from app.producer import Ending, Teller
from app.protocol.cursor import START
from app.protocol.encoding import parse
from app.protocol.errors import Refused
from app.protocol.events import BlockStop, Text, Thinking
from app.protocol.log import SLICE_BYTES
from app.protocol.sse import KEEP_ALIVE, Decoder
from app.protocol.view import View
from app.reader import Reader
from app.web.connection import ABORT, WRITE
from app.web.relay import EventStream
from tests.patient import PatientLoop

DEADLINE_S = 10


class Line:
    """A server's side of one request: what it was sent, and whether it takes more.

    Attributes:
        on_send: Awaited for each message before it is taken; what it raises, ``send`` raises.
        left: Set when the client leaves.
    """

    def __init__(self, on_send: Callable[[dict[str, Any]], Awaitable[None]] | None = None) -> None:
        self.on_send = on_send
        self.sent: list[dict[str, Any]] = []
        self.left = asyncio.Event()
        self.aborted = False
        self.grew = asyncio.Event()

    async def send(self, message: Any) -> None:
        if self.on_send:
            await self.on_send(message)
        self.sent.append(message)
        self.grew.set()
        if message["type"] == "http.response.body" and not message["more_body"]:
            self.left.set()

    def write(self, data: bytes) -> bool:
        if self.on_send is None:
            self.sent.append({"type": "http.response.body", "body": data})
            self.grew.set()
        return self.on_send is None

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    def abort(self) -> None:
        self.aborted = True
        self.left.set()

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def text(self) -> str:
        datas = [frame.data for frame in Decoder().feed(self.body)]
        return "".join(
            event.piece for data in datas if data != b"[DONE]" and isinstance(event := parse(data), Text)
        )

    @property
    def whole(self) -> bool:
        return self.body.endswith(b"data: [DONE]\n\n") and self.body.count(b"[DONE]") == 1

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self.grew.clear()
                await self.grew.wait()


class Producer:
    """Says what the test says, until it ends."""

    def __init__(self, grace_s: float = -1) -> None:
        self.ended: list[Generation] = []
        self.generation = Generation(
            model="m",
            owner="o",
            client="c",
            request_id="r",
            rules=Rules(10**8, grace_s, price=lambda _: None),
            on_end=self.ended.append,
        )
        self._over: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.generation.start(self._produce)

    async def _produce(self, teller: Teller) -> Ending:
        return await self._over

    def say(self, *texts: str) -> None:
        self.generation.say(*(Text(text, 0) for text in texts))

    async def end(self) -> None:
        if not self._over.done():
            self._over.set_result(Ending("end_turn"))
        await self.generation.gone()

    async def fail(self, problem: Exception) -> None:
        self._over.set_exception(problem)
        await self.generation.gone()


def stream(producer: Producer, *, view: View | None = None, **options: Any) -> EventStream:
    reader = Reader(producer.generation, START, view or View())
    given = {"ping_s": 1000, "send_timeout_s": 1000, "headers": {}, "at_once": True}
    return EventStream(reader, **{**given, "on_stuck": lambda: None, **options})


def serve(response: EventStream, line: Line, *, abortable: bool = True) -> "asyncio.Task[None]":
    extensions = {ABORT: {"abort": line.abort}, WRITE: {"write": line.write}} if abortable else {}
    scope = {"type": "http", "method": "GET", "extensions": extensions}
    return asyncio.get_running_loop().create_task(response(scope, line.receive, line.send))


@asynccontextmanager
async def at_rest(producer: Producer) -> AsyncIterator[None]:
    """See that a test leaves nothing behind."""
    before = asyncio.all_tasks()
    yield
    await producer.end()
    for _ in range(5):
        await asyncio.sleep(0)
    assert producer.generation.readers == 0
    assert not producer.generation.log._bells
    assert asyncio.all_tasks() <= before


async def test_what_is_said_is_sent_before_the_producer_goes_on_and_by_no_other_task() -> None:
    producer, line = Producer(), Line()
    async with at_rest(producer):
        serving = serve(stream(producer), line)
        await line.until(lambda: len(line.sent) == 2)
        tasks = asyncio.all_tasks()
        for n in range(100):
            producer.say(f"{n} ")
            assert line.sent[-1]["body"].endswith(b'"text":"%d ","index":0}\n\n' % n)
        assert asyncio.all_tasks() == tasks
        assert len(line.sent) == 1 + 1 + 100  # the head, the time to come back after, each delta
        await producer.end()
        await serving
    assert line.whole
    assert line.text == "".join(f"{n} " for n in range(100))


async def test_a_full_socket_holds_up_nobody_and_then_gets_all_that_has_gathered_at_once() -> None:
    room = asyncio.Event()
    room.set()

    async def when_there_is_room(_: Any) -> None:
        await room.wait()

    producer, slow, fast = Producer(), Line(when_there_is_room), Line()
    async with at_rest(producer):
        serving = [serve(stream(producer), line) for line in (slow, fast)]
        await fast.until(lambda: len(fast.sent) == 2)
        room.clear()
        for n in range(50):
            producer.say(f"{n} ")
        assert (len(slow.sent), len(fast.sent)) == (2, 52)
        room.set()
        await slow.until(lambda: len(slow.sent) == 4)  # what it was stuck with, and the rest in one piece
        assert slow.text == fast.text
        await producer.end()
        await asyncio.gather(*serving)
    assert slow.whole
    assert slow.text == fast.text


@pytest.mark.parametrize("steps", [1, 3])
async def test_a_send_that_awaits_each_time_is_brought_to_its_end_each_time(steps: int) -> None:
    async def go_round(_: Any) -> None:
        for _ in range(steps):
            await asyncio.sleep(0)

    producer, line = Producer(), Line(go_round)
    async with at_rest(producer):
        serving = serve(stream(producer), line)
        for n in range(100):
            producer.say(f"{n} ")
            if n % 7 == 0:
                await asyncio.sleep(0)
        await producer.end()
        await serving
    assert line.whole
    assert line.text == "".join(f"{n} " for n in range(100))


async def test_a_reader_that_leaves_while_its_send_waits_has_not_seen_what_it_was_to_get() -> None:
    never = asyncio.Event()
    thrown: list[BaseException] = []

    async def hang(message: dict[str, Any]) -> None:
        if b"[DONE]" in message.get("body", b""):
            try:
                await never.wait()
            except asyncio.CancelledError as error:
                thrown.append(error)
                raise

    producer, line = Producer(grace_s=1000), Line(hang)
    async with at_rest(producer):
        serving = serve(stream(producer), line)
        await asyncio.sleep(0)
        producer.say("a")
        await producer.end()
        line.left.set()
        await serving
        await asyncio.sleep(0)
    assert line.text == "a"
    assert not line.whole
    assert len(thrown) == 1  # the send was told
    assert producer.generation.missed  # so a drain waits for its return


def failing_at(part: bytes, steps: int) -> Callable[[dict[str, Any]], Awaitable[None]]:
    """Return what a line does that fails at a message with *part* in it, after so many *steps*."""

    async def on_send(message: dict[str, Any]) -> None:
        if part in message.get("body", b""):
            for _ in range(steps):
                await asyncio.sleep(0)
            msg = "no more"
            raise OSError(msg)

    return on_send


@pytest.mark.parametrize("steps", [0, 1])
async def test_what_send_raises_ends_its_own_request_and_disturbs_neither_producer_nor_others(
    steps: int,
) -> None:
    producer, broken, other = Producer(), Line(failing_at(b'"b"', steps)), Line()
    async with at_rest(producer):
        failing, serving = serve(stream(producer), broken), serve(stream(producer), other)
        await broken.until(lambda: len(broken.sent) == 2)
        for text in "abcd":
            producer.say(text)
            await asyncio.sleep(0)
        with pytest.raises(OSError, match="no more"):
            await failing
        producer.say("e")
        await producer.end()
        await serving
    assert (broken.text, other.text) == ("a", "abcde")
    assert other.whole


@pytest.mark.parametrize("steps", [0, 1])
async def test_a_reader_whose_end_could_not_be_sent_has_not_seen_it(steps: int) -> None:
    producer, line = Producer(grace_s=1000), Line(failing_at(b"[DONE]", steps))
    async with at_rest(producer):
        serving = serve(stream(producer), line)
        await asyncio.sleep(0)
        producer.say("a")
        await producer.end()
        with pytest.raises(OSError, match="no more"):
            await serving
    assert producer.generation.missed


@pytest.mark.parametrize("abortable", [True, False])
async def test_a_reader_that_does_not_read_is_let_go_after_its_time(abortable: bool) -> None:
    async def hang(message: dict[str, Any]) -> None:
        if b'"b"' in message.get("body", b""):
            await asyncio.Event().wait()

    dropped: list[None] = []
    producer, line = Producer(), Line(hang)
    async with at_rest(producer):
        response = stream(producer, send_timeout_s=0.01, on_stuck=lambda: dropped.append(None))
        serving = serve(response, line, abortable=abortable)
        await line.until(lambda: len(line.sent) == 2)
        for text in "abc":
            producer.say(text)
            await asyncio.sleep(0)
        await serving
    assert (line.text, len(dropped), line.aborted) == ("a", 1, abortable)


async def test_a_timeout_of_sends_own_is_no_deadline_of_ours() -> None:
    async def time_out(message: dict[str, Any]) -> None:
        if b'"b"' in message.get("body", b""):
            await asyncio.sleep(0)
            raise TimeoutError

    dropped: list[None] = []
    producer, line = Producer(), Line(time_out)
    async with at_rest(producer):
        serving = serve(stream(producer, on_stuck=lambda: dropped.append(None)), line)
        await asyncio.sleep(0)
        producer.say("b")
        with pytest.raises(TimeoutError):
            await serving
    assert not dropped


async def test_keep_alives_come_between_frames_and_wait_while_the_socket_is_full() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, PatientLoop)
    room = asyncio.Event()
    room.set()

    async def when_there_is_room(_: Any) -> None:
        await room.wait()

    producer, line = Producer(), Line(when_there_is_room)
    async with at_rest(producer):
        serving = serve(stream(producer, ping_s=0.005), line)
        await line.until(lambda: line.body.count(KEEP_ALIVE) >= 2)
        producer.say("a")
        await line.until(lambda: line.body.endswith(KEEP_ALIVE))
        room.clear()
        producer.say("b")
        pings = line.body.count(KEEP_ALIVE)
        for _ in range(4):
            loop.advance(0.005)
            await asyncio.sleep(0)
        room.set()
        await line.until(lambda: '"b"' in line.body.decode())
        assert line.body.count(KEEP_ALIVE) <= pings + 1
        await producer.end()
        await serving
    assert (line.text, line.whole) == ("ab", True)


async def test_a_request_that_is_cancelled_ends_and_its_send_is_told() -> None:
    async def hang(message: dict[str, Any]) -> None:
        if b'"b"' in message.get("body", b""):
            await asyncio.Event().wait()

    producer, line = Producer(), Line(hang)
    async with at_rest(producer):
        serving = serve(stream(producer), line)
        await asyncio.sleep(0)
        producer.say("b")
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving


async def test_an_answer_that_may_wait_starts_with_the_first_event() -> None:
    producer, line = Producer(), Line()
    async with at_rest(producer):
        serving = serve(stream(producer, at_once=False), line)
        await asyncio.sleep(0)
        assert not line.sent
        producer.say("a")
        await line.until(lambda: len(line.sent) == 2)
        assert [message["type"] for message in line.sent] == ["http.response.start", "http.response.body"]
        await producer.end()
        await serving
    assert line.whole


async def test_what_was_refused_before_it_began_is_raised_and_nothing_is_sent() -> None:
    producer, line = Producer(), Line()
    async with at_rest(producer):
        serving = serve(stream(producer, at_once=False), line)
        await asyncio.sleep(0)
        refusal = Refused(529, "Overloaded")
        await producer.fail(refusal)
        with pytest.raises(Refused) as raised:
            await serving
    assert raised.value is refusal
    assert not line.sent


async def take_at_once(_: dict[str, Any]) -> None:
    """Be a server whose ``send`` does all, or to which it is nothing: the client has just vanished."""


@pytest.mark.parametrize("on_send", [None, take_at_once])
async def test_whoever_has_much_to_catch_up_with_gets_it_in_slices_with_turns_for_others_between(
    on_send: Callable[[dict[str, Any]], Awaitable[None]] | None,
) -> None:
    producer, line = Producer(), Line(on_send)
    async with at_rest(producer):
        for n in range(100):
            producer.say(f"{n} " * 1000)
        serving = serve(stream(producer), line)
        await line.until(lambda: len(line.sent) == 2)  # the head and one slice
        await asyncio.sleep(0)
        assert len(line.sent) == 3
        await producer.end()
        await serving
    sizes = [len(message["body"]) for message in line.sent[1:]]
    assert max(sizes) <= SLICE_BYTES + 100
    assert len(sizes) == 5
    assert line.whole
    assert line.text == "".join(f"{n} " * 1000 for n in range(100))


async def test_a_view_that_hides_more_than_a_slice_of_an_ended_answer_comes_to_its_end() -> None:
    producer, line = Producer(), Line()
    async with at_rest(producer):
        for _ in range(10):
            producer.generation.say(Thinking("hm" * SLICE_BYTES, 0))
        producer.generation.say(BlockStop(0, 1))
        producer.say("a")
        await producer.end()
        view = View(events=frozenset({"text", "done", "error"}))
        async with asyncio.timeout(DEADLINE_S):
            await serve(stream(producer, view=view), line)
        pieces = Reader(producer.generation, START, view)
        async with asyncio.timeout(DEADLINE_S):
            events = [event async for some in pieces.pieces() for _, event in some]
        pieces.close()
    assert (line.text, line.whole) == ("a", True)
    assert events[0] == Text("a", 0)
    assert len(events) == 2


async def test_a_view_that_hides_much_lets_others_have_their_turn_meanwhile() -> None:
    producer, view = Producer(), View(events=frozenset({"text"}))
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with at_rest(producer):
        for _ in range(10):
            producer.generation.say(Thinking("hm" * SLICE_BYTES, 0))
        producer.say("a")
        reader = Reader(producer.generation, START, view)
        looks = [(reader.take(), reader.behind) for _ in range(11)]  # start, and the thoughts
        assert looks == [(b"", True)] * 11
        assert b'"text":"a"' in reader.take()
        reader.close()
        await producer.end()
        others = asyncio.create_task(take_turns())
        reader = Reader(producer.generation, START, view)
        assert [event async for some in reader.pieces() for _, event in some] == [Text("a", 0)]
        reader.close()
        assert turns >= 10
        others.cancel()


async def test_text_that_waits_for_its_time_comes_though_nothing_new_does() -> None:
    producer, line = Producer(), Line()
    async with at_rest(producer):
        serving = serve(stream(producer, view=View(every_ms=20)), line)
        await asyncio.sleep(0)
        producer.say("a")
        producer.say("b")
        producer.say("c")
        await line.until(lambda: line.text == "abc")
        assert line.body.count(b'"type":"text"') <= 2
        await producer.end()
        await serving
    assert line.whole
