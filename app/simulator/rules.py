"""What Claude refuses with a 400, as far as clients run into it: parameters here, the rest in its modules."""

from app.simulator.blocks import Json
from app.simulator.caching import LIFETIME_S, input_tokens
from app.simulator.conversation import content_blocks
from app.simulator.errors import ClaudeError, invalid
from app.simulator.message_rules import check_messages
from app.simulator.models import BY_ID, EFFORTS, Model
from app.simulator.tool_rules import check_tools

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
CHOICES = {"service_tier": ("auto", "standard_only"), "speed": ("standard", "fast")}


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
    for name, values in CHOICES.items():
        if asked.get(name) is not None and asked[name] not in values:
            raise invalid(f"{name}: Input should be one of {', '.join(values)}")
    check_tools(asked, model, beta=beta)
    _check_output(asked, model, beta=beta)
    _check_thinking(asked, model)
    thinks = (asked.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    check_messages(asked["messages"], model, thinks=thinks)
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


def _check_output(asked: Json, model: Model, *, beta: bool) -> None:
    config = asked.get("output_config") or {}
    known = ("effort", "format", *(("task_budget",) if beta else ()))
    if unknown := [name for name in config if name not in known]:
        raise invalid(f"output_config.{unknown[0]}: Extra inputs are not permitted")
    effort = config.get("effort")
    if effort is not None and effort not in EFFORTS:
        raise invalid(f"output_config.effort: Input should be one of {', '.join(EFFORTS)}")
    if effort is not None and not model.effort:
        raise invalid(f"output_config.effort: {model.id} does not support the effort parameter")
    form = config.get("format")
    if form is None:
        return
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        raise invalid("output_config.format.type: Input should be 'json_schema'")
    if not isinstance(form.get("schema"), dict):
        raise invalid("output_config.format.schema: Field required")


def _check_thinking(asked: Json, model: Model) -> None:
    effort = (asked.get("output_config") or {}).get("effort")
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
    marks = [mark for block in (asked, *blocks) if (mark := block.get("cache_control"))]
    for mark in marks:
        if (
            not isinstance(mark, dict)
            or mark.get("type") != "ephemeral"
            or mark.get("ttl", "5m") not in LIFETIME_S
        ):
            raise invalid("cache_control: Input should be an ephemeral mark with a ttl of 5m or 1h")
    return len(marks)
