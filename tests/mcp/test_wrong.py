"""Whatever a server of tools does, the gateway and the answer go on."""

import asyncio
import json
import logging
import os
import select
from contextlib import AsyncExitStack
from typing import Any

import pytest

from app.tools.mcp_servers.config import load
from app.tools.mcp_servers.server import tool_name
from app.tools.mcp_servers.servers import McpServers
from app.tools.registry import Toolbox
from tests.mcp.rig import PATIENCE_S, Wrong, gone, is_down, is_up, running
from tests.patient import time_flies
from tests.reading import ask
from tests.running import KEY, serving
from tests.scripted import ScriptedClaude, saying


async def test_a_server_that_dies_during_a_call_is_started_again(wrong: Wrong) -> None:
    async with running(wrong("works")) as it:
        content, is_error = await it.call("die")
        assert is_error
        assert "The MCP server it ended during the call" in content
        await it.until(is_down)
        await it.until(lambda server: "exit code 3" in server.why)
        assert "a bug" in it.server.why
        await it.until(is_up)
        assert await it.call("echo", a=1) == ('{"a": 1}', False)
    assert len(wrong.processes()) == 2
    assert all(map(gone, wrong.processes()))


async def test_while_a_server_is_down_a_call_of_its_tools_says_so(wrong: Wrong) -> None:
    async with running(wrong("once")) as it:
        await it.call("die")
        await it.until(lambda server: "only once" in server.why)
        content, is_error = await it.call("echo")
    assert is_error
    assert "The MCP server it is not running" in content


async def test_a_server_that_hangs_is_started_again(wrong: Wrong) -> None:
    async with running(wrong("works")) as it:
        async with time_flies():
            content, is_error = await it.call("stop")
            await it.server.until(is_down)
        assert is_error
        assert f"did not answer within {PATIENCE_S} seconds" in content
        await it.until(is_up)
        assert await it.call("echo", a=1) == ('{"a": 1}', False)
    assert all(map(gone, wrong.processes()))


async def test_a_server_that_is_only_slow_is_left_alone(wrong: Wrong) -> None:
    async with running(wrong("works")) as it:
        async with time_flies():
            _, is_error = await it.call("deaf")
        assert is_error
        assert await it.call("echo", a=1) == ('{"a": 1}', False)
        assert is_up(it.server)
    assert len(wrong.processes()) == 1


async def test_a_server_that_does_not_answer_at_all_keeps_nothing_from_starting(wrong: Wrong) -> None:
    servers = {"it": wrong("silent", start_timeout=1)}
    async with ScriptedClaude(lambda _: saying("ok")) as claude, AsyncExitStack() as stack:
        async with time_flies(once=lambda: wrong.starts.exists() and wrong.processes()):
            gateway = await stack.enter_async_context(serving(claude.url, mcp_servers=servers))
        ready = await gateway.request("GET", "/readyz")
        refused = await gateway.request("POST", "/api/chat", ask("x", tools=[{"name": "it__echo"}]))
        stream = await (await gateway.stream(ask("x"))).rest()
    assert (ready.status, ready.json["mcp_servers"]) == (200, {"it": {"state": "down", "tools": 0}})
    assert refused.status == 400
    assert stream.text == "ok"
    assert all(map(gone, wrong.processes()))  # though it heeds neither the end of its input nor a SIGTERM


async def test_what_a_server_started_ends_with_it(wrong: Wrong) -> None:
    async with running(wrong("parent")) as it:
        assert is_up(it.server)
        _, child = wrong.processes()
        descriptor = os.pidfd_open(child)
    try:
        ended, _, _ = await asyncio.to_thread(select.select, [descriptor], [], [], 30)
    finally:
        os.close(descriptor)
    assert ended


async def test_lines_that_are_no_messages_are_skipped(wrong: Wrong, caplog: pytest.LogCaptureFixture) -> None:
    async with running(wrong("banner")) as it:
        assert await it.call("echo", a=1) == ('{"a": 1}', False)
    assert caplog.text.count("prints what is no JSON-RPC") == 1
    assert "Welcome!" in caplog.text


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("garbage", "no JSON-RPC"),
        ("exit", "exit code 1; the last it said: no such database"),
        ("endless", "100 pages"),
        ("twins", "two tools are named it__a_b"),
        ("misfit", "not what MCP says"),
    ],
)
async def test_a_server_that_cannot_be_used_is_down_for_a_reason(how: str, says: str, wrong: Wrong) -> None:
    async with running(wrong(how)) as it:
        assert is_down(it.server)
        assert says in it.server.why
    assert all(map(gone, wrong.processes()))


@pytest.mark.parametrize(
    "fields", [{"command": "no-such-program"}, {"command": "true", "cwd": "/no/such/folder"}]
)
async def test_a_program_that_cannot_be_started_is_down_for_a_reason(fields: dict[str, Any]) -> None:
    async with running(fields) as it:
        assert "cannot be started: No such file or directory" in it.server.why


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("flood", {}, "300,000 bytes, more than the 262,144"),
        ("huge", {}, "bytes, more than the 4,194,304"),
        ("huge", {"id_last": True}, "bytes, more than the 4,194,304"),
        ("broken", {}, "no result in MCP"),
        ("refuse", {}, "not today"),
    ],
)
async def test_a_call_that_goes_wrong_is_an_error_that_claude_can_read(
    name: str, given: dict[str, Any], says: str, wrong: Wrong
) -> None:
    async with running(wrong("works")) as it:
        content, is_error = await it.call(name, **given)
        assert is_error
        assert says in content
        assert await it.call("echo", a=1) == ('{"a": 1}', False)
    assert len(wrong.processes()) == 1


async def test_what_a_server_says_on_standard_error_is_in_the_log_within_bounds(
    wrong: Wrong, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app")
    async with running(wrong("noisy")):
        pass
    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("it: ")]
    assert lines[0] == "it: line 0"
    assert len(lines) == 100
    assert max(map(len, lines)) < 1100


async def test_a_server_gets_the_variables_that_are_meant_for_it_and_no_secrets(
    wrong: Wrong, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("GATEWAY_SYSTEM_PROMPT", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    async with running(wrong("works", env={"MINE": "yes"})) as it:
        environment = json.loads((await it.call("environment"))[0])
    assert environment["MINE"] == "yes"
    assert environment["PATH"] == os.environ["PATH"]
    assert not {"ANTHROPIC_API_KEY", "GATEWAY_SYSTEM_PROMPT", "AWS_SECRET_ACCESS_KEY"} & environment.keys()


async def test_a_servers_tools_do_not_take_the_names_of_others(wrong: Wrong) -> None:
    toolbox = Toolbox([], PATIENCE_S)
    configs = load({"a": wrong("pages"), "a__page0": wrong("works", tools=["echo"])})
    async with McpServers(configs, toolbox, PATIENCE_S) as servers:
        first, second = servers
        assert first.offered == ("a__page0", "a__page1", "a__page2")
        assert second.offered == ("a__page0__echo",)
    names = [tool_name("a__", name) for name in ("x" * 200, "x" * 201, "ü")]
    assert [len(name) for name in names] == [128, 128, 4]
    assert len(set(names)) == 3
