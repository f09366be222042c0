"""How text appears: typed, as it comes, or without motion. Time stands still here, but for single frames."""

from playwright.sync_api import expect

from tests.page.conftest import FRAME_MS, Chat
from tests.page.made_up import DONE, START, TEXT, answer_with

WORDS = "Rivers flow to the sea. " * 60
WHOLE = len(WORDS.strip())

HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def shown(chat: Chat) -> int:
    prose = chat.page.locator("article.answer").last.locator(".prose")
    # The last line keeps the blank it ends in until the answer has ended.
    return len((prose.text_content() or "").rstrip()) if prose.count() else 0


def ask(chat: Chat) -> None:
    chat.frames_until(chat.page.locator("#composer[data-mode=send]").count)
    answer_with(chat.page, START, TEXT[0], {**TEXT[1], "text": WORDS}, DONE)
    with chat.page.expect_response("**/api/chat"):
        chat.ask("How do rivers flow?")


def next_frame(chat: Chat) -> int:
    """Return how much of the text stands there after one more frame."""
    chat.page.clock.run_for(FRAME_MS)
    return shown(chat)


def first_shown(chat: Chat) -> int:
    """Return how much of the text the first frame brings that brings any."""
    while (length := next_frame(chat)) == 0:
        pass
    return length


def test_text_is_typed_or_comes_at_once_as_the_reader_likes(chat: Chat) -> None:
    page = chat.page
    expect(page.locator("#model")).to_be_enabled()
    chat.stop_time()
    ask(chat)
    first = first_shown(chat)
    assert 0 < first < next_frame(chat) < next_frame(chat) < WHOLE, "smoothly: a little with every frame"

    chat.open_settings()
    page.get_by_label("Text appears").select_option("As it comes")
    page.keyboard.press("Escape")
    assert next_frame(chat) == WHOLE, "as it comes, from the next frame on"
    ask(chat)
    assert first_shown(chat) == WHOLE

    page.evaluate("localStorage.removeItem('claude-gateway/pace')")
    page.emulate_media(reduced_motion="reduce")
    ask(chat)
    assert first_shown(chat) == WHOLE, "the system's wish for less motion comes first"

    page.emulate_media(reduced_motion="no-preference")
    ask(chat)
    assert first_shown(chat) < WHOLE
    page.evaluate(HIDE, True)  # browsers draw no frames of a page that nobody sees
    assert shown(chat) == WHOLE
    expect(page).to_have_title(
        "✓ How do rivers flow? · claude-gateway"
    )  # who looks at another tab sees it there
    page.evaluate(HIDE, False)
    expect(page).to_have_title("How do rivers flow? · claude-gateway")
