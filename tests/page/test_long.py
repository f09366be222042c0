"""Long conversations and long answers: what they cost does not grow with what was there before."""

from tests.bench.page import OPEN, PROSE, STREAM, WATCH
from tests.page.conftest import Chat

SEEN = """() => [...document.querySelectorAll("article.answer")]
  .filter((article) => article.firstElementChild.checkVisibility({ contentVisibilityAuto: true })).length"""
LEFT = """() => {
  const { scrollHeight, clientHeight, scrollTop } = document.getElementById("scroller");
  return scrollHeight - clientHeight - scrollTop;
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


def test_of_a_thousand_messages_only_the_last_are_drawn_and_those_in_view_laid_out(chat: Chat) -> None:
    chat.page.evaluate(WATCH)
    chat.page.evaluate(OPEN, [PROSE, 1000])
    assert chat.page.locator("article").count() == 40
    assert chat.page.evaluate(SEEN) < 20
    assert chat.page.evaluate(LEFT) < 2  # the reader is at the end, and stayed there


def test_twice_the_text_touches_the_page_twice_as_often(chat: Chat) -> None:
    once = chat.page.evaluate(TOUCHED, [PROSE, 10])
    twice = chat.page.evaluate(TOUCHED, [PROSE, 20])
    assert once > 100
    assert twice <= once * 2.05


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
