"""What Claude refuses about a single content block: its type, its place, its source, its signature.

https://docs.claude.com/en/api/messages
"""

import binascii
from base64 import b64decode

from app.simulator.blocks import HOLOGRAM, Json
from app.simulator.errors import ClaudeError, invalid
from app.simulator.signatures import REDACTED, verified

RESULTS = (
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
)
BETA_OUTPUT = (
    "compaction",
    "fallback",
    "mcp_tool_use",
    "mcp_tool_result",
    "mcp_tool_listing",
    "advisor_tool_result",
)
"""Taken back without a beta header, because directives make this Claude say them without one."""

TYPES = {
    "user": ("text", "image", "document", "search_result", "tool_result", "container_upload"),
    "assistant": (
        "text",
        "thinking",
        "redacted_thinking",
        "tool_use",
        "server_tool_use",
        "container_upload",
        *RESULTS,
        *BETA_OUTPUT,
        HOLOGRAM["type"],
    ),
    "system": ("text", "tool_addition", "tool_removal"),
}
IN_RESULTS = ("text", "image", "search_result", "document", "tool_reference", "browser_state")
SOURCES = {"image": ("base64", "url", "file"), "document": ("base64", "text", "content", "url", "file")}
MEDIA_TYPES = {
    "image": ("image/jpeg", "image/png", "image/gif", "image/webp"),
    "document": ("application/pdf",),
}
REQUIRED = {
    "tool_use": ("id", "name", "input"),
    "server_tool_use": ("id", "name", "input"),
    "tool_result": ("tool_use_id",),
    "redacted_thinking": ("data",),
    "search_result": ("source", "title", "content"),
    "container_upload": ("file_id",),
}
NOT_CACHED = ("thinking", "redacted_thinking")


def check_block(block: Json, role: str, where: str) -> None:
    """Insist that Claude would take *block* from *role*; *where* is its path in the request.

    Raises:
        ClaudeError: as Claude would refuse it.
    """
    kind = block["type"]
    if kind not in TYPES[role]:
        raise _misplaced(kind, role, where)
    if missing := [name for name in REQUIRED.get(kind, ()) if name not in block]:
        raise invalid(f"{where}.{kind}.{missing[0]}: Field required")
    if kind in NOT_CACHED and block.get("cache_control"):
        raise invalid(f"{where}.{kind}.cache_control: Extra inputs are not permitted")
    match kind:
        case "text":
            _check_text(block, role, where)
        case "thinking":
            if "signature" not in block:
                raise invalid(f"{where}.thinking.signature: Field required")
            if not verified(str(block.get("thinking", "")), str(block["signature"])):
                raise invalid(f"{where}: Invalid `signature` in `thinking` block")
        case "redacted_thinking":
            if not verified(REDACTED, str(block["data"])):
                raise invalid(f"{where}: Invalid `data` in `redacted_thinking` block")
        case "image" | "document":
            _check_source(block, where)
        case "tool_use" | "server_tool_use":
            if not isinstance(block["input"], dict):
                raise invalid(f"{where}.{kind}.input: Input should be a valid dictionary")
        case "tool_result":
            _check_result(block, where)
        case _:
            pass


def _misplaced(kind: str, role: str, where: str) -> ClaudeError:
    if any(kind in types for types in TYPES.values()):
        return invalid(f"{where}: `{kind}` blocks are not permitted in {role} messages")
    return invalid(
        f"{where}: Input tag '{kind}' found using 'type' does not match any of the expected tags: "
        + ", ".join(f"'{known}'" for known in TYPES[role] if known != HOLOGRAM["type"])
    )


def _check_text(block: Json, role: str, where: str) -> None:
    if not isinstance(block.get("text"), str) or not block["text"].strip():
        raise invalid("messages: text content blocks must contain non-whitespace text")
    if role == "user" and block.get("citations"):
        raise invalid(f"{where}.text.citations: not permitted in user messages")


def _check_source(block: Json, where: str) -> None:
    kind = block["type"]
    source = block.get("source")
    if not isinstance(source, dict) or source.get("type") not in SOURCES[kind]:
        raise invalid(f"{where}.{kind}.source.type: Input should be one of {', '.join(SOURCES[kind])}")
    needed = {"base64": "data", "url": "url", "file": "file_id", "text": "data", "content": "content"}
    if needed[source["type"]] not in source:
        raise invalid(f"{where}.{kind}.source.{source['type']}.{needed[source['type']]}: Field required")
    if source["type"] != "base64":
        return
    if source.get("media_type") not in MEDIA_TYPES[kind]:
        raise invalid(
            f"{where}.{kind}.source.base64.media_type: Input should be {' or '.join(MEDIA_TYPES[kind])}"
        )
    try:
        b64decode(source["data"], validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise invalid(f"{where}.{kind}.source.base64: invalid base64 data") from None


def _check_result(block: Json, where: str) -> None:
    content = block.get("content", "")
    if isinstance(content, str):
        return
    for number, inner in enumerate(content):
        if inner.get("type") not in IN_RESULTS:
            raise invalid(
                f"{where}.tool_result.content.{number}: Input tag '{inner.get('type')}' found using 'type' does "
                f"not match any of the expected tags: {', '.join(IN_RESULTS)}"
            )
        if block.get("is_error") and inner["type"] != "text":
            raise invalid(f"{where}.tool_result.content.{number}: errors may hold text alone")
        if inner["type"] in ("text", "image", "document"):
            check_block(inner, "user", f"{where}.tool_result.content.{number}")
