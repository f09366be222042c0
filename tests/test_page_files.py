"""The page's files: joined, compressed, revalidated or kept for good."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app.web.page.files import PageFiles, page_folder
from app.web.page.scripts import NotJoinable, join_modules


def test_modules_become_one_script_in_the_order_in_which_they_run() -> None:
    sources = {
        "main.js": 'import { a, b as c } from "./one.js";\nimport * as two from "./in/two.js";\na(c,\n  two.d);\n',
        "one.js": 'import "./in/two.js";\nexport const b = `1\n  2`;\nexport async function a() {}\n',
        "in/two.js": "// @ts-check\n/** Why. */\nexport class d {}\n",
    }
    [script] = join_modules(sources, "main.js", "page", "?v=7")
    assert script.name == "page.js"
    assert [line for line in script.text.split("\n") if line] == [
        "const $ = (globalThis.$modules ??= {});",
        "{",
        "class d {}",
        '$["in/two.js"] = { d }; }',
        "{",
        "const b = `1",
        "  2`;",
        "async function a() {}",
        '$["one.js"] = { b, a }; }',
        "{",
        'const { a, b: c } = $["one.js"];',
        'const two = $["in/two.js"];',
        "a(c,",
        "two.d);",
        '$["main.js"] = {  }; }',
        "//# sourceMappingURL=page.js.map",
    ]


def test_what_is_loaded_later_is_a_script_of_its_own_and_nothing_runs_twice() -> None:
    sources = {
        "main.js": 'import { a } from "./a.js";\nimport("./x.js");\nimport("./in/y.js");\n',
        "a.js": "export const a = 1;\n",
        "both.js": "export const both = 2;\n",
        "x.js": 'import { a } from "./a.js";\nimport { both } from "./both.js";\nexport const x = a + both;\n',
        "in/y.js": 'import { both } from "../both.js";\nexport const y = both;\nimport("../x.js");\n',
    }
    page, x, y = join_modules(sources, "main.js", "page", "?v=7")
    assert [page.name, x.name, y.name] == ["page.js", "page.x.js", "page.in.y.js"]
    assert "const both = 2;" in page.text
    assert 'import("./page.x.js?v=7");' in page.text
    assert 'import("./page.x.js?v=7");' in y.text
    assert 'export const { x } = $["x.js"];' in x.text
    assert 'const { both } = $["both.js"];' in x.text


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ("export let a = 1;", "export let a"),
        ("export default 1;", "export default"),
        ('export { a } from "./b.js";', "export {"),
        ('import b from "./b.js";', "import b"),
        ('import { b } from "./none.js";', "none.js, which is not there"),
        ('import { b } from "./main.js";', "imports itself"),
        ("const a = import.meta.url;", "import.meta"),
    ],
)
def test_a_form_that_cannot_be_joined_is_refused_by_name(form: str, why: str) -> None:
    sources = {"main.js": f"{form}\n", "b.js": ""}
    with pytest.raises(NotJoinable, match=re.escape(why)):
        join_modules(sources, "main.js", "page", "")


def test_a_computed_import_below_the_top_folder_is_refused() -> None:
    sources = {"main.js": 'import "./in/a.js";', "in/a.js": "import(`./${name}.js`);"}
    with pytest.raises(NotJoinable, match="computed address"):
        join_modules(sources, "main.js", "page", "")


def test_a_source_map_leads_back_to_the_modules() -> None:
    sources = {"main.js": 'import "./a.js";\n\nb();\n', "a.js": "/** One\n * two. */\na();\n"}
    [script] = join_modules(sources, "main.js", "page", "")
    mapped = json.loads(script.source_map)
    assert mapped["sources"] == ["a.js", "main.js"]
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    source = line = 0
    found = {}
    for text, mapping in zip(script.text.split("\n"), mapped["mappings"].split(";"), strict=False):
        if not mapping:
            continue
        column, by_source, by_line, _ = (digits.index(digit) for digit in mapping)
        assert column == 0
        source += -(by_source >> 1) if by_source & 1 else by_source >> 1
        line += -(by_line >> 1) if by_line & 1 else by_line >> 1
        found[text] = (mapped["sources"][source], line)
    assert found["a();"] == ("a.js", 2)
    assert found["b();"] == ("main.js", 2)


EDITS: dict[str, Callable[[Path], object]] = {
    "a file is written": lambda folder: (folder / "js" / "odd" / "one.js").write_text("edited();\n"),
    "a file is new": lambda folder: (folder / "js" / "odd" / "two.js").write_text("added();\n"),
    "a file has gone": lambda folder: (folder / "js" / "odd" / "one.js").unlink(),
    "a folder has gone": lambda folder: shutil.rmtree(folder / "js" / "odd"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    shutil.copytree(page_folder(), folder)
    (folder / "js" / "odd").mkdir()
    (folder / "js" / "odd" / "one.js").write_text("one();\n")
    return folder


@pytest.mark.parametrize("edit", EDITS)
def test_the_next_page_has_what_was_edited(edit: str, folder: Path) -> None:
    files = PageFiles(folder)
    before = files.fresh_page()
    assert files.fresh_page() is before
    EDITS[edit](folder)
    assert files.fresh_page().content != before.content


def test_an_edit_that_cannot_be_joined_is_told_until_it_is_mended(folder: Path) -> None:
    files = PageFiles(folder)
    main = folder / "js" / "main.js"
    main.write_text("export default 1;\n")
    for _ in range(2):
        with pytest.raises(NotJoinable):
            files.fresh_page()
    main.write_text("mended();\n")
    page = files.fresh_page().content.decode()
    assert f"page.js?v={files.version}" in page
    assert b"mended();" in files.file("js/page.js").content


async def test_the_page_and_its_files_over_http(gateway: str) -> None:
    async with httpx.AsyncClient(base_url=gateway, timeout=30) as client:
        page = await client.get("/")
        assert page.headers["content-encoding"] == "gzip"
        assert page.headers["cache-control"] == "no-cache"
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        named = re.findall(r'(?:href|src)="(static/[^"]+)"', page.text)
        assert len(named) == 4  # an icon, a style sheet, two scripts
        for name in named:
            file = await client.get(f"/{name}")
            assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert file.headers["vary"] == "Accept-Encoding"
            assert file.headers["x-content-type-options"] == "nosniff"

        etag = page.headers["etag"]
        same = await client.get("/", headers={"If-None-Match": f'"other", W/{etag}'})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)

        plain = await client.get("/static/js/main.js", headers={"Accept-Encoding": "gzip;q=0, br"})
        packed = await client.get("/static/js/main.js")
        assert "content-encoding" not in plain.headers
        assert plain.text == packed.text == (page_folder() / "js" / "main.js").read_text()
        assert plain.headers["etag"] != packed.headers["etag"]
        assert plain.headers["cache-control"] == "no-cache"

        head = await client.head("/static/js/main.js")
        assert head.headers["content-length"] == packed.headers["content-length"]
        assert head.content == b""
        for nothing in (
            "/static/../pyproject.toml",
            "/static/%2e%2e/README.md",
            "/static/",
            "/static/js",
        ):
            missing = await client.get(nothing)
            assert missing.status_code == 404
            assert missing.json()["error"]["type"] == "not_found_error"
        assert (await client.post("/static/js/main.js")).status_code == 405
