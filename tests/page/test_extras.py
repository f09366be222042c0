"""Colours of code and formulas: highlight.js and KaTeX, loaded when first needed, done without where they are not."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, Route, expect

from app.web.page.files import extras_folder
from tests.page.conftest import Chat
from tests.page.made_up import DONE, START, answer_with, told

CODE = """```py
def f(x):
    return f"{x}"  # why

```
"""
SET = r"""It is \( \sqrt{x^2} \), or

$$
\overbrace{a}^{b} \xrightarrow{long} \boxed{c} \left( \frac{\frac{1}{2}}{3} \right)
$$
"""


@pytest.fixture(autouse=True)
def installed(needs: Callable[[bool, str], None]) -> None:
    needs(extras_folder() is not None, "what deploy/build_hook.py fetches from npm")


def without_extras(page: Page) -> None:
    """Let the page be what a gateway serves that was installed without them."""

    def fulfill(route: Route) -> None:
        response = route.fetch()
        body = re.sub(r'(<meta name="extras" content=")[^"]+', r"\1", response.text())
        route.fulfill(response=response, body=body)

    page.route(re.compile(r"://[^/]+/$"), fulfill)


def test_code_gets_its_colours_once_and_stays_the_same_element(chat: Chat) -> None:
    answer_with(
        chat.page,
        START,
        {"type": "block_start", "index": 0, "kind": "text", "at_ms": 1},
        {"type": "text", "index": 0, "text": CODE},
        DONE,
    )
    chat.page.evaluate(
        """() => new MutationObserver(() => {
          const part = document.querySelector(".code__part");
          if (part) window.firstPart ??= part;
        }).observe(document.body, { subtree: true, childList: true })"""
    )
    chat.ask("Code?")
    code = chat.page.locator(".code code")
    expect(code.locator(".hl-keyword")).to_have_text(["def", "return"])
    expect(code.locator(".hl-comment")).to_have_text("# why")
    expect(code.locator(".hl-string .hl-subst")).to_have_text("{x}")
    assert code.evaluate("(code) => code.textContent") == 'def f(x):\n    return f"{x}"  # why\n'
    assert chat.page.evaluate("document.querySelector('.code__part') === window.firstPart")


def test_long_code_is_coloured_in_slices_and_loses_nothing(chat: Chat) -> None:
    functions = "\n\n\n".join(f'def f{n}():\n    """One\n    two."""\n    return {n}' for n in range(900))
    told(chat, f"```python\n{functions}\n```\n")
    code = chat.page.locator(".code code")
    expect(code.locator(".hl-title")).to_have_count(900)
    assert code.evaluate("(code) => code.textContent") == functions
    code.locator(".hl-title").last.scroll_into_view_if_needed()
    copy = chat.page.get_by_role("button", name="Copy", exact=True)
    expect(copy).to_be_in_viewport()  # though the code's beginning is far above


def test_nothing_is_loaded_before_it_is_needed(chat: Chat) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        if "/extras/" in request.url:
            asked.append(request.url.rsplit("/", 1)[1])

    chat.page.on("request", note)
    told(
        chat, "No code, and no formula for $5 or $10.\n\n```\nno language\n```\n\n```nosuchlanguage\nx\n```\n"
    )
    expect(chat.page.locator(".code")).to_have_count(2)
    assert asked == []
    told(chat, "```js\nlet x;\n```\n")
    expect(chat.page.locator(".hl-keyword")).to_have_text("let")
    assert asked == ["core.js", "javascript.js"]


def test_formulas_are_set_without_an_inline_style(chat: Chat) -> None:
    told(chat, SET)
    expect(chat.page.locator(".prose .math[data-set]")).to_have_count(2)
    expect(chat.page.locator(".prose div.math .katex-display")).to_be_visible()
    expect(chat.page.locator(".prose [data-style]")).to_have_count(0)
    chat.page.evaluate("document.documentElement.dir = 'rtl'")
    for formula in chat.page.locator(".prose .math").all():
        expect(formula).to_have_css(
            "direction", "ltr"
        )  # as mathematics is written, whatever the page's language
    # read aloud as mathematics, and copied as it was written
    expect(chat.page.locator(".prose p math annotation")).to_have_text(r"\sqrt{x^2}")


def test_what_is_no_formula_stays_as_it_was_written(chat: Chat) -> None:
    told(
        chat,
        r"Wrong: \( \frac{1 \), and \( \href{javascript:alert(1)}{x} \includegraphics{https://evil.example/x.png} \).",
    )
    expect(chat.page.locator(".prose .math").first).to_have_text(r"\frac{1")
    expect(chat.page.locator(".prose :is(a, img)")).to_have_count(0)


@pytest.mark.parametrize("how", ["not installed", "not reachable"])
def test_without_them_the_page_is_whole(open_chat: Callable[..., Chat], page_url: str, how: str) -> None:
    chat = open_chat(page_url)
    if how == "not installed":
        without_extras(chat.page)
        chat.page.goto(page_url)
    else:
        chat.page.route("**/static/extras/**", lambda route: route.fulfill(status=404))
    told(chat, CODE + SET)
    expect(chat.page.locator(".code code")).to_have_text(re.compile("return"))
    expect(chat.page.locator(".math code").first).to_have_text(r"\sqrt{x^2}")
    expect(chat.page.get_by_role("button", name="Copy", exact=True)).to_be_visible()
    expect(chat.page.locator("[class^=hl-], .katex")).to_have_count(0)
