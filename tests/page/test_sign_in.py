"""Readers sign in on the page, and lose nothing when their session ends in the middle."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from playwright.sync_api import expect

from tests.page.axe import violations
from tests.page.conftest import Chat
from tests.running import Gateway, serving
from tests.scripted import Call, ScriptedClaude, Steps, always, saying
from tests.sign_in_service import ED_KEY, key_server, public, signed_in_by, token
from tests.signing_in import ALICE, tokens_file


@pytest.fixture
def half() -> asyncio.Event:
    """Let Claude go on, once it has said half of what it has to say."""
    return asyncio.Event()


@pytest.fixture
def gateway(portal: BlockingPortal, half: asyncio.Event) -> Iterator[Gateway]:
    """Run a gateway whose readers sign in somewhere else."""

    def script(call: Call) -> Steps:
        steps = saying("Half an answer", " and the rest.")
        return [*steps[:3], half, *steps[3:]]

    with ExitStack() as stack:
        enter = stack.enter_context
        claude = enter(portal.wrap_async_context_manager(ScriptedClaude(script)))
        keys = enter(portal.wrap_async_context_manager(key_server(public(ED_KEY, "ed"))))
        yield enter(portal.wrap_async_context_manager(serving(claude.url, **signed_in_by(keys.url))))


def cut(gateway: Gateway) -> None:
    """Break every connection to it."""
    for connection in list(gateway.server.server_state.connections):
        connection.transport.abort()


def signed(**claims: object) -> str:
    return token(ED_KEY, "ed", "EdDSA", preferred_username="Zoë", **claims)


def test_a_session_that_ends_in_the_middle_is_renewed_and_all_goes_on(
    open_chat: Callable[..., Chat],
    gateway: Gateway,
    portal: BlockingPortal,
    half: asyncio.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chat = open_chat(gateway.url)
    page = chat.page
    dialog = page.get_by_role("dialog", name="Sign in")
    field = dialog.get_by_label("Access token")
    expect(dialog).to_contain_text("paste the token (a JWT) that you got there")
    assert violations(page) == []
    for wrong in ("no token", signed(exp=int(time.time()) - 120)):
        field.fill(wrong)
        page.keyboard.press("Enter")
        expect(dialog.get_by_role("alert")).to_contain_text("This token does not hold here")
        expect(field).to_be_focused()
    field.fill(signed())
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    chat.ask("My question")
    prose = page.locator(".prose")
    expect(prose).to_have_text("Half an answer")
    draft = chat.field
    draft.fill("My draft")

    fresh = signed(exp=int(time.time()) + 7200)
    later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: later)
    portal.call(cut, gateway)
    expect(dialog).to_contain_text("Your session has ended")
    portal.call(half.set)
    field.fill(fresh)
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(prose).to_have_text("Half an answer and the rest.")
    expect(draft).to_have_value("My draft")
    chat.finished()

    page.context.clear_cookies()
    draft.press("Enter")
    dialog.get_by_role("button", name="Not now").click()
    card = page.locator("#log").get_by_role("alert")
    expect(card).to_contain_text("Not signed in")
    expect(page.locator(".prompt__text")).to_have_text(["My question", "My draft"])
    page.locator("header").get_by_role("button", name="Sign in").click()
    field.fill(fresh)
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    card.get_by_role("button", name="Try again").click()
    expect(prose).to_have_text(["Half an answer and the rest."] * 2)
    chat.finished()
    assert fresh not in page.content() + page.evaluate("JSON.stringify(localStorage)")

    chat.open_settings()
    expect(page.get_by_text("Signed in as Zoë")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(dialog).to_be_visible()


def test_signing_in_keeps_the_draft_and_goes_on_with_what_was_refused(
    open_chat: Callable[..., Chat], portal: BlockingPortal, tmp_path: Path
) -> None:
    claude = ScriptedClaude(always(saying("Hello.")))
    settings = {"auth": "token", "tokens_file": tokens_file(tmp_path)}
    with (
        portal.wrap_async_context_manager(claude),
        portal.wrap_async_context_manager(serving(claude.url, **settings)) as gateway,
    ):
        _sign_in_and_ask(open_chat(gateway.url))


def _sign_in_and_ask(chat: Chat) -> None:
    page = chat.page
    dialog = page.get_by_role("dialog", name="Sign in")
    field = dialog.get_by_label("Access token")
    expect(field).to_be_focused()
    assert violations(page) == []
    field.fill("cgw_wrong")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("This token is not known here")
    expect(field).to_have_attribute("aria-invalid", "true")
    dialog.get_by_role("button", name="Not now").click()
    with page.expect_response("**/count_tokens"):
        chat.field.fill("My question")
    expect(dialog).to_be_hidden()  # who said no is left to write
    page.get_by_role("button", name="Sign in").click()
    field.fill(ALICE)
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.locator("#model")).to_have_value("claude-opus-5-5")
    expect(chat.field).to_have_value("My question")

    page.context.clear_cookies()  # the session has ended meanwhile
    chat.field.press("Enter")
    field.fill(ALICE)
    page.keyboard.press("Enter")
    chat.finished()
    assert chat.answer()
    expect(page.locator(".prompt__text")).to_have_text("My question")
    assert ALICE not in page.content()

    chat.open_settings()
    expect(page.get_by_text("Signed in as alice")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(dialog).to_be_visible()
