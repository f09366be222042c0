"""The chat page in a real browser, against the real gateway."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.page.conftest import Chat
from tests.page.made_up import DONE, START, TEXT, answer_with, refuse_with


def test_what_the_page_shows_is_what_the_gateway_has(chat: Chat) -> None:
    chat.ask("Tell me about rivers.")
    chat.finished()
    assert chat.folded() == chat.told()


def test_the_conversation_is_sent_along(chat: Chat) -> None:
    chat.ask("First.")
    chat.finished()
    with chat.page.expect_request("**/api/chat") as sent:
        chat.ask("Second.")
    body = json.loads(sent.value.post_data or "")
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert sent.value.headers["idempotency-key"]
    chat.finished()


def test_enter_sends_and_shift_enter_does_not(chat: Chat) -> None:
    field = chat.field
    field.fill("one")
    low = field.bounding_box()
    chat.page.keyboard.press("Shift+Enter")
    chat.page.keyboard.type("two")
    assert field.input_value() == "one\ntwo"
    high = field.bounding_box()
    assert low
    assert high
    assert low["height"] < high["height"]  # it grows with what is written
    chat.page.keyboard.press("Enter")
    expect(chat.page.locator(".prompt__text")).to_have_text("one\ntwo")
    expect(field).to_have_value("")
    chat.finished()


def test_the_enter_that_ends_a_composition_does_not_send(chat: Chat) -> None:
    chat.field.focus()
    devtools = chat.page.context.new_cdp_session(chat.page)
    devtools.send("Input.imeSetComposition", {"text": "かん", "selectionStart": 2, "selectionEnd": 2})
    key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
    devtools.send("Input.dispatchKeyEvent", {"type": "keyDown", **key})
    devtools.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})
    devtools.send("Input.insertText", {"text": "感"})
    # Safari reports the same key after the composition has ended, with this code
    chat.page.evaluate(
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', keyCode: 229, bubbles: true}))"
    )
    expect(chat.page.locator("article")).to_have_count(0)
    expect(chat.field).to_have_value("感")
    chat.page.keyboard.press("Enter")
    expect(chat.page.locator(".prompt__text")).to_have_text("感")
    chat.finished()


def test_an_error_after_half_an_answer_keeps_the_text_and_offers_another_try(chat: Chat) -> None:
    error = {"type": "overloaded_error", "message": "Overloaded", "retryable": True}
    answer_with(chat.page, START, *TEXT, {"type": "error", "error": error, "request_id": "req_7"})
    chat.ask("Hello?")
    card = chat.page.get_by_role("alert")
    expect(card).to_contain_text("Claude is overloaded")
    expect(card).to_contain_text("Not your fault")
    expect(card).to_contain_text("req_7")
    expect(chat.page.locator(".prose")).to_have_text("Half an ans")
    answer_with(chat.page, START, *TEXT, DONE)
    card.get_by_role("button", name="Try again").click()
    chat.finished()
    expect(chat.page.locator("article.answer")).to_contain_text("2 of 2")
    expect(chat.field).to_be_focused()


def test_a_rate_limit_counts_down(chat: Chat) -> None:
    chat.stop_time()
    refuse_with(chat.page, 429, "rate_limit_error", "60 answers a minute.", **{"Retry-After": "12"})
    chat.ask("Hello?")
    button = chat.page.get_by_role("alert").get_by_role("button")
    expect(button).to_have_text("Try again in 12 s")
    expect(button).to_be_disabled()
    chat.page.clock.run_for(5_000)
    expect(button).to_have_text("Try again in 7 s")
    chat.page.clock.fast_forward(4_000)  # nobody looked, and browsers then call seldom
    expect(button).to_have_text("Try again in 3 s")
    chat.page.clock.run_for(3_000)
    expect(button).to_be_enabled()
    expect(chat.page.locator(".prompt__text")).to_have_text("Hello?")


def test_a_wait_that_is_told_in_the_stream_counts_down_too(chat: Chat) -> None:
    chat.stop_time()
    limit = {
        "type": "rate_limit_error",
        "message": "50 a minute.",
        "retryable": True,
        "retry_after_s": 11.2,
    }
    answer_with(chat.page, START, *TEXT, {"type": "error", "error": limit, "request_id": "req_7"})
    chat.ask("Hello?")
    button = chat.page.get_by_role("alert").get_by_role("button")
    expect(button).to_have_text("Try again in 12 s")
    expect(button).to_be_disabled()
    chat.page.clock.run_for(12_000)
    expect(button).to_have_text("Try again")
    expect(button).to_be_enabled()


def test_a_question_that_is_refused_for_itself_can_be_worded_otherwise(chat: Chat) -> None:
    refuse_with(chat.page, 413, "request_too_large", "This is too long.")
    chat.ask("A very long question")
    card = chat.page.get_by_role("alert")
    expect(card).to_contain_text("Too large")
    reword = card.get_by_role("button")  # the only one: asked again it would be refused again
    expect(reword).to_have_text("Edit the question")
    reword.click()
    words = chat.page.get_by_label("Your question, in other words")
    expect(words).to_be_focused()
    chat.page.keyboard.press("Escape")
    expect(reword).to_be_focused()
    reword.press("Enter")
    words.fill("A short one")
    answer_with(chat.page, START, *TEXT, DONE)
    words.press("Enter")
    chat.finished()
    expect(chat.page.locator(".prompt__text")).to_have_text("A short one")
    expect(card).to_have_count(0)


def test_below_an_answer_stands_what_it_took(chat: Chat) -> None:
    answer_with(chat.page, START, *TEXT, DONE)
    chat.ask("Hello?")
    chat.finished()
    expect(chat.page.locator(".meta span")).to_have_text(
        [
            "claude-test",
            "612 ms to first token",
            "58 tok/s",
            "25 in",
            "1,234 out",
            "7 cached",
            "$0.012",
        ]
    )


def test_markup_in_any_text_is_text(chat: Chat) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script><style>*{display:none}</style>"
    answer_with(
        chat.page,
        START,
        {"type": "block_start", "index": 0, "kind": "thinking", "at_ms": 1},
        {"type": "thinking", "index": 0, "thinking": evil},
        {"type": "block_stop", "index": 0, "at_ms": 9},
        {"type": "block_start", "index": 1, "kind": "tool_use", "at_ms": 9, "id": "t", "name": evil},
        {"type": "tool_input", "index": 1, "partial_json": evil},
        {"type": "tool_use", "index": 1, "id": "t", "name": evil, "input": {"x": evil}},
        {"type": "tool_result", "tool_use_id": "t", "content": evil, "is_error": False},
        {"type": "retry", "reason": evil, "attempt": 1, "delay_ms": 1, "discard": []},
        {"type": "block_start", "index": 2, "kind": "text", "at_ms": 10},
        {"type": "text", "index": 2, "text": evil},
        {"type": "error", "error": {"type": "api_error", "message": evil}, "request_id": evil},
    )
    chat.ask(evil)
    expect(chat.page.get_by_role("alert")).to_contain_text(evil)
    expect(chat.page.locator(".prompt__text")).to_have_text(evil)
    expect(chat.page.locator(".prose")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(chat.page.locator("#log").locator("img, script, style, iframe")).to_have_count(0)


def test_thinking_is_there_but_closed(chat: Chat) -> None:
    answer_with(
        chat.page,
        START,
        {"type": "block_start", "index": 0, "kind": "thinking", "at_ms": 100},
        {"type": "thinking", "index": 0, "thinking": "Hm, rivers.\n" * 80},
        {"type": "signature", "index": 0, "signature": "s"},
        {"type": "block_stop", "index": 0, "at_ms": 3300},
        {"type": "block_start", "index": 1, "kind": "text", "at_ms": 3300},
        {"type": "text", "index": 1, "text": "They flow."},
        {"type": "block_stop", "index": 1, "at_ms": 3400},
        DONE,
    )
    chat.ask("Why?")
    chat.finished()
    expect(chat.page.get_by_text("Hm, rivers.")).to_be_hidden()
    fold = chat.page.get_by_text("Thought for 3.2 s")
    before = fold.bounding_box()
    fold.click()
    expect(chat.page.get_by_text("Hm, rivers.")).to_be_visible()
    expect(chat.page.get_by_role("button", name="Jump to the latest")).to_be_visible()
    assert fold.bounding_box() == before  # the end goes away, what was opened stays
    fold.click()
    expect(chat.page.get_by_role("button", name="Jump to the latest")).to_be_hidden()
    assert fold.bounding_box() == before


def test_the_accessibility_tree(chat: Chat) -> None:
    answer_with(chat.page, START, *TEXT, DONE)
    chat.ask("Hello?")
    chat.finished()
    log = chat.page.get_by_role("log", name="Conversation")
    expect(log).to_have_attribute("aria-live", "off")
    expect(log.get_by_role("article", name="You").locator(".prompt__text")).to_have_text("Hello?")
    expect(log.get_by_role("article", name="Assistant, claude-test")).to_have_attribute("aria-busy", "false")
    expect(chat.page.get_by_role("status")).to_have_count(1)
    asked = log.locator("time")
    expect(asked).to_have_text(re.compile(r"^\d\d?:\d\d( [AP]M)?$"))
    expect(asked).to_have_attribute("title", re.compile(r"20\d\d"))


def test_a_long_question_is_folded(chat: Chat) -> None:
    answer_with(chat.page, START, *TEXT, DONE)
    chat.ask("A line of a long question.\n" * 60)
    chat.finished()
    question = chat.page.locator(".prompt")
    folded = question.bounding_box()
    fold = question.get_by_role("button", name="Show all")
    fold.click()
    unfolded = question.bounding_box()
    assert folded
    assert unfolded
    assert unfolded["height"] > 2 * folded["height"]
    question.get_by_role("button", name="Show less").click()
    expect(fold).to_be_in_viewport()
    assert question.bounding_box() == folded
    chat.page.emulate_media(media="print")
    printed = chat.page.locator(".prompt__text").bounding_box()
    assert printed
    assert printed["height"] > 2 * folded["height"]  # on paper nothing is folded


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_does_not_scroll_sideways(
    open_chat: Callable[..., Chat], page_url: str, scheme: str
) -> None:
    chat = open_chat(page_url, viewport={"width": 320, "height": 600}, color_scheme=scheme)
    row = f"| {' | '.join(['a river in the far north'] * 4)} |"
    more = {"type": "text", "index": 0, "text": f"{'x' * 300}\n\n{row}\n|-|-|-|-|\n{row}\n"}
    answer_with(chat.page, START, *TEXT, more, DONE)
    chat.ask("y" * 300)
    chat.finished()
    assert chat.page.evaluate("document.documentElement.scrollWidth") <= 320
    cell = chat.page.locator("td").first.bounding_box()
    assert cell
    assert cell["width"] >= 150  # a table scrolls in its own box rather than stand there a word in a line


def test_the_demo_says_that_it_is_one(chat: Chat) -> None:
    expect(chat.page.get_by_text("Answers are simulated")).to_be_visible()


def test_an_example_asks(chat: Chat) -> None:
    chat.page.get_by_role("list", name="Examples").get_by_role("button").first.click()
    expect(chat.page.locator("#welcome")).to_be_hidden()
    expect(chat.field).to_be_focused()
    chat.finished()
    assert chat.answer()
