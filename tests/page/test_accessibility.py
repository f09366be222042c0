"""The page for everybody: axe, the tree, announcements, keys, narrow screens, large text, forced colours."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.page.axe import violations
from tests.page.conftest import Chat
from tests.page.made_up import DONE, START, answer_with, refuse_with

MARKDOWN = """\
# Rivers

They *flow*, `downhill`, see [here](https://example.com).

| river | length |
| --- | ---: |
| Nile | 6650 |

```python
def flow(): return "sea"
```

- [x] read
- [ ] listen
"""

EVERYTHING: list[dict[str, Any]] = [
    START,
    {"type": "block_start", "index": 0, "kind": "thinking", "at_ms": 100},
    {"type": "thinking", "index": 0, "thinking": "Hm, rivers."},
    {"type": "block_stop", "index": 0, "at_ms": 3300},
    {
        "type": "block_start",
        "index": 1,
        "kind": "server_tool_use",
        "at_ms": 3300,
        "id": "s",
        "name": "web_search",
    },
    {
        "type": "block",
        "index": 1,
        "block": {"type": "server_tool_use", "id": "s", "input": {"query": "rivers"}},
    },
    {"type": "block_start", "index": 2, "kind": "web_search_tool_result", "at_ms": 3400},
    {
        "type": "block",
        "index": 2,
        "block": {
            "type": "web_search_tool_result",
            "tool_use_id": "s",
            "content": [
                {
                    "type": "web_search_result",
                    "url": "https://example.com/r",
                    "title": "Rivers",
                    "encrypted_content": "SECRET",
                }
            ],
        },
    },
    {"type": "block_start", "index": 3, "kind": "text", "at_ms": 3500},
    {"type": "text", "index": 3, "text": MARKDOWN},
    {
        "type": "citation",
        "index": 3,
        "citation": {
            "type": "web_search_result_location",
            "url": "https://example.com/r",
            "title": "Rivers",
            "cited_text": "They flow.",
        },
    },
    {"type": "block_stop", "index": 3, "at_ms": 3600},
    {"type": "retry", "reason": "reset", "attempt": 1, "delay_ms": 1, "discard": []},
    {
        **DONE,
        "stop_reason": "refusal",
        "message": {
            "stop_details": {"type": "refusal", "category": "cyber", "explanation": "It looked like one."}
        },
    },
]

WATCH_STATUS = """
window.announced = [];
addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
  const said = document.querySelector("[role=status]").textContent;
  if (said) window.announced.push(said);
}).observe(document.querySelector("[role=status]"), {childList: true, characterData: true, subtree: true}));
"""

SMALL_TARGETS = """(least) => [...document.querySelectorAll("button, select, summary, input, textarea")]
  .filter((element) => element.checkVisibility() && !element.closest(".hidden, .prose"))
  .map((element) => element.type === "checkbox" ? element.closest("label") : element)
  .map((element) => [element.className || element.id || element.textContent, element.getBoundingClientRect()])
  .filter(([, {width, height}]) => width > 0 && (width < least || height < least))
  .map(([name, {width, height}]) => `${name} ${width}x${height}`)"""


def ask_everything(chat: Chat) -> None:
    answer_with(chat.page, *EVERYTHING)
    chat.ask("Tell me all about rivers.")
    chat.finished()
    refuse_with(chat.page, 400, "invalid_request_error", "messages: something is wrong.")
    chat.ask("And?")
    expect(chat.page.get_by_role("alert")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_about(
    open_chat: Callable[..., Chat], page_url: str, scheme: str
) -> None:
    chat = open_chat(page_url, color_scheme=scheme, reduced_motion="reduce")
    page = chat.page
    expect(page.locator("#model")).to_be_enabled()
    assert violations(page) == []  # nothing asked yet
    ask_everything(chat)
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    expect(page.get_by_text("SECRET")).to_have_count(0)
    assert violations(page) == []
    page.emulate_media(contrast="more")
    assert violations(page, "color-contrast-enhanced") == []  # 7:1, for who asks for it
    page.emulate_media(contrast="no-preference")
    chat.open_settings()
    assert violations(page) == []
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    assert violations(page) == []


def test_the_status_says_what_goes_on_and_the_text_is_not_read_aloud_as_it_grows(
    open_chat: Callable[..., Chat], page_url: str
) -> None:
    chat = open_chat(page_url, init=WATCH_STATUS)
    page = chat.page
    chat.stop_time()
    answer_with(page, *EVERYTHING[:-1], DONE)
    chat.ask("Tell me all about rivers.")
    status = page.get_by_role("status")
    expect(status).to_have_text("Claude is thinking")
    chat.frames_until(page.locator("article.answer[aria-busy=false]").count)
    page.clock.run_for(10_000)
    expect(status).to_have_text(re.compile("^Answer complete, "))
    said = page.evaluate("announced")
    assert said[0] == "Claude is thinking"
    assert len(said) <= 3
    live = page.locator("[aria-live]:not([aria-live=off]), [role=log]:not([aria-live=off])")
    expect(live).to_have_count(0)
    article = page.get_by_role("log", name="Conversation").get_by_role(
        "article", name="Assistant, claude-test"
    )
    expect(article).to_match_aria_snapshot("""
      - article "Assistant, claude-test":
        - group: Thought for 3.2 s
        - group: /Web search rivers\\s*done/
        - heading "Rivers" [level=3]
        - paragraph:
          - text: They
          - emphasis: flow
          - text: ","
          - code: downhill
          - text: ", see"
          - link "here"
    """)


def focused(page: Page) -> str:
    return str(
        page.evaluate(
            "document.activeElement.getAttribute('aria-label') ?? document.activeElement.labels[0].innerText"
        )
    ).partition("\n")[0]


def test_everything_can_be_done_with_keys_alone(chat: Chat) -> None:
    page = chat.page
    expect(page.locator("#model")).to_be_enabled()
    expect(chat.field).to_be_focused()
    order = []
    for _ in range(4):
        page.keyboard.press("Tab")
        order.append(focused(page))
    assert order == ["Attach files", "Settings", "Model", "Send"]
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_contain_text("Stop the answer")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(page.get_by_role("button", name="Send")).to_be_focused()
    page.keyboard.press("/")
    expect(chat.field).to_be_focused()
    page.keyboard.type("/?")
    expect(chat.field).to_have_value("/?")
    page.keyboard.press("Control+k")
    expect(page.get_by_label("Search conversations")).to_be_focused()
    page.keyboard.press("Control+Shift+s")
    expect(page.get_by_role("navigation", name="Conversations")).to_be_hidden()
    page.keyboard.press("Control+k")
    expect(page.get_by_label("Search conversations")).to_be_focused()
    page.get_by_label("Message", exact=True).focus()
    page.keyboard.press("Control+,")
    panel = page.get_by_role("dialog", name="Settings")
    expect(panel).to_be_visible()
    page.get_by_label("Shortcuts of a single key").select_option("off")
    page.keyboard.press("Escape")
    expect(chat.field).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_have_count(0)


# A browser at 200 % has half as many pixels, twice as dense.
@pytest.mark.parametrize(("width", "zoom"), [(320, 1), (640, 2)], ids=["320 px", "1280 px at 200 %"])
def test_nothing_scrolls_sideways_and_every_target_can_be_hit(
    open_chat: Callable[..., Chat], page_url: str, width: int, zoom: int
) -> None:
    chat = open_chat(page_url, viewport={"width": width, "height": 640}, device_scale_factor=zoom)
    ask_everything(chat)
    assert chat.page.evaluate("document.documentElement.scrollWidth") <= width
    assert chat.page.evaluate(SMALL_TARGETS, 24) == []
    chat.open_settings()
    assert chat.page.evaluate("document.querySelector('#settings').scrollWidth") <= width
    assert chat.page.evaluate(SMALL_TARGETS, 24) == []


def test_with_forced_colours_controls_keep_an_outline(open_chat: Callable[..., Chat], page_url: str) -> None:
    chat = open_chat(page_url, forced_colors="active")
    page = chat.page
    expect(page.locator(".example").first).to_be_visible()
    borders = page.evaluate(
        "['.act', '.composer__box', '.example'].map((each) =>"
        " getComputedStyle(document.querySelector(each)).borderTopStyle)"
    )
    assert borders == ["solid"] * 3
    chat.field.focus()
    outline = "getComputedStyle(document.querySelector('.composer__box')).outlineStyle"
    assert page.evaluate(outline) == "solid"
    answer_with(page, *EVERYTHING)
    chat.ask("Tell me all about rivers.")
    chat.finished()
    marks = page.evaluate(
        "['.entry:has([aria-current])', '.prose p code'].map((each) =>"
        " getComputedStyle(document.querySelector(each)).outlineStyle)"
    )
    assert marks == ["solid"] * 2  # where a colour alone said which conversation is open, and what is code
    assert violations(page) == []


def test_when_a_phones_keyboard_opens_the_text_field_and_the_end_of_the_text_stay_in_view(
    open_chat: Callable[..., Chat], page_url: str
) -> None:
    chat = open_chat(page_url, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page = chat.page
    answer_with(page, *EVERYTHING)
    chat.field.fill("Tell me all about rivers.")
    page.keyboard.press("Enter")
    expect(chat.field).to_have_value("Tell me all about rivers.\n")  # a phone has no other way to a new line
    page.get_by_role("button", name="Send").tap()
    chat.finished()
    chat.field.tap()
    page.set_viewport_size({"width": 390, "height": 380})  # as interactive-widget=resizes-content does
    expect(page.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)
    expect(page.locator(".foot").last).to_be_in_viewport()
    font = "parseFloat(getComputedStyle(document.querySelector('#message')).fontSize)"
    assert page.evaluate(font) >= 16  # below that phones zoom in
    assert page.evaluate(SMALL_TARGETS, 34) == []  # for a thumb
    answer_with(page, *EVERYTHING)
    page.get_by_role("button", name="Answer again").tap()
    page.get_by_role("menuitem", name="Answer again").tap()
    expect(page.get_by_text("2 of 2")).to_be_visible()
    expect(page.get_by_label("Message", exact=True)).not_to_be_focused()  # the keyboard would hide the answer


def test_on_paper_the_conversation_is_whole_and_without_controls(chat: Chat) -> None:
    ask_everything(chat)
    chat.page.emulate_media(media="print")
    expect(chat.page.get_by_text("Hm, rivers.")).to_be_visible()
    expect(chat.page.get_by_role("link", name="Rivers")).not_to_have_count(0)
    expect(chat.page.locator("button:visible, textarea:visible, select:visible, nav:visible")).to_have_count(
        0
    )
    assert chat.page.evaluate("getComputedStyle(document.querySelector('#scroller')).overflow") == "visible"
