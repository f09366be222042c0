"""Everything Claude says has a face."""

import re
from typing import Any

from playwright.sync_api import expect

from tests.page.conftest import Chat
from tests.page.made_up import DONE, START, TEXT, answer_with

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def call(index: int, name: str, given: dict[str, Any], result: object) -> list[dict[str, Any]]:
    """Return the events of a call that Claude runs itself, and of its result."""
    use = {"type": "server_tool_use", "id": f"s{index}", "name": name, "input": given}
    answer = {"type": f"{name}_tool_result", "tool_use_id": f"s{index}", "content": result}
    return [
        {
            "type": "block_start",
            "index": index,
            "kind": use["type"],
            "at_ms": 1,
            "id": use["id"],
            "name": name,
        },
        {"type": "block", "index": index, "block": use},
        {"type": "block_stop", "index": index, "at_ms": 2},
        {"type": "block_start", "index": index + 1, "kind": answer["type"], "at_ms": 3},
        {"type": "block", "index": index + 1, "block": answer},
        {"type": "block_stop", "index": index + 1, "at_ms": 4},
    ]


def test_results_are_links_output_and_pictures_rather_than_json(chat: Chat) -> None:
    page = chat.page
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    answer_with(
        page,
        START,
        *call(
            0,
            "web_search",
            {"query": "rivers"},
            [
                {"type": "web_search_result", "url": "https://example.com/r", "title": "Rivers <b>"},
                {"type": "web_search_result", "url": "javascript:alert(1)", "title": "Not a link"},
            ],
        ),
        *call(
            2,
            "web_fetch",
            {"url": "https://x.y"},
            {"type": "web_fetch_tool_result_error", "error_code": "url_too_long"},
        ),
        *call(
            4,
            "bash_code_execution",
            {"command": "make\nmake test"},
            {"type": "bash_code_execution_result", "stdout": "out", "stderr": "no rule", "return_code": 2},
        ),
        {"type": "block_start", "index": 6, "kind": "tool_use", "at_ms": 5, "id": "t", "name": "draw"},
        {"type": "tool_use", "index": 6, "id": "t", "name": "draw", "input": {}},
        {"type": "tool_result", "tool_use_id": "t", "content": [image], "is_error": False},
        {**DONE, "stop_reason": "pause_turn"},
    )
    chat.ask("Search, fetch, run, draw.")
    chat.finished()
    cards = page.locator(".tool")
    expect(cards.locator("summary")).to_have_text(
        [
            re.compile(r"Web search\s*rivers\s*done"),
            re.compile(r"Web page\s*https://x.y\s*failed"),
            re.compile(r"Shell\s*make make test\s*done"),
            re.compile(r"draw\s*done"),
        ]
    )
    for summary in cards.locator("summary").all():
        summary.click()
    expect(cards.nth(0).get_by_role("link")).to_have_text(["Rivers <b>"])
    expect(cards.nth(0).get_by_role("link")).to_have_attribute("rel", "noopener noreferrer")
    expect(cards.nth(1)).to_contain_text("url too long")
    expect(cards.nth(2).locator("[data-part=input]")).to_have_text(
        "commandmake\nmake test", use_inner_text=False
    )
    expect(cards.nth(2).locator(".tool__error")).to_have_text("no rule")
    expect(cards.nth(2)).to_contain_text("Ended with code 2")
    expect(cards.nth(3).get_by_role("img", name="Image")).to_be_visible()
    expect(page.locator(".note")).to_have_text("Claude paused here.")
    answer_with(page, START, DONE)
    page.get_by_role("button", name="Continue").click()
    expect(page.locator(".prompt__text").last).to_have_text("Continue exactly where you stopped.")


def test_a_citation_shows_what_it_cites_to_pointer_and_keyboard(chat: Chat) -> None:
    page = chat.page
    cited = {
        "type": "page_location",
        "document_title": "Atlas",
        "cited_text": "Rivers flow.",
        "document_index": 0,
    }
    answer_with(
        page,
        START,
        {"type": "block_start", "index": 0, "kind": "text", "at_ms": 1},
        {"type": "text", "index": 0, "text": "They do."},
        {"type": "citation", "index": 0, "citation": {**cited, "start_page_number": 3, "end_page_number": 5}},
        {"type": "block_stop", "index": 0, "at_ms": 2},
        DONE,
    )
    chat.ask("Do they?")
    chat.finished()
    number = page.get_by_role("button", name="Source 1: Atlas. Rivers flow.")
    card = page.get_by_role("tooltip")
    expect(card).to_be_hidden()
    number.focus()
    expect(card).to_contain_text("Rivers flow. pages 3–4")
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    number.blur()
    number.hover()
    expect(card).to_be_visible()


def test_thinking_counts_while_it_lasts_and_says_when_it_was_cut_off(chat: Chat) -> None:
    page = chat.page
    chat.stop_time()
    chat.ask("[[stall in=thinking after=3]] Think.")
    fold = page.locator(".thinking")
    chat.frames_until(fold.count)
    page.clock.run_for(4_000)
    expect(fold.locator("summary")).to_have_text("Thinking for 4 s")
    page.keyboard.press("Escape")
    expect(fold.locator("summary")).to_have_text("Thinking, cut off")
    expect(page.locator(".note")).to_have_text("Stopped.")


def test_of_thinking_that_is_kept_back_the_page_says_about_how_much_it_is(chat: Chat) -> None:
    page = chat.page
    thought = {"type": "thinking", "index": 0, "thinking": ""}
    answer_with(
        page,
        START,
        {"type": "block_start", "index": 0, "kind": "thinking", "at_ms": 0},
        {**thought, "estimated_tokens": 1200},
        {**thought, "estimated_tokens": 50},
        {"type": "block_stop", "index": 0, "at_ms": 21_000},
        DONE,
    )
    chat.ask("Think.")
    chat.finished()
    fold = page.locator(".thinking summary")
    expect(fold).to_have_text("Thought for 21 s · about 1,250 tokens")
    page.reload()
    expect(fold).to_have_text("Thought for 21 s · about 1,250 tokens")


AFTER_A_BREAK = """() => {
  const view = new $modules["view.js"].AnswerView();
  const waits = () => view.element.querySelector(".waiting").checkVisibility();
  document.querySelector("#log").append(view.element);
  view.state = "streaming";
  const said = [[waits()]];
  for (const event of [
    {type: "block_start", index: 0, kind: "text", at_ms: 1},
    {type: "text", index: 0, text: "Half an ans"},
    {type: "retry", reason: "reset", attempt: 1, delay_ms: 1, discard: []},
    {type: "retry", reason: "overloaded_error", attempt: 2, delay_ms: 1, discard: []},
    {type: "seam", index: 0, offset: 11, trimmed: 0, attempt: 2, mode: "continue"},
  ]) {
    view.show(event);
    said.push([waits(), ...[...view.element.querySelectorAll(".note")].map((note) => note.textContent)]);
  }
  return said;
}"""


def test_while_claude_is_asked_again_the_page_says_that_it_waits(chat: Chat) -> None:
    answer_with(chat.page, START, DONE)
    chat.ask("Hello?")  # loads what shows answers
    chat.finished()
    assert chat.page.evaluate(AFTER_A_BREAK) == [
        [True],
        [False],
        [False],
        [True, "Claude could not go on (reset); asked again, attempt 1"],
        [True, "Claude could not go on (overloaded error); asked again, attempt 2"],  # one note for both
        [False],
    ]


WRITTEN = """() => {
  const view = new $modules["view.js"].AnswerView();
  document.querySelector("#log").append(view.element);
  const said = [];
  for (const event of [
    {type: "block_start", index: 0, kind: "tool_use", at_ms: 1, id: "t", name: "draw"},
    {type: "tool_input", index: 0, partial_json: '{"what": "a ri'},
    {type: "tool_input", index: 0, partial_json: 'ver"}'},
    {type: "tool_use", index: 0, id: "t", name: "draw", input: {what: "a river"}},
    {type: "tool_result", tool_use_id: "t", content: "No paper.", is_error: true},
    {type: "block_start", index: 1, kind: "tool_use", at_ms: 2, id: "u", name: "draw"},
    {type: "tool_input", index: 1, partial_json: '{"wh'},
    {type: "tool_use", index: 1, id: "u", name: "draw", input: null},
  ]) {
    view.show(event);
    const card = view.element.querySelector(".tool:last-of-type");
    said.push(["state", "input"].map((name) => card.querySelector(`[data-part=${name}]`).textContent));
  }
  return said;
}"""


def test_a_call_is_seen_while_it_is_written_runs_and_fails(chat: Chat) -> None:
    answer_with(chat.page, START, DONE)
    chat.ask("Hello?")  # loads what shows answers
    chat.finished()
    whole = '{\n  "what": "a river"\n}'
    assert chat.page.evaluate(WRITTEN) == [
        ["being written", ""],
        ["being written", '{"what": "a ri'],
        ["being written", '{"what": "a river"}'],
        ["running", whole],
        ["failed", whole],
        ["being written", ""],
        ["being written", '{"wh'],
        ["failed", '{"wh'],
    ]


ENDED = """(reasons) => reasons.map((stop_reason) => {
  const view = new $modules["view.js"].AnswerView();
  document.querySelector("#log").append(view.element);
  view.show({type: "done", stop_reason});
  return view.element.querySelector(".stop, .note").innerText.replace(/\\s+/g, " ");
})"""


def test_an_answer_that_ended_otherwise_says_why_and_what_can_be_done(chat: Chat) -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "It looked like one."}
    answer_with(
        chat.page, START, *TEXT, {**DONE, "stop_reason": "refusal", "message": {"stop_details": details}}
    )
    chat.ask("Hello?")
    chat.finished()
    card = chat.page.locator(".stop")
    expect(card).to_contain_text("Claude declined to answer this.")
    expect(card).to_contain_text("Attacks on computers. It looked like one.")
    expect(card).to_contain_text("take another model")
    expect(chat.page.get_by_role("button", name="Continue")).to_have_count(0)
    others = ["model_context_window_exceeded", "abandoned", "tool_use", "something_new"]
    assert chat.page.evaluate(ENDED, others) == [
        "The conversation has filled the model’s context. "
        "Begin a new conversation, or ask a model that takes more.",
        "Nobody was reading any more, so this was stopped.",
        "Claude called a tool that does not run here, and waits for its result.",
        "Stopped: something new.",
    ]


def test_an_answer_that_did_not_arrive_as_it_was_sent_says_so(chat: Chat) -> None:
    answer_with(chat.page, START, *TEXT, {**DONE, "digest": "0" * 64})
    chat.ask("Hello?")
    chat.finished()
    expect(chat.page.locator(".note")).to_have_text("What arrived differs from what the gateway sent.")
    expect(chat.page.locator(".verified")).to_have_count(0)
