"""More answers at once than a browser has connections: six to one host over HTTP/1.1, for all its tabs together."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, WebSocket, expect

from tests.page.conftest import Chat

LONG = "[[speed 1]] [[ttft 0]] [[rate 20]] [[long]]"
CANCEL = "(ids) => Promise.all(ids.map((id) => fetch(`api/chat/${id}`, {method: 'DELETE'})))"
WRITTEN = re.compile(r"(\S+\s+){3}")


def test_seven_answers_at_once_are_all_written_and_each_can_be_stopped(
    chat: Chat, watch: Callable[[Page], Chat]
) -> None:
    page = chat.page
    sockets: list[WebSocket] = []
    page.on("websocket", lambda socket: sockets.append(socket))
    expect(page.locator("#model")).to_be_enabled()
    for n in range(6):
        with page.expect_response("**/api/chat"):
            chat.ask(f"{LONG} Number {n}.")
        page.get_by_role("navigation").get_by_role("link", name="New conversation").click()
        expect(page.locator("article")).to_have_count(0)
    other = watch(page.context.new_page())
    other.page.on("websocket", lambda socket: sockets.append(socket))
    other.page.goto(page.url)
    other.ask(f"{LONG} Number 6.")
    expect(other.page.locator(".prose")).to_have_text(WRITTEN)
    with other.page.expect_response("**/count_tokens"):
        other.field.fill("And what would this cost?")
    assert len(sockets) == 3
    for n in (6, 1):  # over a WebSocket, and over HTTP in the other tab
        other.page.get_by_role("link", name=f"Number {n}.").click()
        expect(other.page.locator(".prompt__text")).to_contain_text(f"Number {n}.")
        expect(other.page.locator(".prose")).to_have_text(WRITTEN)
        other.page.get_by_role("button", name="Stop").click()
        expect(other.page.locator(".note")).to_have_text("Stopped.")
    other.page.evaluate(CANCEL, [each["generation"] for each in chat.messages() if each.get("running")])
