"""The conversations at the side, as their reader handles them."""

from playwright.sync_api import Locator, expect

from tests.page.conftest import Chat


def listed(chat: Chat) -> Locator:
    return chat.page.get_by_role("navigation", name="Conversations").locator(".entry__title")


def act(chat: Chat, title: str, action: str) -> None:
    """Choose something from a conversation's menu."""
    chat.page.get_by_role("button", name=f"Actions for “{title}”").click()
    chat.page.get_by_role("menuitem", name=action, exact=True).click()


def new(chat: Chat) -> None:
    chat.page.get_by_role("navigation").get_by_role("link", name="New conversation").click()
    expect(chat.page.locator("article")).to_have_count(0)
