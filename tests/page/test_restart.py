"""The gateway is killed and started again while the page reads an answer: what it knew is gone, what the page has stays."""

import json
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.page.conftest import Chat
from tests.page.test_conversations import SLOW
from tests.running import program


def test_after_a_restart_the_text_stays_and_the_conversation_goes_on(open_chat: Callable[..., Chat]) -> None:
    with program(SIMULATOR_SPEED="0") as first:
        chat = open_chat(first.url)
        page = chat.page
        chat.ask(SLOW)
        prose = page.locator(".prose")
        expect(prose).to_have_text(re.compile(r"(\S+\s+){20}"), timeout=15_000)
        chat.field.fill("What I write meanwhile")
        before = prose.text_content() or ""
        first.process.kill()
        expect(page.locator(".waiting")).to_contain_text("Connection lost")
    with program("--port", str(urlsplit(first.url).port), SIMULATOR_SPEED="0") as second:
        assert second.url == first.url
        page.evaluate("dispatchEvent(new Event('online'))")  # the page would ask by itself, within 5 s
        card = page.get_by_role("alert")
        expect(card).to_contain_text("Interrupted")
        expect(card).to_contain_text("What arrived is kept")
        expect(page.get_by_role("article", name="Assistant")).to_have_attribute("aria-busy", "false")
        assert (prose.text_content() or "").startswith(before)
        expect(chat.field).to_have_value("What I write meanwhile")
        page.reload()  # it is stored like that
        expect(card).to_contain_text("Interrupted")
        assert (prose.text_content() or "").startswith(before)
        with page.expect_request("**/api/chat") as sent:
            page.get_by_role("button", name="Continue").click()
        messages = json.loads(sent.value.post_data or "")["messages"]
        assert [message["role"] for message in messages] == ["user", "assistant", "user"]
        expect(prose.nth(1)).not_to_be_empty()
        page.get_by_role("button", name="Stop").click()
        chat.finished()
        expect(chat.field).to_have_value("What I write meanwhile")
