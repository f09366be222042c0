"""The page as most readers get it: through nginx, which may restart under them."""

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from anyio.from_thread import BlockingPortal
from playwright.sync_api import expect

from tests.nginx import Nginx
from tests.page.conftest import Chat
from tests.page.test_conversations import SLOW, folded, told
from tests.page.test_first_load import LOADED


@pytest.fixture
def nginx(portal: BlockingPortal, page_url: str, tmp_path: Path) -> Iterator[Nginx]:
    address = urlsplit(page_url)
    assert address.hostname
    assert address.port
    with portal.wrap_async_context_manager(Nginx(tmp_path, (address.hostname, address.port))) as nginx:
        yield nginx


def test_through_nginx_the_page_is_as_small_and_goes_on_when_nginx_was_killed(
    open_chat: Callable[..., Chat], nginx: Nginx, portal: BlockingPortal
) -> None:
    chat = open_chat(nginx.url)
    expect(chat.page.locator("#model")).to_be_enabled()
    loaded = chat.page.evaluate(LOADED)
    assert len(loaded) <= 15, loaded
    assert sum(size for path, size in loaded if not path.startswith("/api/")) <= 60_000, loaded
    chat.ask(SLOW)
    prose = chat.page.locator(".prose").first
    expect(prose).to_have_text(re.compile(r"(\S+\s+){20}"), timeout=15_000)
    portal.call(nginx.stop, signal.SIGKILL)
    expect(chat.page.locator(".waiting")).to_contain_text("Connection lost")
    portal.call(nginx.start)
    chat.finished()
    assert folded(chat) == told(chat)
    expect(chat.page.locator(".fault")).to_have_count(0)
