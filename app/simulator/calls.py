"""Which of the client's tools are called, and with what."""

import re
from random import Random

import orjson

from app.simulator import server_tools
from app.simulator.blocks import Call, Json
from app.simulator.conversation import Conversation
from app.simulator.directives import Directive
from app.simulator.examples import WORDS, example

INPUTS: dict[str, Json] = {
    "bash": {"command": "uname -a"},
    "memory": {"command": "view", "path": "/memories"},
    "str_replace_editor": {"command": "view", "path": "/repo"},
    "str_replace_based_edit_tool": {"command": "view", "path": "/repo"},
}
"""What Claude's own client tools are called with; they have no schema in the request."""

_NAMES = re.compile(r"(?<=[a-z,] )[A-Z]\w{2,}(?: [A-Z]\w+)*")
"""Names in a question, such as Gdynia or New York: capitals that do not begin a sentence."""

MIN_NAME_PART = 4
"""A question that has so long a part of a tool's name chooses the tool."""


def names(asked: Json, talk: Conversation, wanted: Directive | None) -> list[str]:
    """Return the tools to call now, server tools included: named by *wanted*, by the question, or forced."""
    tools = asked.get("tools") or []
    own = [str(tool["name"]) for tool in tools if "name" in tool and tool["name"] not in server_tools.NAMES]
    servers = server_tools.named(tools)
    choice = asked.get("tool_choice") or {}
    if choice.get("type") == "none":
        return []
    found: list[str] = []
    if wanted is not None:
        if talk.tool_rounds < wanted.integer("rounds", 1):
            found = wanted.words[0].split(",")
    elif talk.tool_rounds == 0:
        question = talk.question
        found = [name for name in servers if server_tools.chosen(name, question)]
        found += [name for name in own if _mentioned(name, question)]
    match choice.get("type"):
        case "tool":
            found = [str(choice["name"])]
        case "any" if not found and (own or servers):
            found = [*own, *servers][:1]
        case _:
            pass
    return found[:1] if choice.get("disable_parallel_tool_use") else found


def call(name: str, tools: list[Json], question: str, random: Random, ids: Random) -> Call:
    """Return a call of the client's tool *name*, about what *question* names; one that nobody gave has no input."""
    tool = next((tool for tool in tools if tool.get("name") == name), {})
    schema = tool.get("input_schema")
    words = _NAMES.findall(question) or WORDS
    given = example(schema, random, words=words) if schema else INPUTS.get(name, {})
    start = {
        "type": "tool_use",
        "id": server_tools.identifier("toolu", ids),
        "name": name,
        "input": {},
    }
    return Call(start, orjson.dumps(given).decode() if given else "")


def _mentioned(name: str, question: str) -> bool:
    parts = [part for part in re.split(r"[\W_]+", name.lower()) if len(part) >= MIN_NAME_PART]
    return any(re.search(rf"\b{re.escape(part)}", question.lower()) for part in parts)
