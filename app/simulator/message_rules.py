"""What Claude refuses about messages: their order, the results of tools, prefill."""

from app.simulator.block_rules import check_block
from app.simulator.blocks import Json
from app.simulator.conversation import content_blocks, conversation
from app.simulator.errors import invalid
from app.simulator.going_on import SERVER_CALLS
from app.simulator.models import Model

ROLES = ("user", "assistant", "system")


def check_messages(messages: list[Json], model: Model, *, thinks: bool) -> None:
    """Insist that *model* would take *messages*; *thinks* if it is asked to.

    Raises:
        ClaudeError: as Claude would refuse them.
    """
    if not messages:
        raise invalid("messages: at least one message is required")
    waiting: list[str] = []
    seen: set[str] = set()
    for number, message in enumerate(messages):
        role, blocks = _checked(message, number)
        for place, block in enumerate(blocks):
            check_block(block, role, f"messages.{number}.content.{place}")
        if role == "system":
            continue
        answered = [str(block.get("tool_use_id")) for block in blocks if block["type"] == "tool_result"]
        _check_results(waiting, answered, number)
        first_others = [block["type"] for block in blocks[: len(answered)]]
        if answered and any(kind != "tool_result" for kind in first_others):
            raise _unanswered(waiting, number)
        waiting = [str(block["id"]) for block in blocks if block["type"] == "tool_use"]
        if twice := [each for each in waiting if each in seen or waiting.count(each) > 1]:
            raise invalid(f"messages.{number}: `tool_use` ids must be unique, found {twice[0]} again")
        seen.update(waiting)
    if messages[0]["role"] == "assistant":
        raise invalid("messages: first message must use the user role")
    _check_end(messages, waiting, model, thinks=thinks)


def _checked(message: Json, number: int) -> tuple[str, tuple[Json, ...]]:
    role = message.get("role") if isinstance(message, dict) else None
    if role not in ROLES:
        raise invalid(f"messages.{number}.role: Input should be 'user', 'assistant' or 'system'")
    if "content" not in message:
        raise invalid(f"messages.{number}.content: Field required")
    content = message["content"]
    if not isinstance(content, str | list):
        raise invalid(f"messages.{number}.content: Input should be a valid string or list")
    blocks = content_blocks(content)
    if not blocks or content == "":
        raise invalid(f"messages.{number}: all messages must have non-empty content")
    for place, block in enumerate(blocks):
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise invalid(f"messages.{number}.content.{place}.type: Field required")
    return role, blocks


def _check_results(waiting: list[str], answered: list[str], number: int) -> None:
    if any(call not in answered for call in waiting):
        raise _unanswered([call for call in waiting if call not in answered], number)
    if unexpected := [call for call in answered if call not in waiting]:
        raise invalid(
            f"messages.{number}: unexpected `tool_use_id` found in `tool_result` blocks: {unexpected[0]}. "
            "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
        )
    if len(set(answered)) < len(answered):
        raise invalid(f"messages.{number}: each tool_use must have a single result")


def _unanswered(calls: list[str], number: int) -> Exception:
    return invalid(
        f"messages.{number}: `tool_use` ids were found without `tool_result` blocks immediately after: "
        f"{', '.join(calls)}. Each `tool_use` block must have a corresponding `tool_result` block in the next "
        "message."
    )


def _check_end(messages: list[Json], waiting: list[str], model: Model, *, thinks: bool) -> None:
    if waiting:
        raise _unanswered(waiting, len(messages))
    turns = conversation(messages).turns
    if not turns:
        raise invalid("messages: at least one message must use the user role")
    last = turns[-1]
    if last.role != "assistant" or any(last.of_type(kind) for kind in SERVER_CALLS):
        return
    if not model.prefill:
        raise invalid(
            "This model does not support assistant message prefill. "
            "The conversation must end with a user message."
        )
    if thinks:
        raise invalid("Prefilling assistant messages is not supported while thinking is enabled.")
    if last.text != last.text.rstrip():
        raise invalid("messages: final assistant content cannot end with trailing whitespace")
