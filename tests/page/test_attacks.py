"""Hostile words, wherever the page shows somebody's words: they stay words."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Request, expect

from tests.page.attacks import ALL, HARMLESS, MARKDOWN, SCRIPTS
from tests.page.conftest import Chat
from tests.page.made_up import DONE, START, answer_with
from tests.page.sidebar import listed

EVERYTHING = "\n\n".join(ALL)


def answer_of_attacks(evil: str) -> list[dict[str, Any]]:
    """Return an answer that says *evil* in each of its fields."""
    citation = {"type": "x", "url": evil, "title": evil, "document_title": evil, "cited_text": evil}
    called = {"type": "tool_use", "index": 1, "id": "t", "name": evil, "input": {evil: evil}}
    search = [{"type": "web_search_result", "url": evil, "title": evil, "page_age": evil}]
    return [
        {**START, "model": evil},
        {"type": "block_start", "index": 0, "kind": "thinking", "at_ms": 1},
        {"type": "thinking", "index": 0, "thinking": evil},
        {"type": "block_stop", "index": 0, "at_ms": 9},
        {"type": "block_start", "index": 1, "kind": "tool_use", "at_ms": 9, "id": "t", "name": evil},
        {"type": "tool_input", "index": 1, "partial_json": evil},
        called,
        {"type": "block_stop", "index": 1, "at_ms": 10},
        {"type": "tool_result", "tool_use_id": "t", "content": evil, "is_error": False},
        {"type": "block_start", "index": 2, "kind": evil, "at_ms": 10},
        {"type": "block", "index": 2, "block": {"type": evil, "content": search, evil: evil}},
        {"type": "block_stop", "index": 2, "at_ms": 11},
        {"type": "retry", "reason": evil, "attempt": 1, "delay_ms": 1, "discard": []},
        {"type": "block_start", "index": 3, "kind": "text", "at_ms": 12},
        {"type": "text", "index": 3, "text": evil},
        {"type": "citation", "index": 3, "citation": citation},
        {"type": "block_stop", "index": 3, "at_ms": 13},
    ]


def watched(chat: Chat) -> list[str]:
    """Return a list that gets the address of each request to another host."""
    away: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((chat.page.url.split("#")[0], "blob:", "data:")):
            away.append(request.url)

    chat.page.on("request", note)
    return away


def opened(chat: Chat) -> None:
    """Show what is folded away, and come near what is done when it comes near."""
    chat.page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    chat.page.evaluate("dispatchEvent(new Event('beforeprint'))")


def test_hostile_answers_stay_words_in_every_field(chat: Chat) -> None:
    away = watched(chat)
    answer_with(chat.page, *answer_of_attacks(EVERYTHING), DONE)
    chat.ask("\n".join(SCRIPTS))
    chat.finished()
    opened(chat)
    prose = chat.page.locator(".prose")
    expect(prose).to_contain_text("<img src=x onerror=pwned=1>")
    expect(prose.locator(".refused").first).to_be_visible()
    error = {"type": "api_error", "message": EVERYTHING}
    answer_with(chat.page, START, {"type": "error", "error": error, "request_id": SCRIPTS[2]})
    chat.ask(EVERYTHING)
    expect(chat.page.get_by_role("alert")).to_contain_text(SCRIPTS[0])
    expect(listed(chat)).to_contain_text("<script>pwned=1</script>")  # the title
    assert chat.page.evaluate(HARMLESS) == []
    assert away == []


def test_hostile_words_that_come_letter_by_letter_stay_words(chat: Chat) -> None:
    chat.page.evaluate(
        """async (texts) => {
          const { Prose } = await import("/static/js/markdown/prose.js");
          const element = document.getElementById("log");
          for (const text of texts) {
            const prose = new Prose(element.appendChild(document.createElement("div")));
            for (const letter of text) { prose.push(letter); prose.draw(); }
            prose.end();
          }
        }""",
        MARKDOWN,
    )
    assert chat.page.evaluate(HARMLESS) == []


def test_hostile_file_names_and_imports_stay_words(chat: Chat, tmp_path: Path) -> None:
    away = watched(chat)
    names = [name.replace("/", "∕").replace("\n", " ").replace("\0", "") for name in ALL]
    files = [{"name": f"{name[:60]}.txt", "mimeType": "text/plain", "buffer": b"x"} for name in names[:6]]
    expect(chat.page.locator("#model")).to_be_enabled()
    chat.page.locator("#composer input[type=file]").set_input_files(files)  # type: ignore[arg-type]
    expect(chat.page.locator("#composer .file__name")).to_have_count(6)
    assert chat.page.evaluate(HARMLESS) == []

    # a file is not taken in whose names are longer than names are
    answer_with(chat.page, *answer_of_attacks("".join(SCRIPTS)[:900]), DONE)
    chat.ask(EVERYTHING)
    chat.finished()
    with chat.page.expect_download() as everything:
        chat.page.get_by_role("button", name="Export all").click()
    exported = tmp_path / "all.json"
    everything.value.save_as(exported)
    chat.page.locator("#sidebar input[type=file]").set_input_files(exported)
    links = chat.page.locator("[data-conversation] [data-part=link]")
    expect(links).to_have_count(2)
    imported = links.nth(1 if links.first.get_attribute("aria-current") else 0)
    imported.click()
    expect(imported).to_have_attribute("aria-current", "page")
    chat.finished()
    opened(chat)
    assert chat.page.evaluate(HARMLESS) == []
    assert away == []
