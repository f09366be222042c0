"""The gateway is killed and started again while the page reads an answer: what it knew is gone, what the page has stays."""

import json
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.page.conftest import Chat
from tests.page.held import Held, up_to
from tests.page.wire import Wire
from tests.running import KEY, program
from tests.scripted import ScriptedClaude


def test_after_a_restart_the_text_stays_and_the_conversation_goes_on(
    open_chat: Callable[..., Chat], held: Held, held_claude: ScriptedClaude
) -> None:
    settings = {"ANTHROPIC_BASE_URL": held_claude.url, "ANTHROPIC_API_KEY": KEY}
    with program(**settings) as first, Wire(*address(first.url)) as wire:
        chat = open_chat(wire.url)
        page = chat.page
        page.clock.install()
        chat.ask("Tell me about rivers.")
        prose = page.locator(".prose")
        expect(prose).to_have_text(up_to(1))
        chat.field.fill("What I write meanwhile")
        first.process.kill()
        expect(page.locator(".waiting")).to_contain_text("Connection lost")
        with program(**settings) as second:
            wire.target = address(second.url)
            page.evaluate("dispatchEvent(new Event('online'))")  # the page would ask by itself, within 5 s
            card = page.get_by_role("alert")
            expect(card).to_contain_text("Interrupted")
            expect(card).to_contain_text("What arrived is kept")
            page.clock.fast_forward(6000)  # it says no more than one thing in three seconds
            expect(page.get_by_role("status")).to_be_empty()
            expect(page.get_by_role("article", name="Assistant")).to_have_attribute("aria-busy", "false")
            expect(prose).to_have_text(up_to(1))
            expect(chat.field).to_have_value("What I write meanwhile")
            page.reload()  # it is stored like that
            expect(card).to_contain_text("Interrupted")
            expect(prose).to_have_text(up_to(1))
            with page.expect_request("**/api/chat") as sent:
                page.get_by_role("button", name="Continue").click()
            messages = json.loads(sent.value.post_data or "")["messages"]
            assert [message["role"] for message in messages] == ["user", "assistant", "user"]
            held.finish()
            expect(prose.nth(1)).not_to_be_empty()
            chat.finished()
            expect(chat.field).to_have_value("What I write meanwhile")


def address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port
