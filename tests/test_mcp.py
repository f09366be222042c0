"""Tools of MCP servers run like our own; whatever a server does, the gateway and the answer go on."""

import asyncio
import json
import logging
import os
import select
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.checks.check import check
from app.checks.settings import CheckSettings
from app.tools.mcp_servers.config import load
from app.tools.mcp_servers.server import Server, State, tool_name
from app.tools.mcp_servers.servers import McpServers
from app.tools.registry import Toolbox
from tests.mcp import real
from tests.patient import time_flies
from tests.reading import ask
from tests.running import KEY, serving
from tests.scripted import ScriptedClaude, one_after_the_other, saying
from tests.test_tools import calling

FOLDER = Path(__file__).parent
REAL = {"command": sys.executable, "args": ["-m", "tests.mcp.real"], "cwd": str(FOLDER.parent)}

PATIENCE_S = 20


@dataclass
class Wrong:
    """A server that does something wrong, and what it has left behind."""

    starts: Path

    def __call__(self, how: str, **fields: Any) -> dict[str, Any]:
        program = str(FOLDER / "mcp" / "wrong.py")
        return {"command": sys.executable, "args": ["-I", program, how, str(self.starts)], **fields}

    def processes(self) -> list[int]:
        """Return the ids of all that have been started, oldest first."""
        return [int(line) for line in self.starts.read_text().splitlines()]


@pytest.fixture
def wrong(tmp_path: Path) -> Wrong:
    return Wrong(tmp_path / "starts")


@dataclass
class Running:
    """One server, and what its tools are called with."""

    server: Server
    toolbox: Toolbox

    async def call(self, name: str, **given: Any) -> tuple[Any, bool]:
        given_back = await self.toolbox.call(f"it__{name}", given)
        return given_back.content, given_back.is_error

    async def until(self, true: Callable[[Server], bool]) -> None:
        async with asyncio.timeout(30):
            await self.server.until(true)


@asynccontextmanager
async def running(fields: dict[str, Any]) -> AsyncIterator[Running]:
    toolbox = Toolbox([], PATIENCE_S)
    async with McpServers(load({"it": fields}), toolbox, PATIENCE_S) as servers:
        yield Running(next(iter(servers)), toolbox)
    assert not [task for task in asyncio.all_tasks() if OURS & {*Path(file_of(task)).parts}]


OURS = {"mcp_servers", "client"}
"""Folders of the code whose tasks end with the servers: ours, and of the SDK's client."""


def file_of(task: asyncio.Task[Any]) -> str:
    coroutine: Any = task.get_coro()
    return str(coroutine.cr_code.co_filename)


def is_up(server: Server) -> bool:
    return server.state is State.UP


def is_down(server: Server) -> bool:
    return server.state is State.DOWN


def gone(process: int) -> bool:
    """Say whether *process* has ended and been waited for, so that not even a zombie is left."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


# What it is for


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


# A server that is called


@asynccontextmanager
async def listening(app: Any, listener: socket.socket | None = None) -> AsyncIterator[int]:
    listener = listener or socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task
        listener.close()


async def test_a_server_at_an_address_is_used_and_found_again_after_it_was_away() -> None:
    away = socket.socket()
    away.bind(("127.0.0.1", 0))  # nobody listens, and nobody else can
    async with running({"url": f"http://127.0.0.1:{away.getsockname()[1]}/mcp"}) as it:
        assert is_down(it.server)
        async with listening(real.make().streamable_http_app(), away):
            await it.until(is_up)
            assert json.loads((await it.call("add", a=1))[0]) == {"total": 2}
        content, is_error = await it.call("add", a=1)
        assert is_error
        assert "The MCP server it" in content
        await it.until(is_down)


def by_hand(calls: Callable[[Request, Any], Response]) -> Starlette:
    """Return a server whose answers to calls are made by *calls*."""

    async def mcp(request: Request) -> Response:
        asked = json.loads(await request.body())
        match asked["method"]:
            case "initialize":
                about = {"name": "hand", "version": "1"}
                version = asked["params"]["protocolVersion"]
                given: Any = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about}
            case "tools/list":
                given = {"tools": [{"name": "tool", "inputSchema": {"type": "object"}}]}
            case "tools/call":
                return calls(request, asked)
            case _ if "id" in asked:
                error = {"code": -32601, "message": "no"}
                return JSONResponse({"jsonrpc": "2.0", "id": asked["id"], "error": error})
            case _:
                return Response(status_code=202)
        return JSONResponse({"jsonrpc": "2.0", "id": asked["id"], "result": given})

    return Starlette(routes=[Route("/", mcp, methods=["POST"])])


def saying_back(request: Request, asked: Any) -> Response:
    match asked["params"]["arguments"].get("how"):
        case "garbage":
            return Response(b"\x00\xff", media_type="application/json")
        case "page":
            return Response("<html>", media_type="text/html")
        case "huge":
            said = "x" * 5_000_000
        case "status":
            return Response(status_code=503)
        case _:
            said = request.headers.get("x-key", "")
    content = {"content": [{"type": "text", "text": said}]}
    return JSONResponse({"jsonrpc": "2.0", "id": asked["id"], "result": content})


async def test_a_server_at_an_address_is_sent_the_headers_and_what_it_answers_is_bounded() -> None:
    async with (
        listening(by_hand(saying_back)) as port,
        running({"url": f"http://127.0.0.1:{port}/", "headers": {"X-Key": "k"}}) as it,
    ):
        assert await it.call("tool") == ("k", False)
        for how, says in (
            ("huge", "more than the 4,194,304 bytes"),
            ("garbage", "JSON"),
            ("page", "text/html"),
            ("status", "error"),
        ):
            content, is_error = await it.call("tool", how=how)
            assert is_error
            assert says in content
        assert await it.call("tool") == ("k", False)


async def test_an_address_that_does_not_answer_has_a_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        async with running({"url": url, "start_timeout": 0.2}) as it:
            assert is_down(it.server)
            assert it.server.why == "it does not answer"


# Servers that do wrong


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


# Check


def test_check_says_which_servers_work(wrong: Wrong, capsys: pytest.CaptureFixture[str]) -> None:
    def checked(**servers: Any) -> tuple[int, str]:
        code = check(CheckSettings(_env_file=None, mcp_servers=servers))
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
        code = check(CheckSettings(_env_file=None, tools=tools, mcp_servers={"it": wrong("pages")}))
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
