"""What Claude refuses about ``tools`` and ``tool_choice``.

https://docs.claude.com/en/docs/agents-and-tools/tool-use/overview
"""

import re

from app.simulator.blocks import Json
from app.simulator.errors import invalid
from app.simulator.models import Model

KINDS = re.compile(
    r"(web_search_(20250305|20260209|20260318)"
    r"|web_fetch_(20250910|20260209|20260309|20260318)"
    r"|code_execution_(20250522|20250825|20260120|20260521)"
    r"|tool_search_tool_(regex|bm25)(_20251119)?"
    r"|bash_20250124|memory_20250818"
    r"|text_editor_(20250124|20250429|20250728)"
    r"|(computer|browser)_toolset_20260801)"
)
"""Types of tools that Claude itself defines."""

BETA_KINDS = re.compile(r"advisor_20260301|mcp_toolset|computer_20\d{6}|bash_20241022|text_editor_20241022")
NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
CHOICES = ("auto", "any", "tool", "none")


def check_tools(asked: Json, model: Model, *, beta: bool) -> None:
    """Insist that *model* would take the tools of the request *asked*.

    Raises:
        ClaudeError: as Claude would refuse them.
    """
    names: list[str] = []
    for number, tool in enumerate(asked.get("tools") or []):
        _check_tool(tool, f"tools.{number}", beta=beta)
        if tool.get("name") in names:
            raise invalid("tools: Tool names must be unique.")
        names += [tool["name"]] if "name" in tool else []
    if choice := asked.get("tool_choice"):
        _check_choice(choice, names, asked, model)


def _check_tool(tool: Json, where: str, *, beta: bool) -> None:
    if not isinstance(tool, dict):
        raise invalid(f"{where}: Input should be a valid dictionary")
    kind = str(tool.get("type") or "custom")
    if kind != "custom":
        if not KINDS.fullmatch(kind) and not (beta and BETA_KINDS.fullmatch(kind)):
            raise invalid(
                f"{where}: Input tag '{kind}' found using 'type' does not match any of the expected tags"
            )
        return
    if "input_schema" not in tool:
        raise invalid(f"{where}.custom.input_schema: Field required")
    schema = tool["input_schema"]
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise invalid(f"{where}.custom.input_schema.type: Input should be 'object'")
    if not NAME.fullmatch(str(tool.get("name", ""))):
        raise invalid(f"{where}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")


def _check_choice(choice: Json, names: list[str], asked: Json, model: Model) -> None:
    kind = choice.get("type")
    if kind not in CHOICES:
        raise invalid(
            f"tool_choice: Input tag '{kind}' found using 'type' does not match any of the expected tags"
        )
    if not asked.get("tools"):
        raise invalid("tool_choice: tool_choice may only be specified while providing tools")
    forced = kind in ("any", "tool")
    if forced and not model.forced_tools:
        raise invalid(f"tool_choice: {model.id} does not support forced tool use")
    if forced and (asked.get("thinking") or {}).get("type") == "enabled":
        raise invalid("Thinking may not be enabled when tool_choice forces tool use.")
    if kind == "tool" and choice.get("name") not in names:
        raise invalid(f"tool_choice: Tool '{choice.get('name')}' not found in provided tools")
