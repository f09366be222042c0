"""Takes the README's picture of the page, light and dark: ``uv run python -m tests.page.picture``."""

from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, ViewportSize, expect, sync_playwright

from tests.page.conftest import ARGS, CHROMIUM
from tests.running import program

FOLDER = Path(__file__).parent.parent.parent / ".github"
QUESTION = "How does a river find its way to the sea?"
SIZE: ViewportSize = {"width": 1180, "height": 1180}


def take(browser: Browser, url: str, scheme: Literal["light", "dark"]) -> None:
    """Save one picture of an answer."""
    page = browser.new_page(
        color_scheme=scheme, viewport=SIZE, device_scale_factor=2, reduced_motion="reduce"
    )
    page.goto(url)
    page.get_by_label("Message", exact=True).fill(QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator("article.answer")).to_have_attribute("aria-busy", "false", timeout=60_000)
    page.screenshot(path=FOLDER / f"picture-{scheme}.png")
    page.close()


def main() -> None:
    """Save both pictures."""
    FOLDER.mkdir(exist_ok=True)
    with program(SIMULATOR_SPEED="3") as running, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        take(browser, running.url, "light")
        take(browser, running.url, "dark")
        browser.close()


if __name__ == "__main__":
    main()
