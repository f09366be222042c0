"""What the reader brings and sets: files, settings, languages, the session; and what is said when something lacks."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.page.axe import violations
from tests.page.conftest import Chat
from tests.page.made_up import DONE, START, TEXT, answer_with, refuse_with

PASTE_PICTURE = """async ([width, height]) => {
  const canvas = Object.assign(document.createElement("canvas"), {width, height});
  const context = canvas.getContext("2d");
  context.fillStyle = "teal";
  context.fillRect(0, 0, width, height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve));
  const data = new DataTransfer();
  data.items.add(new File([blob], "pasted.png", {type: "image/png"}));
  document.querySelector("#message").dispatchEvent(
    new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
}"""

DROP = """([name, type, text]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([text], name, {type}));
  const fire = (kind) => document.querySelector("#log").dispatchEvent(
    new DragEvent(kind, {dataTransfer, bubbles: true, cancelable: true}));
  fire("dragenter");
  const invited = getComputedStyle(document.querySelector(".drop")).display !== "none";
  fire("dragover");
  fire("drop");
  return invited;
}"""

MODELS: list[dict[str, Any]] = [
    {
        "id": "claude-sees",
        "display_name": "Claude Sees",
        "max_input_tokens": 200_000,
        "max_tokens": 4000,
        "capabilities": {
            "image_input": {"supported": True},
            "effort": {"supported": True, "low": {"supported": True}, "max": {"supported": False}},
            "thinking": {
                "types": {"adaptive": {"supported": True}, "disabled": {"supported": False}},
            },
        },
    },
    {
        "id": "claude-blind",
        "display_name": "Claude Blind",
        "capabilities": {"image_input": {"supported": False}},
    },
]


def sent(page: Page, act: Callable[[], object]) -> dict[str, Any]:
    """Return the body of the question that *act* asks."""

    def is_question(request: Request) -> bool:
        return request.method == "POST" and request.url.endswith("/api/chat")

    with page.expect_request(is_question) as asked:
        act()
    return dict(asked.value.post_data_json or {})


def size_of(png: str) -> tuple[int, int]:
    head = base64.b64decode(png)[16:24]
    return int.from_bytes(head[:4]), int.from_bytes(head[4:])


def test_files_are_pasted_picked_and_dropped_checked_made_fit_and_sent(chat: Chat, tmp_path: Path) -> None:
    page = chat.page
    expect(page.locator("#model")).to_be_enabled()
    tray = page.get_by_role("form", name="Ask Claude").get_by_role("list", name="Attached files")
    page.evaluate(PASTE_PICTURE, [3000, 300])
    expect(tray.get_by_role("img", name="pasted.png")).to_be_visible()
    notes, program_, empty = tmp_path / "notes <b>.md", tmp_path / "a.out", tmp_path / "empty.txt"
    notes.write_text("# Notes\nRivers flow.")
    program_.write_bytes(b"\x7fELF\x00\xff")
    empty.touch()
    page.locator("#composer input[type=file]").set_input_files([notes, program_, empty])
    complaint = page.get_by_role("alert")
    expect(complaint).to_have_text(
        [re.compile("a.out is neither an image, a PDF nor text"), "empty.txt is empty."]
    )
    assert page.evaluate(DROP, ["report.pdf", "application/pdf", "%PDF-1.7 …"])
    expect(tray.get_by_role("listitem")).to_have_count(3)
    page.evaluate(DROP, ["wrong.png", "image/png", "no pixels"])
    expect(complaint).to_have_text("wrong.png cannot be read; it may be damaged.")
    tray.get_by_role("button", name="Remove report.pdf").press("Enter")
    expect(tray.get_by_role("button", name="Remove notes <b>.md")).to_be_focused()
    assert violations(page) == []

    answer_with(page, START, *TEXT, DONE)
    body = sent(page, lambda: chat.ask("What is this?"))
    image, document, words = body["messages"][0]["content"]
    assert image["source"]["media_type"] == "image/png"
    assert size_of(image["source"]["data"]) == (2000, 200)
    assert document == {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "# Notes\nRivers flow."},
        "title": "notes <b>.md",
        "citations": {"enabled": True},
    }
    assert words == {"type": "text", "text": "What is this?"}
    expect(tray).to_be_hidden()
    asked = page.get_by_role("article", name="You")
    shown = asked.get_by_role("img")
    expect(shown).to_be_visible()
    chip = asked.locator(".file").first.bounding_box()
    picture = shown.bounding_box()
    assert chip
    assert picture
    assert chip["width"] - picture["width"] <= 2  # its border: however wide the picture was
    page.emulate_media(media="print")
    expect(shown).to_be_visible()
    page.emulate_media(media="screen")
    expect(asked.get_by_role("listitem").last).to_contain_text("notes <b>.md")
    chat.finished()


def test_files_that_are_too_many_too_large_or_not_for_the_model_do_not_go_along(
    open_chat: Callable[..., Chat], page_url: str, tmp_path: Path
) -> None:
    chat = open_chat("about:blank")
    page = chat.page

    def smaller(route: Route) -> None:
        config = json.loads(route.fetch().text())
        attachments = {**config["attachments"], "max_body_bytes": 6000}
        attachments["images"] = {**attachments["images"], "max_count": 1}
        route.fulfill(json={**config, "attachments": attachments})

    page.route("**/api/config", smaller)
    page.route("**/api/models", lambda route: route.fulfill(json={"data": MODELS[::-1]}))
    page.goto(page_url)
    expect(page.locator("#model")).to_be_enabled()
    complaint = page.get_by_role("alert")
    tray = page.get_by_role("form", name="Ask Claude").get_by_role("list", name="Attached files")
    page.evaluate(PASTE_PICTURE, [10, 10])
    page.evaluate(PASTE_PICTURE, [10, 10])
    expect(complaint).to_have_text("A message takes at most 1 image.")
    for name, size, refusal in (
        ("long.txt", 6001, "long.txt is too large: 6 kB is the most."),
        ("fits.txt", 4000, None),
        ("more.txt", 4000, "All files together may have 6 kB at most."),
    ):
        (tmp_path / name).write_text("x" * size)
        page.locator("#composer input[type=file]").set_input_files(tmp_path / name)
        if refusal:
            expect(complaint).to_have_text(refusal)
        else:
            expect(tray).to_contain_text(name)
    expect(tray.get_by_role("listitem")).to_have_count(2)
    chat.ask("What is this?")
    expect(complaint).to_have_text("Claude Blind takes no images. Choose another model or take the file out.")
    expect(page.locator("article")).to_have_count(0)
    expect(chat.field).to_have_value("What is this?")


def test_what_is_attached_can_be_seen_in_all_its_size_and_taken_away(chat: Chat, tmp_path: Path) -> None:
    page = chat.page
    expect(page.locator("#model")).to_be_enabled()
    page.evaluate(PASTE_PICTURE, [1500, 300])
    notes = tmp_path / "notes.v2.md"
    notes.write_text("Rivers <b> flow.\n" * 300)
    page.locator("#composer input[type=file]").set_input_files(notes)
    tray = page.get_by_role("list", name="Attached files")
    opener = tray.get_by_role("button", name="pasted.png Image")
    viewer = page.get_by_role("dialog")
    opener.press("Enter")
    expect(viewer).to_have_accessible_name("pasted.png")
    expect(viewer.get_by_role("button", name="Close")).to_be_focused()
    shown = viewer.get_by_role("img", name="pasted.png")
    shown.evaluate("(image) => image.decode()")
    picture = shown.bounding_box()
    assert picture
    assert 1000 < picture["width"] <= page.evaluate("innerWidth")
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(opener).to_be_focused()
    tray.get_by_title("Open notes.v2.md").click()
    expect(viewer.locator("pre")).to_have_text("Rivers <b> flow.\n" * 300, use_inner_text=False)
    with page.expect_download() as saved:
        viewer.get_by_role("button", name="Download").click()
    assert saved.value.suggested_filename == notes.name
    assert saved.value.path().read_text() == notes.read_text()


HOLD_DRAFTS = """
  const get = IDBObjectStore.prototype.get;
  let held, first;
  window.holdDrafts = () => {
    held = [];
    window.draftHeld = new Promise((resolve) => (first = resolve));
  };
  window.releaseDrafts = () => {
    const late = held;
    held = null;
    for (const each of late) each.onsuccess();
  };
  IDBObjectStore.prototype.get = function (key) {
    const real = get.call(this, key);
    if (this.name !== "drafts" || held === null) return real;
    const late = {get result() { return real.result; }};
    real.onsuccess = () => (held ? first(held.push(late)) : late.onsuccess());
    return late;
  };
  window.holdDrafts();
"""
"""Let what is kept of a draft be found when the test says so."""


UNTIL_DRAFT_IS_KEPT = """async () => {
  const again = () => new Promise((resolve) => setTimeout(resolve, 20));
  while (!(await indexedDB.databases()).some(({name}) => name === "claude-gateway")) await again();
  const done = (request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
  const database = await done(indexedDB.open("claude-gateway"));
  const kept = () => done(database.transaction("drafts").objectStore("drafts").getAll());
  while (!(await kept()).some(({draft}) => draft.words)) await again();
  database.close();
}"""


def test_what_is_written_while_the_kept_draft_is_looked_for_stays(
    open_chat: Callable[..., Chat], page_url: str
) -> None:
    chat = open_chat(page_url, init=HOLD_DRAFTS)
    page = chat.page
    field = chat.field
    pasted = page.get_by_role("list", name="Attached files").get_by_role("img", name="pasted.png")
    expect(page.locator("#model")).to_be_enabled()
    page.evaluate(PASTE_PICTURE, [30, 30])
    page.evaluate("draftHeld")
    expect(pasted).to_be_visible()
    field.fill("Written early.")
    page.evaluate("releaseDrafts()")
    page.evaluate("new Promise((resolve) => setTimeout(resolve))")
    expect(field).to_have_value("Written early.")
    expect(pasted).to_be_visible()

    page.evaluate(UNTIL_DRAFT_IS_KEPT)
    page.reload()  # what is written before it has been found comes behind it
    field.fill("Written since.")
    page.evaluate("draftHeld")
    page.evaluate("releaseDrafts()")
    expect(field).to_have_value("Written early.\n\nWritten since.")
    expect(pasted).to_be_visible()


def test_what_is_written_before_the_kept_draft_is_found_stays_with_its_conversation(
    open_chat: Callable[..., Chat], page_url: str
) -> None:
    chat = open_chat(page_url, init=HOLD_DRAFTS)
    page = chat.page
    chat.field.fill("Early.")
    page.evaluate("draftHeld")
    page.evaluate("releaseDrafts()")
    page.evaluate(UNTIL_DRAFT_IS_KEPT)
    answer_with(page, START, *TEXT, DONE)
    chat.ask("A question")
    chat.finished()
    new = page.get_by_role("navigation").get_by_role("link", name="New conversation")
    page.evaluate("holdDrafts()")
    new.click()
    page.evaluate("draftHeld")
    chat.field.fill("Something else.")
    page.get_by_role("link", name="A question").click()
    expect(page.locator("article.answer")).to_have_count(1)
    expect(chat.field).to_have_value("")
    new.click()
    page.evaluate("releaseDrafts()")
    expect(chat.field).to_have_value("Something else.")


def test_who_has_gone_on_while_the_rest_is_loaded_is_not_called_back(chat: Chat) -> None:
    page = chat.page
    expect(page.locator("#model")).to_be_enabled()
    held: list[Route] = []
    page.route("**/page.chat.js*", lambda route: held.append(route))
    with page.expect_request("**/page.chat.js*"):
        chat.field.fill("Early.")
    settings = page.locator("#open-settings")
    settings.focus()
    held[0].continue_()
    page.evaluate(UNTIL_DRAFT_IS_KEPT)
    expect(settings).to_be_focused()


def test_while_the_gateway_is_away_nothing_of_a_question_is_lost(
    open_chat: Callable[..., Chat], page_url: str, tmp_path: Path
) -> None:
    chat = open_chat("about:blank")
    page = chat.page
    page.route("**/page.chat.js*", lambda route: route.abort())  # which is not loaded before it is needed
    page.goto(page_url)
    expect(page.locator("#model")).to_be_enabled()
    field = chat.field
    field.blur()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("New conversation")
    page.keyboard.press("Escape")

    page.context.set_offline(True)
    expect(page.locator("#trouble")).to_contain_text("You are offline")
    notes = tmp_path / "notes.md"
    notes.write_text("Rivers flow.")
    page.locator("#composer input[type=file]").set_input_files(notes)
    tray = page.get_by_role("form", name="Ask Claude").get_by_role("list", name="Attached files")
    expect(tray.get_by_role("listitem")).to_contain_text("waits for the gateway")
    chat.ask("What is this?")
    expect(page.locator("#problem")).to_contain_text("What is attached waits here")
    assert violations(page) == []
    page.context.set_offline(False)
    expect(page.locator("#trouble")).to_be_hidden()
    expect(tray.get_by_role("listitem")).to_contain_text("Text")

    field.press("Enter")
    expect(page.locator("#trouble")).to_contain_text("The gateway cannot be reached now")
    expect(field).to_have_value("What is this?")
    expect(tray.get_by_role("listitem")).to_contain_text("notes.md")
    page.unroute("**/page.chat.js*")
    answer_with(page, START, *TEXT, DONE)
    body = sent(page, lambda: field.press("Enter"))
    assert [block["type"] for block in body["messages"][0]["content"]] == ["document", "text"]
    expect(page.locator("#trouble")).to_be_hidden()
    chat.finished()


def test_a_question_does_not_fail_with_what_began_while_the_gateway_was_away(
    open_chat: Callable[..., Chat], page_url: str
) -> None:
    chat = open_chat("about:blank")
    page = chat.page
    held: list[Route] = []
    page.route("**/page.chat.js*", lambda route: held.append(route), times=1)
    page.goto(page_url)
    answer_with(page, START, *TEXT, DONE)
    with page.expect_request("**/page.chat.js*"):
        chat.field.fill("Hello?")  # for which it is loaded
    chat.field.press("Enter")
    held[0].abort()
    chat.finished()
    expect(page.locator("#trouble")).to_be_hidden()


def test_what_is_set_is_asked_and_what_a_model_cannot_do_says_why(
    open_chat: Callable[..., Chat], page_url: str
) -> None:
    chat = open_chat("about:blank")
    page = chat.page
    page.route("**/api/models", lambda route: route.fulfill(json={"data": MODELS}))
    page.goto(page_url)
    expect(page.locator("#model")).to_have_value("claude-sees")
    chat.open_settings()
    effort, thinking = page.get_by_label("Effort"), page.get_by_label("Thinking")
    expect(effort.get_by_role("option", name="Greatest (does not have this level)")).to_be_disabled()
    expect(thinking.get_by_role("option", name="Off (always thinks)")).to_be_disabled()
    effort.select_option("low")
    thinking.select_option("hidden")
    page.get_by_label("Longest answer, in tokens").fill("9000")
    page.get_by_label("System prompt").fill("Be brief.")
    page.get_by_label("roll_dice").uncheck()
    expect(page.get_by_label("Longest answer, in tokens")).to_have_value("4000")  # the model's own bound
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Settings, changed")).to_be_visible()

    page.route("**/api/chat/count_tokens", lambda route: route.fulfill(json={"input_tokens": 1234}))
    chat.field.fill("Hello?")
    expect(page.get_by_text("1,234 tokens")).to_be_visible()
    page.evaluate(PASTE_PICTURE, [10, 10])
    expect(
        page.get_by_label("Model").get_by_role("option", name="Claude Blind (takes no images)")
    ).to_be_disabled()
    page.get_by_role("button", name="Remove pasted.png").click()
    answer_with(page, START, *TEXT, DONE)
    body = sent(page, lambda: chat.ask("Hello?"))
    assert body == {
        "system": "Be brief.",
        "tools": [{"name": "current_time"}],
        "model": "claude-sees",
        "max_tokens": 4000,
        "output_config": {"effort": "low"},
        "thinking": {"type": "adaptive", "display": "omitted"},
        "messages": [{"role": "user", "content": "Hello?"}],
    }
    chat.finished()

    page.unroute("**/api/chat/count_tokens")
    page.route("**/api/chat/count_tokens", lambda route: route.fulfill(json={"input_tokens": 201_000}))
    chat.field.fill("And then?")
    expect(page.get_by_text("1,000 tokens too many")).to_be_visible()
    page.unroute("**/api/chat/count_tokens")
    page.route("**/api/chat/count_tokens", lambda route: route.abort())
    chat.field.fill("And now?")
    expect(page.get_by_text("tokens too many")).to_have_count(0)  # silent: nobody waits for it
    expect(page.get_by_role("alert")).to_have_count(0)
    page.reload()
    chat.open_settings()
    expect(page.get_by_label("System prompt")).to_have_value("Be brief.")
    page.get_by_label("Appearance").select_option("dark")
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"


def test_a_limit_says_in_words_how_long_it_lasts(chat: Chat) -> None:
    chat.stop_time()
    refuse_with(chat.page, 429, "rate_limit_error", "1000 tokens a day.", **{"Retry-After": "4000"})
    chat.ask("Hello?")
    button = chat.page.get_by_role("alert").get_by_role("button")
    expect(button).to_have_text("Try again in 67 min")
    chat.page.clock.run_for(3_950_000)
    expect(button).to_have_text("Try again in 50 s")


WORDS_THAT_STAY = re.compile(
    r"Claude|claude-gateway|ANTHROPIC_API_KEY|Opus|Sonnet|Haiku|Fable|Enter|Shift|SSE|WebSockets?|TCP|LRU|Python"
    r"|Ctrl|Esc|English"
)
SHOWN = """() => [...document.body.querySelectorAll("*")]
  .filter((element) => element.checkVisibility() && !element.matches("script, kbd, code, small[dir=auto]"))
  .flatMap((element) => [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data)
    .concat(["aria-label", "title", "placeholder", "alt"].map((name) => element.getAttribute(name) ?? "")))
  .filter((text) => text.trim())"""


@pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("ja", "ltr")])
def test_the_page_is_wholly_in_the_readers_language(
    open_chat: Callable[..., Chat], page_url: str, language: str, direction: str
) -> None:
    chat = open_chat(page_url, locale=f"{language}-x-any", viewport={"width": 320, "height": 640})
    page = chat.page
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator("html")).to_have_attribute("dir", direction)
    expect(page.locator("#model")).to_be_enabled()
    expect(page.locator("#examples button")).not_to_have_count(0)
    written = "getComputedStyle(document.querySelector('#message')).direction"
    assert page.evaluate(written) == direction  # of what stands there before anything is written
    chat.open_settings()
    said = [WORDS_THAT_STAY.sub("", text) for text in page.evaluate(SHOWN)]
    assert [text for text in said if re.search(r"[a-zA-Z]{2}", text)] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert violations(page) == []
    page.locator("[name=language]").select_option("en")
    expect(page.get_by_role("heading", name="Ask. The answer will not get lost.")).to_be_visible()


def test_where_nothing_can_be_asked_the_page_says_whose_matter_that_is(
    open_chat: Callable[..., Chat], page_url: str
) -> None:
    chat = open_chat("about:blank")
    page = chat.page

    def refuse(route: Route) -> None:
        error = {"type": "authentication_error", "message": "Sign in."}
        route.fulfill(status=401, json={"type": "error", "error": error, "request_id": "req_1"})

    def behind_a_proxy(route: Route) -> None:
        config = json.loads(route.fetch().text())
        route.fulfill(json={**config, "auth": "proxy", "signed_in": False})

    page.route("**/api/models", lambda route: route.abort())
    page.goto(page_url)
    notice = page.locator("#notice")
    expect(notice).to_contain_text("The gateway cannot be reached")
    assert violations(page) == []
    page.unroute("**/api/models")
    page.route("**/api/models", lambda route: route.fulfill(json={"data": []}), times=1)
    notice.get_by_role("button", name="Try again").click()
    expect(notice).to_contain_text("There is no model to ask")
    notice.get_by_role("button", name="Try again").click()
    expect(notice).to_be_empty()
    expect(page.locator("#model")).to_be_enabled()

    chat.field.fill("My draft")
    page.evaluate(UNTIL_DRAFT_IS_KEPT)  # though nothing was written since what keeps it was loaded
    page.route("**/api/config", behind_a_proxy)
    page.route("**/api/models", refuse)
    page.reload()
    expect(notice).to_contain_text("Do that there, then load this page again")
    page.unroute("**/api/config")
    page.unroute("**/api/models")
    with page.expect_navigation():
        notice.get_by_role("button").click()
    expect(page.locator("#model")).to_be_enabled()
    expect(notice).to_be_empty()
    expect(chat.field).to_have_value("My draft")
