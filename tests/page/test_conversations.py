"""Conversations in a real browser: kept, found, branched, exported and imported, in one tab and in two."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, Route, expect

from tests.page.conftest import Chat
from tests.page.sidebar import act, listed, new

EVIL = '<img src=x onerror="alert(1)">'


def test_conversations_are_kept_found_named_pinned_deleted_and_had_back(chat: Chat) -> None:
    heading = chat.page.get_by_role("heading", level=1)
    expect(heading).to_have_text("claude-gateway")
    chat.ask("How do rivers flow?")
    chat.finished()
    expect(heading).to_have_text("How do rivers flow?")
    new(chat)
    expect(chat.page).to_have_title("claude-gateway")
    expect(heading).to_have_text("claude-gateway")
    chat.field.fill("a draft of something else")
    chat.page.get_by_role("link", name="How do rivers flow?").click()
    expect(chat.page.locator(".prompt__text")).to_have_text("How do rivers flow?")
    expect(chat.page).to_have_title("How do rivers flow? · claude-gateway")
    expect(chat.field).to_have_value("")

    chat.page.go_back()  # drafts stay where they were written
    expect(chat.field).to_have_value("a draft of something else")
    expect(chat.field).to_be_focused()
    chat.ask(f"A table of seas {EVIL}")
    chat.finished()
    expect(listed(chat)).to_have_text([f"A table of seas {EVIL}", "How do rivers flow?"])

    act(chat, "How do rivers flow?", "Rename")
    name = chat.page.get_by_label("Title", exact=True)
    expect(name).to_be_focused()
    name.fill("Rivers")
    chat.page.keyboard.press("Enter")
    expect(chat.page.get_by_role("link", name="Rivers")).to_be_focused()
    act(chat, "Rivers", "Pin")
    expect(listed(chat)).to_have_text(["Rivers", f"A table of seas {EVIL}"])
    expect(chat.page.locator(".entries__title")).to_have_text(["Pinned", "Today"])

    search = chat.page.get_by_role("searchbox", name="Search conversations")
    search.fill("EVAPORATES hill")  # stands in both answers
    expect(chat.page.locator(".entry__snippet mark").first).to_have_text(re.compile("hill|evaporates"))
    search.fill("table ONERROR")
    expect(listed(chat)).to_have_text([f"A table of seas {EVIL}"])
    expect(chat.page.get_by_role("status")).to_have_text("1 conversation found")
    search.fill("no such words")
    expect(chat.page.get_by_text("Nothing found")).to_be_visible()
    search.fill("")

    act(chat, "Rivers", "Unpin")
    act(chat, f"A table of seas {EVIL}", "Delete")
    expect(listed(chat)).to_have_text(["Rivers"])
    expect(chat.page.locator("article")).to_have_count(0)  # it was the open one
    undo = chat.page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    undo.press("Enter")
    expect(listed(chat)).to_have_text([f"A table of seas {EVIL}", "Rivers"])  # newest first again

    act(chat, "Rivers", "Delete")
    expect(undo).to_be_focused()
    chat.page.reload()  # nobody had it back
    expect(listed(chat)).to_have_text([f"A table of seas {EVIL}"])
    expect(chat.page.locator("#sidebar").locator("img")).to_have_count(0)


def test_questions_and_answers_branch_and_every_branch_stays(chat: Chat) -> None:
    chat.ask("First.")
    chat.finished()
    chat.ask("Second.")
    chat.finished()
    prompts = chat.page.locator(".prompt__text")
    prompt = chat.page.get_by_role("article", name="You").first
    prompt.hover()
    prompt.get_by_role("button", name="Edit").click()
    edited = chat.page.get_by_label("Your question, in other words")
    expect(edited).to_be_focused()
    edited.fill("First, in other words.")
    with chat.page.expect_request("**/api/chat") as sent:
        chat.page.keyboard.press("Enter")
    assert json.loads(sent.value.post_data or "")["messages"] == [
        {"role": "user", "content": "First, in other words."}
    ]
    chat.finished()
    expect(prompts).to_have_text(["First, in other words."])
    expect(prompt.locator("[data-part=which]")).to_have_text("2 of 2")

    answer = chat.page.get_by_role("article", name="Assistant")
    answer.get_by_role("button", name="Answer again").click()
    menu = chat.page.get_by_role("menu", name="Answer again")
    expect(menu.get_by_role("menuitem").first).to_be_focused()
    with chat.page.expect_request("**/api/chat") as sent:
        menu.get_by_role("menuitem", name="Haiku").first.click()
    assert "haiku" in json.loads(sent.value.post_data or "")["model"]
    chat.finished()
    expect(answer.locator("[data-part=which]")).to_have_text("2 of 2")
    expect(answer.locator(".meta")).to_contain_text("haiku")
    previous = answer.get_by_role("button", name="Previous answer")
    previous.press("Enter")
    expect(answer.locator(".meta")).to_contain_text("opus")
    expect(answer.get_by_role("button", name="Next answer")).to_be_focused()

    prompt.get_by_role("button", name="Previous wording").click()
    expect(prompts).to_have_text(["First.", "Second."])
    chat.page.reload()
    expect(prompts).to_have_text(["First.", "Second."])
    chat.field.press("ArrowUp")
    expect(edited).to_be_focused()
    expect(edited).to_have_value("Second.")
    chat.page.keyboard.press("Escape")
    expect(chat.field).to_be_focused()
    with chat.page.expect_request("**/api/chat") as sent:
        chat.ask("Third.")
    messages = json.loads(sent.value.post_data or "")["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2 + ["user"]
    assert messages[0]["content"] == "First."
    chat.finished()


IN_ORDER = """() => {
  window.happened = [];
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function (record) {
    if (record.role === "user") this.transaction.addEventListener("complete", () => happened.push("stored"));
    return put.call(this, record);
  };
  const { fetch } = window;
  window.fetch = (url, how) => {
    if (url === "api/chat") happened.push("asked");
    return fetch(url, how);
  };
}"""


def test_what_is_sent_along_is_what_the_gateway_said(chat: Chat) -> None:
    chat.page.evaluate(IN_ORDER)
    with chat.page.expect_response(re.compile(r"/api/chat/[\w-]+$")):  # the page asks what it adds
        chat.ask("[[redacted]] [[reset after=60 in=text]] Why do rivers flow?")
    chat.finished()
    assert chat.page.evaluate("happened") == ["stored", "asked"]
    expect(chat.page.locator(".seam")).to_have_count(1)
    turns = chat.told()
    assert chat.folded() == turns
    with chat.page.expect_request("**/api/chat") as sent:
        chat.ask("And?")
    messages = json.loads(sent.value.post_data or "")["messages"]
    assert messages[1:-1] == turns
    assert {block["type"] for block in messages[1]["content"]} >= {"redacted_thinking", "text"}
    chat.finished()


def test_files_go_out_and_come_in(chat: Chat, tmp_path: Path) -> None:
    chat.ask("How do rivers flow?")
    chat.finished()
    answer = chat.answer()
    with chat.page.expect_download() as markdown:
        act(chat, "How do rivers flow?", "Export as Markdown")
    assert markdown.value.suggested_filename == "How do rivers flow.md"
    text = Path(markdown.value.path()).read_text()
    assert text.startswith("# How do rivers flow?\n\n## You\n\nHow do rivers flow?\n\n## Claude (claude-")
    with chat.page.expect_download() as one:
        act(chat, "How do rivers flow?", "Export as JSON")
    assert one.value.suggested_filename == "How do rivers flow.json"
    with chat.page.expect_download() as everything:
        chat.page.get_by_role("button", name="Export all").click()
    exported = json.loads(Path(everything.value.path()).read_text())
    alone = json.loads(Path(one.value.path()).read_text())
    assert alone["conversations"] == exported["conversations"]  # there is no other
    exported["conversations"][0]["title"] = EVIL
    exported["conversations"][0]["messages"][0]["content"] = EVIL
    blocks = exported["conversations"][0]["messages"][1]["transcript"]["blocks"]
    next(block for block in blocks if block["kind"] == "text")["citations"] = [
        {"url": "javascript:alert(1)", "title": EVIL, "cited_text": EVIL}
    ]
    (tmp_path / "evil.json").write_text(json.dumps(exported))
    (tmp_path / "broken.json").write_text('{"format": "claude-gateway/conversations", "version": 1}')
    chooser = chat.page.locator("#sidebar input[type=file]")
    chooser.set_input_files(tmp_path / "broken.json")
    expect(chat.page.get_by_role("alert")).to_contain_text("damaged at file.conversations")
    chooser.set_input_files(tmp_path / "evil.json")
    expect(chat.page.get_by_role("status")).to_have_text("1 conversation imported")
    chat.page.get_by_role("link", name=EVIL).click()
    expect(chat.page.locator(".prompt__text")).to_have_text(EVIL)
    assert answer.split()[0] in chat.answer()
    expect(chat.page.locator("#log").locator("img, a[href^=javascript]")).to_have_count(0)
    chat.ask("And on?")  # an imported conversation can be gone on with
    chat.finished()
    expect(listed(chat)).to_have_count(2)


REFUSE = """({store, name}) => {
  const put = IDBObjectStore.prototype.put;
  let refused = true;
  IDBObjectStore.prototype.put = function (record) {
    if (refused && this.name === store) throw new DOMException("The quota has been exceeded.", name);
    return put.call(this, record);
  };
  window.makeRoom = () => (refused = false);
}"""


def test_a_full_device_is_told_and_the_conversation_goes_on(chat: Chat) -> None:
    chat.ask("First.")
    chat.finished()
    chat.page.evaluate(REFUSE, {"store": "messages", "name": "QuotaExceededError"})
    chat.ask("Second.")
    chat.finished()
    alert = chat.page.get_by_role("alert")
    expect(alert).to_contain_text("no room left")
    chat.page.evaluate("makeRoom()")
    chat.ask("Third.")
    chat.finished()
    expect(alert).to_be_hidden()
    chat.page.reload()  # what could not be stored then is stored now
    expect(chat.page.locator(".prompt__text")).to_have_text(["First.", "Second.", "Third."])
    expect(chat.page.locator("article.answer")).to_have_count(3)


def test_a_browser_that_keeps_nothing_says_so_and_works(
    open_chat: Callable[..., Chat], page_url: str
) -> None:
    forget = "Object.defineProperty(window, 'indexedDB', {value: {open() { throw new Error('private'); }}})"
    chat = open_chat(page_url, init=forget)
    chat.ask("First.")
    chat.finished()
    expect(chat.page.get_by_role("alert")).to_contain_text("keeps nothing")
    expect(listed(chat)).to_have_text(["First."])
    with chat.page.expect_request("**/api/chat") as sent:
        chat.ask("Second.")
    assert len(json.loads(sent.value.post_data or "")["messages"]) == 3
    chat.finished()


def test_a_reload_before_the_id_is_known_attaches_to_the_same_generation(chat: Chat) -> None:
    held: list[Route] = []
    chat.page.route("**/api/chat", lambda route: held.append(route), times=1)
    with chat.page.expect_request("**/api/chat") as first:
        chat.ask("Tell me about rivers.")
    expect(chat.page.get_by_text("Waiting for Claude")).to_be_visible()
    with chat.page.expect_request("**/api/chat") as second:
        chat.page.reload()
    assert first.value.headers["idempotency-key"] == second.value.headers["idempotency-key"]
    chat.finished()
    assert len(chat.answer()) > 50
    with suppress(Error):
        held[0].abort()  # the browser gave it up long ago


@pytest.mark.parametrize("width", [320, 768])
def test_on_a_narrow_screen_the_list_is_a_drawer_for_the_keyboard_too(
    open_chat: Callable[..., Chat], page_url: str, width: int
) -> None:
    chat = open_chat(page_url, viewport={"width": width, "height": 640})
    chat.ask("How do rivers flow?")
    chat.finished()
    button = chat.page.get_by_role("button", name="Show conversations")
    button.press("Enter")
    drawer = chat.page.get_by_role("dialog", name="Conversations")
    expect(drawer.get_by_role("link", name="How do rivers flow?")).to_be_visible()
    behind = drawer.evaluate("(element) => getComputedStyle(element, '::backdrop').backgroundColor")
    assert behind != "rgba(0, 0, 0, 0)"  # the page behind it steps back
    chat.page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(button).to_be_focused()
    button.press("Enter")
    drawer.get_by_role("button", name="Actions for “How do rivers flow?”").press("Enter")
    menu = chat.page.get_by_role("menu")
    expect(menu.get_by_role("menuitem", name="Rename")).to_be_focused()
    chat.page.keyboard.press("End")
    expect(menu.get_by_role("menuitem", name="Delete")).to_be_focused()
    chat.page.keyboard.press("Enter")
    expect(drawer.get_by_role("button", name="Undo")).to_be_focused()
    chat.page.keyboard.press("Enter")
    drawer.get_by_role("link", name="How do rivers flow?").press("Enter")
    expect(drawer).to_be_hidden()
    expect(chat.page.locator(".prompt__text")).to_have_text("How do rivers flow?")
    assert chat.page.evaluate("document.documentElement.scrollWidth") <= width
    chat.page.get_by_role("button", name="New conversation").click()
    expect(chat.page.locator(".welcome__mark")).to_be_in_viewport()  # not the end, as before


SLOW_DEVICE = """
  const now = performance.now.bind(performance);
  let late = 0;
  performance.now = () => now() + (late += 5);
"""
"""Whatever is done takes longer than may be done at a time."""


def test_of_a_long_conversation_the_end_is_there_first_and_the_rest_when_it_is_looked_for(
    open_chat: Callable[..., Chat], page_url: str, tmp_path: Path
) -> None:
    chat = open_chat(page_url, init=SLOW_DEVICE)

    def message(n: int) -> dict[str, Any]:
        common = {"id": str(n), "parent": str(n - 1) if n else None, "created": n}
        if n % 2 == 0:
            return {**common, "role": "user", "content": f"Question {n}"}
        block = {"index": 0, "turn": 0, "kind": "text", "extra": {}, "text": f"Answer {n}\n\n{'On. ' * 50}"}
        state = {"citations": [], "startMs": 0, "stopMs": 1, "state": "standing", "seams": []}
        done = {"type": "done", "stop_reason": "end_turn"}
        transcript = {
            "blocks": [{**block, **state}],
            "steps": [{"block": 0}],
            "retries": 0,
            "terminal": done,
        }
        return {**common, "role": "assistant", "asked": {}, "transcript": transcript}

    conversation = {"title": "Long", "created": 0, "changed": 1, "pinned": False, "head": "999"}
    file = {"format": "claude-gateway/conversations", "version": 1}
    whole = {**file, "conversations": [{**conversation, "messages": [message(n) for n in range(1000)]}]}
    (tmp_path / "long.json").write_text(json.dumps(whole))
    chat.page.locator("#sidebar input[type=file]").set_input_files(tmp_path / "long.json")
    chat.page.get_by_role("link", name="Long").click()
    prompts = chat.page.locator(".prompt__text")
    expect(prompts.last).to_have_text("Question 998")
    expect(prompts.last).to_be_in_viewport()
    expect(prompts).to_have_count(20)
    read = chat.page.get_by_text("Question 980", exact=True)
    read.evaluate("(element) => element.scrollIntoView({block: 'center'})")
    expect(chat.page.get_by_role("button", name="Jump to the latest")).to_be_visible()
    place = read.bounding_box()
    chat.page.get_by_role("button", name="Earlier messages").dispatch_event("click")
    expect(prompts.nth(39)).to_be_attached()
    chat.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert read.bounding_box() == pytest.approx(place, abs=2), "what is being read stays where it is"
    chat.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(prompts.first).to_have_text("Question 0")
