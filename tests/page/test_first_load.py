"""What a browser that has never been here loads before it can ask."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.page.conftest import Chat

LOADED = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .map(({ name, encodedBodySize }) => [new URL(name).pathname, encodedBodySize])"""


def test_the_first_load_is_small_and_takes_few_requests(chat: Chat) -> None:
    expect(chat.page.locator("#model")).to_be_enabled()  # the last thing to arrive
    loaded = chat.page.evaluate(LOADED)
    assert len(loaded) <= 6, loaded
    assert sum(size for _, size in loaded) <= 50_000, loaded
    assert "/static/js/page.js" in [path for path, _ in loaded]


@pytest.mark.parametrize("language", ["ar", "ja"])
def test_what_is_loaded_later_arrives(open_chat: Callable[..., Chat], page_url: str, language: str) -> None:
    chat = open_chat(page_url, locale=language)
    expect(chat.page.locator("html")).to_have_attribute("lang", language)
    expect(chat.page.locator("#model")).to_be_enabled()
    assert [
        path
        for path, _ in chat.page.evaluate(LOADED)
        if re.search(rf"page\.languages\.{language}\.js$", path)
    ]


def test_the_second_visit_asks_for_the_page_alone(chat: Chat) -> None:
    expect(chat.page.locator("#model")).to_be_enabled()
    chat.page.goto(chat.page.url)  # not a reload, which asks anew for everything
    expect(chat.page.locator("#model")).to_be_enabled()
    fresh = chat.page.evaluate(
        """() => performance.getEntriesByType("resource").filter(({ name, transferSize }) =>
          name.includes("/static/") && transferSize > 0).map(({ name }) => name)"""
    )
    assert fresh == []
