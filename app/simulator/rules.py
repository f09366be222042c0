"""What Claude refuses with a 400, as far as clients run into it: parameters here, messages in ``message_rules``."""

import re

from app.simulator.blocks import Json
from app.simulator.caching import input_tokens
from app.simulator.conversation import content_blocks
from app.simulator.errors import ClaudeError, invalid
from app.simulator.message_rules import check_messages
from app.simulator.models import BY_ID, Model

FIELDS: dict[str, type | tuple[type, ...]] = {
    "model": str,
    "max_tokens": int,
    "messages": list,
    "system": (str, list),
    "stream": bool,
    "stop_sequences": list,
    "tools": list,
    "tool_choice": dict,
    "thinking": dict,
    "output_config": dict,
    "cache_control": dict,
    "container": (str, dict),
    "diagnostics": dict,
    "inference_geo": str,
    "metadata": dict,
    "service_tier": str,
    "speed": str,
}
BETA_FIELDS = frozenset(
    ["compaction", "context_management", "fallback_credit_token", "fallbacks", "mcp_servers", "thread"]
)
SAMPLING = ("temperature", "top_p", "top_k")
COUNTED = ("model", "messages")
MAX_CACHE_MARKS = 4
MIN_BUDGET_TOKENS = 1024
HIGH_EFFORTS = ("xhigh", "max")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


def check(asked: Json, *, beta: bool = False, counting: bool = False) -> None:
    """Insist that Claude would take the request *asked*.

    Args:
        asked: The request.
        beta: Whether an ``anthropic-beta`` header came with it; then there are more fields.
        counting: Whether tokens are to be counted only.

    Raises:
        ClaudeError: as Claude would refuse it.
    """
    _check_fields(asked, beta=beta, counting=counting)
    if asked["model"] not in BY_ID:
        raise ClaudeError("not_found_error", f"model: {asked['model']}", 404)
    model = BY_ID[asked["model"]]
    if not counting:
        if asked["max_tokens"] < 0:
            raise invalid("max_tokens: Input should be greater than or equal to 0")
        if asked["max_tokens"] > model.output:
            raise invalid(f"max_tokens: {asked['max_tokens']} > {model.output}, the maximum for {model.id}")
    if not all(isinstance(each, str) and each.strip() for each in asked.get("stop_sequences") or ()):
        raise invalid("stop_sequences: each stop sequence must contain non-whitespace")
    _check_tools(asked, model)
    _check_thinking(asked, model)
    check_messages(asked["messages"], model)
    if (marks := _cache_marks(asked)) > MAX_CACHE_MARKS:
        raise invalid(
            f"A maximum of {MAX_CACHE_MARKS} blocks with cache_control may be provided. Found {marks}."
        )
    if (tokens := input_tokens(asked)) > model.context:
        raise invalid(f"prompt is too long: {tokens} tokens > {model.context} maximum")


def _check_fields(asked: Json, *, beta: bool, counting: bool) -> None:
    for name, value in asked.items():
        if name in SAMPLING:
            raise invalid(f"{name}: this parameter is no longer supported (API version 2026-10-21)")
        if beta and name in BETA_FIELDS:
            continue
        if name not in FIELDS:
            raise invalid(f"{name}: Extra inputs are not permitted")
        wrong = not isinstance(value, FIELDS[name]) or (name == "max_tokens" and value is True)
        if wrong and (value is not None or name in (*COUNTED, "max_tokens")):
            raise invalid(f"{name}: Input has the wrong type")
    for name in COUNTED if counting else (*COUNTED, "max_tokens"):
        if name not in asked:
            raise invalid(f"{name}: Field required")


def _check_tools(asked: Json, model: Model) -> None:
    tools = asked.get("tools") or []
    names: list[str] = []
    for number, tool in enumerate(tools):
        if "input_schema" in tool or tool.get("type", "custom") == "custom":
            if "input_schema" not in tool:
                raise invalid(f"tools.{number}.custom.input_schema: Field required")
            schema = tool["input_schema"]
            if not isinstance(schema, dict) or schema.get("type") != "object":
                raise invalid(f"tools.{number}.custom.input_schema.type: Field required to be 'object'")
            if not _TOOL_NAME.fullmatch(str(tool.get("name", ""))):
                raise invalid(
                    f"tools.{number}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
                )
        if tool.get("name") in names:
            raise invalid("tools: Tool names must be unique.")
        names += [tool["name"]] if "name" in tool else []
    choice = asked.get("tool_choice")
    if not choice:
        return
    if not tools:
        raise invalid("tool_choice: tool_choice may only be specified while providing tools")
    forced = choice.get("type") in ("any", "tool")
    if forced and not model.forced_tools:
        raise invalid(f"tool_choice: {model.id} does not support forced tool use")
    if forced and (asked.get("thinking") or {}).get("type") == "enabled":
        raise invalid("Thinking may not be enabled when tool_choice forces tool use.")
    if choice.get("type") == "tool" and choice.get("name") not in names:
        raise invalid(f"tool_choice: Tool '{choice.get('name')}' not found in provided tools")


def _check_thinking(asked: Json, model: Model) -> None:
    effort = (asked.get("output_config") or {}).get("effort")
    if effort is not None and not model.effort:
        raise invalid(f"output_config.effort: {model.id} does not support the effort parameter")
    thinking = asked.get("thinking") or {}
    match thinking.get("type"):
        case "enabled":
            if not model.budget:
                raise invalid(f"thinking.type: {model.id} takes adaptive")
            budget = thinking.get("budget_tokens", 0)
            if budget < MIN_BUDGET_TOKENS:
                raise invalid("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
            if "max_tokens" in asked and budget >= asked["max_tokens"]:
                raise invalid("`max_tokens` must be greater than `thinking.budget_tokens`")
        case "disabled":
            if model.disabled == "refused":
                raise invalid(f"thinking.type: thinking cannot be disabled on {model.id}")
            if model.disabled == "up to high effort" and effort in HIGH_EFFORTS:
                raise invalid(f"thinking.type: thinking cannot be disabled on {model.id} at effort {effort}")
        case "adaptive" | "between_tools" as kind:
            if not model.adaptive:
                raise invalid(f"thinking.type: {kind} thinking is not supported on {model.id}")
        case None:
            pass
        case other:
            raise invalid(f"thinking: Input tag '{other}' found using 'type' does not match any expected tag")


def _cache_marks(asked: Json) -> int:
    blocks = [*(asked.get("tools") or ()), *content_blocks(asked.get("system") or ())]
    for message in asked["messages"]:
        blocks += content_blocks(message["content"])
    return sum(bool(block.get("cache_control")) for block in (asked, *blocks))
