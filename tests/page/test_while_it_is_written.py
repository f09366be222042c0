"""What may happen while an answer is written: cuts, reloads, stops, other tabs. Claude waits in each test until it has."""

import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Chat
from tests.page.held import BETWEEN, FULL, LINES, STOPS, Held, up_to
from tests.page.sidebar import act, listed, new
from tests.page.wire import Wire
from tests.running import Gateway

QUESTION = "Tell me about rivers."
WATCH_STORING = """
window.stored = [];
const put = IDBObjectStore.prototype.put;
let last = "", waiting = () => {};
IDBObjectStore.prototype.put = function (record) {
  if (this.name === "messages" && record.running) {
    last = record.transcript.blocks.map((block) => block.text).join("");
    if (last) window.stored.push(performance.now());
    waiting();
  }
  return put.call(this, record);
};
window.whenStored = (text) => new Promise((resolve) => {
  waiting = () => last.trimEnd().endsWith(text) && resolve();
  waiting();
});
"""
"""When a growing answer was stored; and wait until it is that ends in some text."""
WATCH_WAITING = """
window.waited = [];
new MutationObserver(() => {
  for (const line of document.querySelectorAll(".waiting")) if (line.checkVisibility()) waited.push(line.textContent);
}).observe(document, { subtree: true, childList: true, attributes: true });
"""


@pytest.fixture
def gateway(held_gateway: Gateway) -> str:
    return held_gateway.url


def ask(chat: Chat, question: str = QUESTION) -> None:
    """Ask, and wait for all that Claude says before it stops for the first time."""
    chat.ask(question)
    expect(chat.page.locator(".prose").last).to_have_text(up_to(1))


def test_an_answer_grows_and_says_so(chat: Chat, held: Held) -> None:
    ask(chat)
    article = chat.page.locator("article.answer")
    expect(article).to_have_attribute("aria-busy", "true")
    held.go_on()
    expect(article.locator(".prose")).to_have_text(up_to(2))
    held.finish()
    chat.finished()
    expect(chat.page.get_by_role("status")).to_have_text(re.compile(r"^Answer complete, [\d,]+ words$"))
    expect(article.locator(".meta")).to_contain_text("to first token")


def test_a_screen_reader_is_told_finished_paragraphs_where_its_reader_wants_that(
    chat: Chat, held: Held
) -> None:
    page = chat.page
    spoken = page.locator("#spoken")
    expect(page.locator("#model")).to_be_enabled()
    chat.open_settings()
    page.get_by_label("Screen readers read answers").select_option("As they are written")
    page.keyboard.press("Escape")
    chat.stop_time()
    chat.ask(QUESTION)
    chat.frames_until(page.get_by_text(up_to(1)).count)
    page.clock.run_for(3_000)
    expect(spoken).to_have_attribute("aria-live", "polite")
    told = spoken.locator("p").all_text_contents()
    assert told[0] == "Line 1 of the answer."
    assert told[-1] == f"Line {BETWEEN - 1} of the answer."  # the next may not be finished
    held.finish()
    chat.frames_until(page.locator("article.answer[aria-busy=false]").count)
    expect(spoken.locator("p").first).to_have_text(f"Line {BETWEEN} of the answer.")
    expect(spoken.locator("p").last).to_have_text(LINES[-1].strip())


def test_a_cut_connection_is_resumed_without_a_character_lost_or_doubled(
    open_chat: Callable[..., Chat], wire: Wire, held: Held
) -> None:
    chat = open_chat(wire.url)
    ask(chat)
    for stop in range(2, STOPS + 1):
        wire.cut()
        held.go_on()
        expect(chat.page.locator(".prose")).to_have_text(up_to(stop))
    wire.cut()
    held.finish()
    chat.finished()
    assert chat.text() == FULL
    assert chat.folded() == chat.told()
    expect(chat.page.locator(".fault")).to_have_count(0)


def test_while_nobody_is_there_the_page_says_so_and_then_goes_on(
    open_chat: Callable[..., Chat], wire: Wire, held: Held
) -> None:
    chat = open_chat(wire.url)
    page = chat.page
    page.clock.install()
    status, waiting = page.get_by_role("status"), page.locator(".waiting")
    ask(chat)
    wire.unplug()
    expect(waiting).to_contain_text("Connection lost")
    page.clock.fast_forward(3000)  # it says no more than one thing in this time
    expect(status).to_contain_text("Connection lost")
    wire.plug()
    page.clock.fast_forward(5000)
    expect(waiting).to_be_hidden()
    page.clock.fast_forward(3000)
    expect(status).to_have_text("Answering")
    held.finish()
    chat.finished()
    expect(chat.page.locator(".meta")).to_contain_text("to first token")


def test_after_a_reload_the_page_goes_on_with_its_answer(chat: Chat, held: Held) -> None:
    ask(chat)
    chat.stop_time()
    chat.page.add_init_script(WATCH_WAITING)
    chat.page.reload()
    expect(chat.page.locator(".prompt__text")).to_have_text(QUESTION)
    prose = chat.page.locator(".prose")
    # what is sent again is not typed again: that would take frames, and there are none
    expect(prose).to_have_text(up_to(1))
    chat.page.clock.resume()
    held.finish()
    chat.finished()
    assert chat.text() == FULL
    expect(prose).to_have_text(up_to(STOPS + 1))
    assert chat.page.evaluate("waited") == [], "no connection was lost, and no line comes and goes"


def test_an_answer_is_stored_at_most_once_a_second_and_when_the_page_is_left(
    open_chat: Callable[..., Chat], page_url: str, held: Held
) -> None:
    chat = open_chat(page_url, init=WATCH_STORING)
    page = chat.page
    ask(chat)
    chat.stop_time()
    prose = page.locator(".prose")
    held.go_on()
    chat.frames_until(lambda: up_to(2).search(prose.inner_text()))
    page.evaluate("stored.length = 0; dispatchEvent(new Event('pagehide'))")  # no time passes, and yet
    page.evaluate("whenStored", LINES[2 * BETWEEN - 1].strip())
    held.go_on()
    chat.frames_until(lambda: up_to(3).search(prose.inner_text()))
    page.clock.run_for(1000)
    page.evaluate("whenStored", LINES[3 * BETWEEN - 1].strip())
    stored = page.evaluate("stored")
    assert all(later - sooner >= 1000 for sooner, later in pairwise(stored)), stored
    page.keyboard.press("Escape")


def test_an_answer_that_is_gone_keeps_its_text_and_says_interrupted(chat: Chat) -> None:
    ask(chat)
    chat.page.route("**/api/chat/*/stream", lambda route: route.fulfill(status=404, json={}))
    chat.page.reload()
    expect(chat.page.get_by_role("alert")).to_contain_text("Interrupted")
    expect(chat.page.locator(".prose")).to_have_text(up_to(1))


@pytest.mark.parametrize("how", ["button", "key"])
def test_stop_stops_at_the_gateway_and_keeps_the_focus(chat: Chat, how: str) -> None:
    ask(chat)
    if how == "button":
        chat.page.get_by_role("button", name="Stop").click()
        expect(chat.page.get_by_role("button", name="Send")).to_be_focused()
    else:
        chat.page.keyboard.press("Escape")
        expect(chat.field).to_be_focused()
    chat.finished()
    expect(chat.page.locator(".note")).to_have_text("Stopped.")
    # Claude tells at the end how much it has written
    expect(chat.page.locator(".meta")).to_contain_text("to first token")
    expect(chat.page.locator(".meta")).not_to_contain_text(re.compile(r" out|tok/s|\$"))
    assert chat.stored()["transcript"]["terminal"]["stop_reason"] == "cancelled"


def test_a_reader_who_scrolls_up_is_left_alone(chat: Chat, held: Held) -> None:
    ask(chat)
    scroller = chat.page.locator("#scroller")
    latest = chat.page.get_by_role("button", name="Jump to the latest")
    scroller.hover()
    chat.page.mouse.wheel(0, -200)
    expect(latest).to_be_visible()
    top = scroller.evaluate("(element) => element.scrollTop")
    held.go_on()
    expect(chat.page.locator(".prose")).to_have_text(up_to(2))
    assert abs(scroller.evaluate("(element) => element.scrollTop") - top) <= 1
    latest.click()
    expect(latest).to_be_hidden()
    chat.page.keyboard.press("Escape")
    chat.finished()


def test_several_answers_are_written_at_once_and_all_go_on_after_a_reload(chat: Chat, held: Held) -> None:
    writing = chat.page.get_by_role("img", name="An answer is being written")
    for question in ("One.", "Two."):
        ask(chat, question)
        new(chat)
    expect(writing).to_have_count(2)
    chat.page.reload()
    expect(writing).to_have_count(2)
    held.go_on()
    for question in ("One.", "Two."):
        chat.page.get_by_role("link", name=question).click()
        expect(chat.page.locator(".prompt__text")).to_have_text(question)
        expect(chat.page.locator(".prose")).to_have_text(up_to(2))
        chat.page.get_by_role("button", name="Stop").click()
        chat.finished()
        expect(chat.page.get_by_role("button", name="Continue")).to_be_visible()
    expect(writing).to_have_count(0)
    replies = [message for message in chat.messages() if message["role"] == "assistant"]
    assert [reply["transcript"]["terminal"]["stop_reason"] for reply in replies] == ["cancelled"] * 2


def test_what_is_deleted_for_good_is_stopped_and_forgotten_at_the_gateway_too(chat: Chat) -> None:
    page = chat.page
    ask(chat)
    (written,) = (message["generation"] for message in chat.messages() if message["role"] == "assistant")
    page.clock.install()
    act(chat, QUESTION, "Delete")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    chat.field.focus()  # who is at the button is not hurried
    with page.expect_response(re.compile(rf"/api/chat/{written}\?purge=true$")) as forgotten:
        page.clock.fast_forward(10_000)
    assert forgotten.value.ok
    assert page.evaluate("async (id) => (await fetch(`api/chat/${id}`)).status", written) == 410
    assert chat.messages() == []


def test_two_tabs_on_one_conversation_stay_in_step(
    chat: Chat, held: Held, watch: Callable[[Page], Chat]
) -> None:
    requests: list[str] = []
    chat.page.context.on(
        "request",
        lambda request: (
            requests.append(request.url) if re.search(r"/api/chat(/[^/]+/stream)?$", request.url) else None
        ),
    )
    ask(chat)
    other = watch(chat.page.context.new_page())
    other.page.goto(chat.page.url)
    held.go_on()
    expect(other.page.locator(".prose")).to_have_text(up_to(2))
    expect(other.page.get_by_role("article", name="Assistant")).to_have_attribute("aria-busy", "true")
    assert len(requests) == 1, "one tab reads, the other listens to it"
    chat.page.close()  # the other takes over
    held.finish()
    other.finished()
    assert len(requests) == 2
    assert other.text() == FULL
    assert other.folded() == other.told()

    third = watch(other.page.context.new_page())
    third.page.goto(other.page.url)
    third.finished()
    third.ask("More.")
    third.finished()
    expect(other.page.locator(".prompt__text")).to_have_text([QUESTION, "More."])
    expect(other.page.locator("article.answer .meta")).to_have_count(2)
    act(third, listed(third).inner_text(), "Delete")
    expect(other.page.locator("article")).to_have_count(0)
