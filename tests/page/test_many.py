"""More answers at once than a browser has connections: six to one host over HTTP/1.1, for all its tabs together."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, WebSocket, expect

from tests.page.conftest import Chat
from tests.page.held import Held, up_to
from tests.page.sidebar import new
from tests.running import Gateway
from tests.scripted import ScriptedClaude

NO_SOCKETS = """
window.WebSocket = class extends EventTarget {
  constructor() {
    super();
    setTimeout(() => {
      this.onclose?.(new Event("close"));
      this.dispatchEvent(new Event("close"));
    });
  }
  close() {}
};
"""


@pytest.fixture
def gateway(held_gateway: Gateway) -> str:
    return held_gateway.url


def test_seven_answers_at_once_are_all_written_and_each_can_be_stopped(
    chat: Chat, held: Held, watch: Callable[[Page], Chat]
) -> None:
    page = chat.page
    sockets: list[WebSocket] = []
    page.on("websocket", lambda socket: sockets.append(socket))
    expect(page.locator("#model")).to_be_enabled()
    for n in range(6):
        with page.expect_response("**/api/chat"):
            chat.ask(f"Number {n}.")
        new(chat)
    other = watch(page.context.new_page())
    other.page.on("websocket", lambda socket: sockets.append(socket))
    other.page.goto(page.url)
    other.ask("Number 6.")
    expect(other.page.locator(".prose")).to_have_text(up_to(1))
    with other.page.expect_response("**/count_tokens"):
        other.field.fill("And what would this cost?")
    assert len(sockets) == 5  # three are read over, and one was tried in each tab
    held.go_on()
    for n in (6, 1):  # over a WebSocket, and over HTTP in the other tab
        other.page.get_by_role("link", name=f"Number {n}.").click()
        expect(other.page.locator(".prompt__text")).to_have_text(f"Number {n}.")
        expect(other.page.locator(".prose")).to_have_text(up_to(2))
        other.page.get_by_role("button", name="Stop").click()
        expect(other.page.locator(".note")).to_have_text("Stopped.")


def test_where_no_websocket_comes_through_the_fifth_is_asked_when_another_has_ended(
    open_chat: Callable[..., Chat], gateway: str, held_claude: ScriptedClaude
) -> None:
    chat = open_chat(gateway, init=NO_SOCKETS)
    page = chat.page
    for n in range(4):
        with page.expect_response("**/api/chat"):
            chat.ask(f"Number {n}.")
        new(chat)
    chat.ask("Number 4.")
    expect(page.locator(".waiting")).to_contain_text("Waits until another answer has ended")
    page.get_by_role("link", name="Number 2.").click()
    expect(page.locator(".prompt__text")).to_have_text("Number 2.")
    assert len(held_claude.calls) == 4
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".note")).to_have_text("Stopped.")
    page.get_by_role("link", name="Number 4.").click()
    expect(page.locator(".prose")).to_have_text(up_to(1))
    assert len(held_claude.calls) == 5
