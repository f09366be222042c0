"""Long conversations and long answers: what they cost does not grow with what was there before."""

import json

from playwright.sync_api import Browser, expect

from tests.bench.page import OPEN, PROSE, SHAPES, STREAM, WATCH
from tests.page.conftest import Chat

SEEN = """() => [...document.querySelectorAll("article.answer")]
  .filter((article) => article.firstElementChild.checkVisibility({ contentVisibilityAuto: true })).length"""
LEFT = """() => {
  const { scrollHeight, clientHeight, scrollTop } = document.getElementById("scroller");
  return scrollHeight - clientHeight - scrollTop;
}"""
READS = """() => {
  window.reads = { writing: 0, otherwise: 0 };
  let writing = false;
  const request = requestAnimationFrame;
  window.requestAnimationFrame = (callback) => request((now) => {
    writing = true;
    callback(now);
    writing = false;
  });
  const count = (prototype, name) => {
    const { get, value, ...rest } = Object.getOwnPropertyDescriptor(prototype, name);
    const counted = (original) => original && function (...given) {
      window.reads[writing ? "writing" : "otherwise"] += 1;
      return original.apply(this, given);
    };
    const how = get ? { get: counted(get) } : { value: counted(value) };
    Object.defineProperty(prototype, name, { ...rest, ...how });
  };
  for (const name of ["scrollTop", "scrollHeight", "clientHeight", "clientTop", "getBoundingClientRect"]) {
    count(Element.prototype, name);
  }
  for (const name of ["offsetTop", "offsetHeight", "innerText"]) count(HTMLElement.prototype, name);
  count(Range.prototype, "getBoundingClientRect");
}"""
TOUCHED = """async ([prose, times]) => {
  const { Prose } = await import("/static/js/markdown/prose.js");
  const element = document.createElement("div");
  const growing = new Prose(element);
  let changes = 0;
  const observer = new MutationObserver((records) => (changes += records.length));
  observer.observe(element, { childList: true, characterData: true, attributes: true, subtree: true });
  const text = prose.repeat(times);
  for (let at = 0; at < text.length; at += 80) {
    growing.push(text.slice(at, at + 80));
    growing.draw();
  }
  growing.end();
  changes += observer.takeRecords().length;
  return changes;
}"""


def at_the_end(chat: Chat) -> None:
    """Wait until what grew last has been followed: after the browser's own layout, so with the next frame."""
    chat.page.wait_for_function(f"({LEFT})() < 2")


def test_of_a_thousand_messages_only_the_last_are_drawn_and_those_in_view_laid_out(chat: Chat) -> None:
    chat.page.evaluate(WATCH)
    chat.page.evaluate(OPEN, [PROSE, 1000])
    assert chat.page.locator("article").count() == 40
    assert chat.page.evaluate(SEEN) < 20
    at_the_end(chat)


def test_twice_the_text_touches_the_page_twice_as_often(chat: Chat) -> None:
    once = chat.page.evaluate(TOUCHED, [PROSE, 10])
    twice = chat.page.evaluate(TOUCHED, [PROSE, 20])
    assert once > 100
    assert twice <= once * 2.05


def test_what_writes_an_answer_asks_for_no_layout(chat: Chat) -> None:
    chat.page.evaluate(READS)
    chat.page.evaluate(STREAM, [PROSE * 4, 20_000])
    assert chat.page.evaluate("window.reads.writing") == 0
    # The end was followed, after the browser's own layout.
    assert chat.page.evaluate("window.reads.otherwise") > 0
    at_the_end(chat)


def test_a_frame_styles_what_it_writes_and_nothing_that_stands(chat: Chat, browser: Browser) -> None:
    text = SHAPES["one paragraph"] * 300
    browser.start_tracing(page=chat.page, categories=["devtools.timeline"])
    elements = chat.page.evaluate(STREAM, [text, 20_000])
    events = json.loads(browser.stop_tracing())["traceEvents"]
    styled = [event["args"]["elementCount"] for event in events if event["name"] == "UpdateLayoutTree"]
    assert elements > 300
    assert sum(styled) <= 3 * elements + 10 * len(styled)


def test_an_answer_that_was_written_here_rests_when_it_is_out_of_sight_as_high_as_it_was(chat: Chat) -> None:
    chat.ask("[[speed 0]] [[long words=1200]] Tell me about rivers.")
    chat.finished()
    answer = chat.page.locator("article.answer")
    expect(answer.locator(".verified")).to_be_visible()  # the last thing to be said of it
    height = answer.evaluate("(element) => element.getBoundingClientRect().height")
    expect(answer).not_to_have_attribute("data-rests", "")
    chat.ask("[[speed 0]] [[long words=1200]] Tell me more.")
    chat.finished()
    expect(answer.first).to_have_attribute("data-rests", "")
    assert answer.first.evaluate("(element) => element.getBoundingClientRect().height") == height


def test_one_answer_after_the_other_leaves_nothing_behind(chat: Chat) -> None:
    devtools = chat.page.context.new_cdp_session(chat.page)

    def nodes() -> int:
        devtools.send("HeapProfiler.collectGarbage")
        return int(devtools.send("Memory.getDOMCounters")["nodes"])

    def answers(count: int) -> None:
        for _ in range(count):
            chat.page.evaluate(STREAM, [PROSE, 1_000_000])
            chat.page.evaluate("document.getElementById('log').replaceChildren()")

    answers(3)
    before = min(nodes() for _ in range(5))  # what a frame still holds is free after the next
    answers(3)
    assert any(nodes() <= before + 50 for _ in range(50))  # one answer has several hundred
