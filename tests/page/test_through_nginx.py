"""The page as most readers get it: through nginx, which may restart under them."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from playwright.sync_api import expect

from tests.nginx import Nginx
from tests.page.conftest import Chat
from tests.page.held import FULL, Held, up_to
from tests.page.test_first_load import LOADED
from tests.running import Gateway


@pytest.fixture
def nginx(portal: BlockingPortal, held_gateway: Gateway, tmp_path: Path) -> Iterator[Nginx]:
    address = (held_gateway.host, held_gateway.port)
    with portal.wrap_async_context_manager(Nginx(tmp_path, address)) as nginx:
        yield nginx


def test_through_nginx_the_page_is_as_small_and_goes_on_when_nginx_was_killed(
    open_chat: Callable[..., Chat], nginx: Nginx, held: Held, portal: BlockingPortal
) -> None:
    chat = open_chat(nginx.url)
    expect(chat.page.locator("#model")).to_be_enabled()
    loaded = chat.page.evaluate(LOADED)
    assert len(loaded) <= 15, loaded
    assert sum(size for path, size in loaded if not path.startswith("/api/")) <= 60_000, loaded
    chat.ask("Tell me about rivers.")
    expect(chat.page.locator(".prose")).to_have_text(up_to(1))
    portal.call(nginx.stop, signal.SIGKILL)
    expect(chat.page.locator(".waiting")).to_contain_text("Connection lost")
    portal.call(nginx.start)
    held.finish()
    chat.finished()
    assert chat.text() == FULL
    assert chat.folded() == chat.told()
    expect(chat.page.locator(".fault")).to_have_count(0)
