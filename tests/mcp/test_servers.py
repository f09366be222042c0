"""Tools of MCP servers run like our own, and ``check`` says which there are."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.checks.check import check
from app.checks.settings import CheckSettings
from tests.mcp.rig import REAL, Wrong, running
from tests.reading import ask
from tests.running import serving
from tests.scripted import ScriptedClaude, calling, one_after_the_other, saying


async def test_claude_calls_a_tool_of_a_server_and_goes_on_with_what_it_gave() -> None:
    script = one_after_the_other(calling(("my_server__add", {"a": 2, "b": 3})), saying("five"))
    servers = {"mcpServers": {"my server": REAL}}
    async with ScriptedClaude(script) as claude, serving(claude.url, mcp_servers=servers) as gateway:
        stream = await (await gateway.stream(ask("x", tools=[{"name": "my_server__add"}]))).rest()
        config = (await gateway.request("GET", "/api/config")).json
        ready = (await gateway.request("GET", "/readyz")).json
    (definition,) = claude.calls[0].body["tools"]
    assert definition["description"] == "Add two numbers."
    assert definition["input_schema"]["required"] == ["a"]
    (returned,) = claude.calls[1].body["messages"][2]["content"]
    assert json.loads(returned["content"]) == {"total": 5}
    assert stream.text == "five"
    assert {"name": "my_server__add", "description": "Add two numbers."} in config["tools"]
    assert ready == {"status": "ready", "mcp_servers": {"my server": {"state": "up", "tools": 4}}}


async def test_content_errors_and_odd_names_of_a_real_server_come_through() -> None:
    async with running(REAL) as it:
        shown, _ = await it.call("picture")
        failed = await it.call("fail")
        unfit = await it.call("add", a="much")
        odd = await it.call("with_dots_and_spaces")
    assert shown[0] == {"type": "text", "text": "a pixel"}
    assert shown[1]["source"]["media_type"] == "image/png"
    assert failed[1]
    assert "fail" in failed[0]
    assert unfit[1]
    assert "valid integer" in unfit[0]
    assert odd == ("odd", False)


async def test_all_pages_are_listed(wrong: Wrong) -> None:
    async with running(wrong("pages")) as it:
        assert it.server.offered == ("it__page0", "it__page1", "it__page2")


async def test_only_the_tools_on_the_list_are_offered_and_one_that_is_not_there_is_told(
    wrong: Wrong, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(wrong("works", tools=["echo", "nope"])) as it:
        assert it.server.offered == ("it__echo",)
        assert "it__die" not in it.toolbox
    assert "has no tool nope" in caplog.text


async def test_tools_that_a_server_adds_later_are_offered(wrong: Wrong) -> None:
    async with running(wrong("works")) as it:
        await it.call("grow")
        await it.until(lambda server: "it__grown" in server.offered)
        assert await it.call("grown", a=1) == ('{"a": 1}', False)


def test_check_says_which_servers_work(wrong: Wrong, capsys: pytest.CaptureFixture[str]) -> None:
    def checked(**servers: Any) -> tuple[int, str]:
        code = check(CheckSettings(_env_file=None, port=0, mcp_servers=servers))
        return code, capsys.readouterr().out

    assert checked(good=wrong("pages"))[0] == 0
    code, out = checked(good=wrong("pages"), bad=wrong("exit"), less=wrong("pages", tools=["page0", "page9"]))
    assert code == 1
    rows = [line.split(maxsplit=4) for line in out.splitlines()]
    said = {(row[0], row[3]): row[4] for row in rows if row[1] == "MCP"}
    assert said["ok", "good"] == "good__page0, good__page1, good__page2"
    assert "no such database" in said["FAIL", "bad"]
    assert said["ok", "less"] == "less__page0"
    assert "page9" in said["FAIL", "less"]


def test_check_says_which_tools_there_are_and_which_names_come_twice(
    wrong: Wrong, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "clashing.py").write_text("def it__page1() -> str:\n    'Clash.'\n    return ''\n")
    monkeypatch.syspath_prepend(tmp_path)

    def checked(*tools: str) -> tuple[int, str]:
        code = check(CheckSettings(_env_file=None, port=0, tools=tools, mcp_servers={"it": wrong("pages")}))
        return code, capsys.readouterr().out

    code, out = checked("app.tools.examples")
    assert code == 0
    assert "ok    tools          current_time, roll_dice" in out
    code, out = checked("clashing")
    assert code == 1
    assert "FAIL  MCP server it  two tools are named it__page1" in out
    code, out = checked("no.such.module")
    assert code == 1
    assert "FAIL  tools          the module no.such.module cannot be imported" in out
