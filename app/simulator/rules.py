"""What Claude refuses with a 400, as far as clients run into it."""

from app.simulator.blocks import Json
from app.simulator.conversation import content_blocks, conversation
from app.simulator.errors import ClaudeError, invalid
from app.simulator.models import BY_ID
from app.simulator.signatures import verified

FIELDS = frozenset(
    [
        "model",
        "max_tokens",
        "messages",
        "system",
        "stream",
        "stop_sequences",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "cache_control",
        "container",
        "diagnostics",
        "inference_geo",
        "metadata",
        "service_tier",
        "speed",
    ]
)
SAMPLING = ("temperature", "top_p", "top_k")


def check(asked: Json, *, counting: bool = False) -> None:
    """Insist that Claude would take the request *asked*.

    Raises:
        ClaudeError: as Claude would refuse it.
    """
    for name in asked:
        if name in SAMPLING:
            raise invalid(f"{name}: this parameter is no longer supported (API version 2026-10-21)")
        if name not in FIELDS:
            raise invalid(f"{name}: Extra inputs are not permitted")
    for name in ("model", "messages") if counting else ("model", "max_tokens", "messages"):
        if name not in asked:
            raise invalid(f"{name}: Field required")
    if asked["model"] not in BY_ID:
        raise ClaudeError("not_found_error", f"model: {asked['model']}", 404)
    model = BY_ID[asked["model"]]
    if not counting and asked["max_tokens"] > model.output:
        raise invalid(f"max_tokens: {asked['max_tokens']} > {model.output}, the maximum for {model.id}")
    _check_messages(asked["messages"])
    turns = conversation(asked["messages"]).turns
    if turns[-1].role == "assistant" and not model.prefill and not turns[-1].of_type("server_tool_use"):
        raise invalid(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    if not model.forced_tools and (asked.get("tool_choice") or {}).get("type") in ("any", "tool"):
        raise invalid(f"tool_choice: {model.id} does not support forced tool use")
    thinking = (asked.get("thinking") or {}).get("type")
    if thinking == "enabled" and not model.budget:
        raise invalid(f"thinking.type: {model.id} takes adaptive")
    if thinking == "disabled" and model.disabled == "refused":
        raise invalid(f"thinking.type: thinking cannot be disabled on {model.id}")


def _check_messages(messages: list[Json]) -> None:
    if not messages:
        raise invalid("messages: at least one message is required")
    waiting: list[str] = []
    for number, message in enumerate(messages):
        role = message.get("role")
        if role not in ("user", "assistant", "system"):
            raise invalid(f"messages.{number}.role: Input should be 'user', 'assistant' or 'system'")
        blocks = content_blocks(message.get("content") or "")
        for block in blocks:
            if block.get("type") == "text" and not block.get("text", "").strip():
                raise invalid("messages: text content blocks must contain non-whitespace text")
            if block.get("type") == "thinking":
                _check_thinking(block, number)
        if role == "system":
            continue
        answered = [block["tool_use_id"] for block in blocks if block.get("type") == "tool_result"]
        missing = [call for call in waiting if call not in answered]
        if missing:
            raise invalid(
                f"messages.{number}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}"
            )
        if unexpected := [call for call in answered if call not in waiting]:
            raise invalid(
                f"messages.{number}: unexpected `tool_use_id` found in `tool_result` blocks: {unexpected[0]}"
            )
        waiting = (
            [block["id"] for block in blocks if block.get("type") == "tool_use"]
            if role == "assistant"
            else []
        )
    if messages[0].get("role") == "assistant":
        raise invalid("messages: first message must use the user role")


def _check_thinking(block: Json, number: int) -> None:
    if "signature" not in block:
        raise invalid(f"messages.{number}.content: thinking.signature: Field required")
    if not verified(block.get("thinking", ""), block["signature"]):
        raise invalid(f"messages.{number}.content: Invalid `signature` in `thinking` block")
