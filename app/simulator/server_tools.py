"""Tools that Claude's own servers run: a call, its result, and the text that cites it.

https://docs.claude.com/en/docs/agents-and-tools/tool-use/web-search-tool, and likewise web fetch, code execution
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import orjson

from app.simulator.blocks import Block, Call, Json, Text, Whole

RUNNING_S = 0.8
"""How long such a tool runs."""

NAMES = ("web_search", "web_fetch", "code_execution")
CHOSEN_BY = {
    "web_search": ("search", "news", "latest", "today", "look up", "on the web"),
    "web_fetch": ("fetch", "http://", "https://"),
    "code_execution": ("execute", "compute", "calculate", "run "),
}
"""What in a question makes Claude use which."""

SITES = (
    ("https://example.com/rivers", "Rivers of the world", "The Vistula moves its sandbars every year."),
    ("https://example.org/tides", "Tide tables", "The highest tides on Earth are in the Bay of Fundy."),
    ("https://example.net/bread", "Bread, slowly", "A cold night in the fridge does most of the kneading."),
)
PAGE = (
    "A river is a habit of the landscape. It keeps its name and changes its water, its bed and its bends.\n"
)
BASH_SINCE = "20250825"
"""Later versions of code execution call ``bash_code_execution``."""


@dataclass(frozen=True, slots=True)
class Round:
    """One use of a server tool.

    Attributes:
        blocks: The call and its result.
        text: What is said about it, cited.
        counted: What it adds to ``usage.server_tool_use``.
        container: The container it ran in.
    """

    blocks: tuple[Block, ...]
    text: tuple[Block, ...] = ()
    counted: Json | None = None
    container: Json | None = None


def named(tools: list[Json]) -> dict[str, Json]:
    """Return those of *tools* that Claude's servers run, by name."""
    kinds = {name: tool for tool in tools for name in NAMES if str(tool.get("type", "")).startswith(name)}
    return {name: kinds[name] for name in NAMES if name in kinds}


def chosen(name: str, question: str) -> bool:
    """Return whether *question* makes Claude use the server tool *name*."""
    return any(word in question.lower() for word in CHOSEN_BY[name])


def use(name: str, tool: Json, question: str, random: Random, ids: Random) -> Round:
    """Return one use of the server tool *name*, for *question*; only its ids come from *ids*."""
    rounds: dict[str, Callable[[Json, str, Random, Random], Round]] = {
        "web_search": _search,
        "web_fetch": _fetch,
        "code_execution": _execute,
    }
    return rounds[name](tool, question, random, ids)


def huge(size: int, ids: Random) -> Round:
    """Return a use of code execution whose result has *size* bytes of output, in one event."""
    line = "All work and no play makes a long line, said the river to the sea.\n"
    output = (line * (size // len(line) + 1))[:size]
    call = _call("code_execution", {"code": "print(everything)"}, ids)
    return _ran(call, "code_execution", output)


def mcp(ids: Random) -> Round:
    """Return a call of a tool of an MCP server that Claude's servers are connected to."""
    start = {
        "type": "mcp_tool_use",
        "id": identifier("mcptoolu", ids),
        "name": "river_level",
        "server_name": "hydrology",
        "input": {},
    }
    result = {
        "type": "mcp_tool_result",
        "tool_use_id": start["id"],
        "is_error": False,
        "content": [{"type": "text", "text": "312 cm, falling"}],
    }
    return Round((Call(start, '{"station":"Warszawa"}'), Whole(result, RUNNING_S)))


def identifier(prefix: str, ids: Random) -> str:
    """Return an id such as Claude gives to calls."""
    return f"{prefix}_sim{ids.getrandbits(60):015x}"


def _call(name: str, given: Json, ids: Random) -> Call:
    start = {"type": "server_tool_use", "id": identifier("srvtoolu", ids), "name": name, "input": {}}
    return Call(start, orjson.dumps(given).decode())


def _result(kind: str, call: Call, content: object) -> Whole:
    return Whole({"type": kind, "tool_use_id": call.start["id"], "content": content}, RUNNING_S)


def _search(tool: Json, question: str, random: Random, ids: Random) -> Round:
    call = _call("web_search", {"query": question[:80] or "rivers"}, ids)
    sites = random.sample(SITES, k=len(SITES))
    found = [
        {
            "type": "web_search_result",
            "url": url,
            "title": title,
            "encrypted_content": random.randbytes(90).hex(),
            "page_age": "2 days ago",
        }
        for url, title, _ in sites
    ]
    text: list[Block] = [Text("Here is what the web says.\n\n")]
    for url, title, sentence in sites[:2]:
        citation = {
            "type": "web_search_result_location",
            "url": url,
            "title": title,
            "encrypted_index": random.randbytes(24).hex(),
            "cited_text": sentence,
        }
        text += [Text(sentence, (citation,)), Text(f" ({title}) ")]
    text.append(Text("So much for the web.\n\n"))
    counted: Json = {"web_search_requests": 1}
    if tool.get("max_uses") == 0:
        error = {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}
        return Round((call, _result("web_search_tool_result", call, error)))
    return Round((call, _result("web_search_tool_result", call, found)), tuple(text), counted)


def _fetch(tool: Json, question: str, _: Random, ids: Random) -> Round:
    words = [word.strip(".,;()<>\"'") for word in question.split()]
    url = next((word for word in words if word.startswith(("http://", "https://"))), SITES[0][0])
    call = _call("web_fetch", {"url": url}, ids)
    cited = bool((tool.get("citations") or {}).get("enabled"))
    page = {
        "type": "web_fetch_result",
        "url": url,
        "content": {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": PAGE},
            "title": "A page about rivers",
            "citations": {"enabled": cited},
        },
        "retrieved_at": "2026-11-21T09:30:00Z",
    }
    text = Text(f"The page says that {PAGE[0].lower()}{PAGE[1:].rstrip()}\n\n")
    return Round((call, _result("web_fetch_tool_result", call, page)), (text,), {"web_fetch_requests": 1})


def _execute(tool: Json, question: str, random: Random, ids: Random) -> Round:
    number = random.randint(20, 60)
    code = f"print(sum(n * n for n in range({number})))"
    output = f"{sum(n * n for n in range(number))}\n"
    text = (Text(f"I ran `{code}`, and it printed **{output.strip()}**.\n\n"),)
    if str(tool.get("type", "")).rpartition("_")[2] >= BASH_SINCE:
        call = _call("bash_code_execution", {"command": f'python3 -c "{code}"'}, ids)
        ran = _ran(call, "bash_code_execution", output)
    else:
        call = _call("code_execution", {"code": code}, ids)
        ran = _ran(call, "code_execution", output)
    container = {"id": identifier("container", ids), "expires_at": "2026-12-21T09:30:00Z"}
    return Round(ran.blocks, text, container=container)


def _ran(call: Call, kind: str, output: str) -> Round:
    content = {"type": f"{kind}_result", "stdout": output, "stderr": "", "return_code": 0, "content": []}
    return Round((call, _result(f"{kind}_tool_result", call, content)))
