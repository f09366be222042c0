"""Which MCP servers an operator names, and what becomes of what they say: without a server."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp_types import CallToolResult
from pydantic import ValidationError

from app.settings import Settings
from app.tools.functions import from_modules
from app.tools.mcp_servers.content import result
from app.tools.mcp_servers.lines import Line, Lines
from app.tools.registry import Toolbox
from app.wrong import what_is_wrong

ROOT = Path(__file__).parents[2]


# What an operator writes


def settings(given: Any) -> Settings:
    return Settings(_env_file=None, mcp_servers=given)


def test_servers_are_given_as_json_or_as_a_file_with_or_without_the_outer_key(tmp_path: Path) -> None:
    servers = {"files": {"command": "npx", "args": ["-y", "x"]}, "off": {"command": "x", "disabled": True}}
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": servers, "inputs": []}))
    for given in (json.dumps(servers), json.dumps({"mcpServers": servers}), str(file), servers):
        (server,) = settings(given).mcp_servers
        assert (server.name, server.command, server.args) == ("files", "npx", ["-y", "x"])
    assert settings("").mcp_servers == ()


def test_secrets_in_it_are_not_in_the_repr() -> None:
    shown = repr(
        settings(
            {
                "a": {"command": "x", "args": ["--key=SECRET"], "env": {"KEY": "SECRET"}},
                "b": {"url": "https://x/?key=SECRET", "headers": {"Authorization": "SECRET"}},
            }
        )
    )
    assert "SECRET" not in shown


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("{", "not valid JSON: line 1"),
        ("/no/such/file.json", "/no/such/file.json cannot be read"),
        ({"mcpServers": []}, "mcpServers must be an object"),
        ({"a": "npx x"}, "server 'a': must be an object"),
        ({"a": {}}, "server 'a': needs either a command or a url"),
        ({"a": {"command": "x", "url": "http://x"}}, "server 'a': needs either"),
        ({"a": {"command": ""}}, "server 'a': command"),
        ({"a": {"command": ["x"]}}, "server 'a': command"),
        ({"a": {"command": "x", "args": "-y"}}, "server 'a': args"),
        ({"a": {"command": "x", "env": {"PORT": 1}}}, "server 'a': env.PORT"),
        ({"a": {"command": "x", "headers": {"A": "b"}}}, "headers belong to a url"),
        ({"a": {"url": "ftp://x"}}, "server 'a': url"),
        ({"a": {"url": "http://x", "headers": {"A": "b\r\nC: d"}}}, "server 'a': headers.A"),
        ({"a": {"url": "http://x", "env": {"A": "b"}}}, "belong to a command"),
        ({"a": {"url": "http://x", "type": "sse"}}, "server 'a': type"),
        ({"a": {"url": "http://x", "type": "stdio"}}, "does not fit"),
        ({"a": {"command": "x", "tool": ["y"]}}, "server 'a': tool: this is not known here"),
        ({"a": {"command": "x", "tools": "y"}}, "server 'a': tools"),
        ({"": {"command": "x"}}, "server '': name"),
        (
            {"a b": {"command": "x"}, "a_b": {"command": "x"}},
            "'a b' and 'a_b' would both name their tools a_b__",
        ),
    ],
)
def test_what_is_wrong_is_said_with_the_name_of_the_server(given: Any, says: str) -> None:
    with pytest.raises(ValidationError) as raised:
        settings(given)
    (line,) = what_is_wrong(raised.value)
    assert line.startswith("GATEWAY_MCP_SERVERS: ")
    assert says in line


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ValidationError) as raised:
        settings({"a": {}, "b": {"command": 1}, "c": {"command": "x"}})
    assert len(what_is_wrong(raised.value)) == 2


def test_who_has_no_servers_does_not_wait_for_the_sdk() -> None:
    code = "import sys, app.__main__, app.tools.mcp_servers.servers; sys.exit('mcp' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


# Pure


@pytest.mark.parametrize(
    ("content", "more", "expected"),
    [
        ([], {}, ""),
        ([{"type": "text", "text": " \n"}], {}, ""),
        ([], {"isError": True}, "The tool failed and did not say how."),
        ([], {"structuredContent": {"a": "ł"}}, '{"a":"ł"}'),
        ([{"type": "text", "text": "a"}], {"structuredContent": {"a": 1}}, "a"),
        ([{"type": "resource", "resource": {"uri": "x:y", "text": "t"}}], {}, "t"),
        ([{"type": "resource_link", "uri": "x:y", "name": "n"}], {}, "[a link to n: x:y]"),
        (
            [{"type": "image", "data": "?", "mimeType": "image/png"}],
            {},
            "[image/png that is not valid base64, left out]",
        ),
        ([{"type": "image", "data": "AAAA", "mimeType": "image/png"}], {}, "[image/png, 3 bytes, left out]"),
        ([{"type": "audio", "data": "AAAA", "mimeType": "audio/wav"}], {}, "[audio/wav, 3 bytes, left out]"),
        (
            [{"type": "image", "data": "/9j/", "mimeType": "image/png"}],
            {"isError": True},
            "[image/png, 3 bytes, left out]",
        ),
        (
            [{"type": "image", "data": "/9j/", "mimeType": "image/png"}],
            {},
            [{"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "/9j/"}}],
        ),
        (
            [{"type": "resource", "resource": {"uri": "x:y", "blob": "JVBERi0x"}}],
            {},
            [
                {
                    "type": "document",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"},
                }
            ],
        ),
    ],
)
def test_content_becomes_what_claude_takes(content: list[Any], more: dict[str, Any], expected: Any) -> None:
    given = result(CallToolResult.model_validate({"content": content, **more}))
    assert (given.content, given.is_error) == (expected, more.get("isError", False))


@pytest.mark.parametrize("size", [1, 3, 100])
def test_lines_do_not_depend_on_how_they_were_cut(size: int) -> None:
    given = b"one\r\n\n" + b"0123456789abcdefghij" + b"\nlast"
    lines = Lines(limit=10, end=4)
    found = [line for at in range(0, len(given), size) for line in lines.feed(given[at : at + size])]
    assert [*found, *lines.flush()] == [Line(b"one"), Line(b""), Line(b"0123ghij", 12), Line(b"last")]


def test_own_tools_and_those_of_servers_share_one_toolbox() -> None:
    toolbox = Toolbox(from_modules(["tests.kit"]), 1)
    before = len(toolbox)
    toolbox.offer("it__", [])
    assert len(toolbox) == before
