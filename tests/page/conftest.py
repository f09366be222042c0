"""A real browser on the real page: nothing bypassed, every complaint of the browser collected."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.page.held import Held
from tests.page.wire import Wire
from tests.running import Gateway, serving
from tests.scripted import ScriptedClaude

expect.set_options(timeout=20_000)
"""Only what never comes takes as long, also while everything else is tested on the same two cores."""

CHROMIUM = Path(shutil.which("chromium-headless-shell") or "/usr/bin/chromium")
"""The shell is the same engine without Chromium's own windows, which are pages too: half the CPU seconds of a test."""
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
FRAME_MS = 16

WATCH_POLICY = """
window.policyViolations = [];
document.addEventListener("securitypolicyviolation",
  (event) => window.policyViolations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""


STORED = """async () => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const database = await done(indexedDB.open("claude-gateway"));
  const messages = await done(database.transaction("messages").objectStore("messages").getAll());
  database.close();
  return messages.sort((one, other) => one.created - other.created);
}"""


@dataclass
class Chat:
    """The page as its reader handles it."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    @property
    def field(self) -> Locator:
        """Where the reader writes."""
        return self.page.get_by_label("Message", exact=True)

    def ready(self) -> None:
        """Wait until the page takes a question: the button still stops for a moment after an answer's last word."""
        expect(self.page.locator("#composer")).to_have_attribute("data-mode", "send")

    def ask(self, prompt: str) -> None:
        self.ready()
        self.field.fill(prompt)
        self.field.press("Enter")

    def stop_time(self) -> None:
        """From now on nothing moves by itself: no frame is drawn, no timer ends. Network and storage go on."""
        now = datetime.now(tz=UTC)
        self.page.clock.install(time=now)
        self.page.clock.pause_at(now + timedelta(minutes=1))

    def frames_until(self, condition: Callable[[], object]) -> None:
        """Let as many frames pass, one by one, as it takes."""
        while not condition():
            self.page.clock.run_for(FRAME_MS)

    def finished(self) -> None:
        """Wait until no answer is being written, and the next question is taken."""
        expect(self.page.locator("article.answer")).not_to_have_count(0)
        expect(self.page.locator("article.answer[aria-busy=true]")).to_have_count(0, timeout=30_000)
        self.ready()

    def open_settings(self) -> None:
        self.page.locator("#open-settings").click()
        expect(self.page.locator("#settings")).to_be_visible()

    def messages(self) -> list[dict[str, Any]]:
        """Return what is stored of all conversations, oldest first."""
        messages: list[dict[str, Any]] = self.page.evaluate(STORED)
        return messages

    def stored(self) -> dict[str, Any]:
        """Return the last answer as it is stored. One that is shown as ended has been stored as ended before."""
        *_, reply = (message for message in self.messages() if message["role"] == "assistant")
        assert "running" not in reply
        return reply

    def text(self) -> str:
        """Return the last answer's text as it is stored."""
        blocks = self.stored()["transcript"]["blocks"]
        return "".join(block["text"] for block in blocks if block["kind"] == "text")

    def told(self) -> list[dict[str, Any]]:
        """Return what the gateway says that the last answer adds to the conversation."""
        turns: list[dict[str, Any]] = self.page.evaluate(
            "async (id) => (await (await fetch(`api/chat/${id}`)).json()).turns", self.stored()["generation"]
        )
        return turns

    def folded(self) -> list[dict[str, Any]]:
        """Return the same as the page has folded it from the events."""
        turns: list[dict[str, Any]] = self.page.evaluate(
            "(transcript) => $modules['turns.js'].turns(transcript)", self.stored()["transcript"]
        )
        return turns

    def answer(self) -> str:
        """Return the last answer's text as it is shown."""
        return self.page.locator("article.answer").last.locator(".prose").all_text_contents()[-1]


# Of the package: playwright keeps a loop running, which the asynchronous tests must not meet.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{CHROMIUM} is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture
def portal() -> Iterator[BlockingPortal]:
    """Run what is asynchronous, beside the browser."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def held(portal: BlockingPortal) -> Held:
    """Say what a Claude says that waits for the test."""
    return Held(portal)


@pytest.fixture
def held_claude(held: Held, portal: BlockingPortal) -> Iterator[ScriptedClaude]:
    with portal.wrap_async_context_manager(ScriptedClaude(held)) as claude:
        yield claude


@pytest.fixture
def held_gateway(held_claude: ScriptedClaude, portal: BlockingPortal) -> Iterator[Gateway]:
    """Run a gateway in front of it."""
    with portal.wrap_async_context_manager(serving(held_claude.url)) as gateway:
        yield gateway


@pytest.fixture
def page_url(request: pytest.FixtureRequest) -> str:
    """Return where the page is: a gateway in demo mode, or what ``PAGE_URL`` names."""
    return os.environ.get("PAGE_URL") or str(request.getfixturevalue("gateway"))


@pytest.fixture
def watch() -> Iterator[Callable[[Page], Chat]]:
    """Handle a tab; afterwards assert that the browser had nothing to complain about there."""
    chats: list[Chat] = []

    def start(page: Page) -> Chat:
        chat = Chat(page)
        chats.append(chat)
        page.on("pageerror", lambda error: chat.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                chat.complaints.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        return chat

    yield start
    for chat in chats:
        if not chat.page.is_closed():
            chat.complaints += chat.page.evaluate("window.policyViolations")
    # a refused or cut request is the very thing that some tests make; the browser reports each
    complaints = [
        complaint
        for chat in chats
        for complaint in chat.complaints
        if not complaint.startswith("Failed to load resource")
    ]
    assert complaints == []


@pytest.fixture
def profiles(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Make fresh profiles."""
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(**options)
        contexts.append(context)
        context.add_init_script(WATCH_POLICY)
        return context

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def open_chat(profiles: Callable[..., BrowserContext], watch: Callable[[Page], Chat]) -> Callable[..., Chat]:
    """Open the page in a fresh profile; *init* runs in it first."""

    def start(
        url: str, *, reduced_motion: str = "no-preference", init: str | None = None, **options: Any
    ) -> Chat:
        context = profiles(reduced_motion=reduced_motion, **options)
        if init:
            context.add_init_script(init)
        chat = watch(context.new_page())
        chat.page.goto(url)
        return chat

    return start


@pytest.fixture
def chat(open_chat: Callable[..., Chat], page_url: str) -> Chat:
    return open_chat(page_url)


@pytest.fixture
def wire(page_url: str) -> Iterator[Wire]:
    """Put a cable between browser and gateway, to be cut."""
    address = urlsplit(page_url)
    assert address.hostname
    assert address.port
    with Wire(address.hostname, address.port) as wire:
        yield wire
