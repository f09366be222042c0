"""Where an answer stops before its end: ``max_tokens``, stop sequences, a full context, a refusal half-way."""

from dataclasses import replace

from app.simulator.blocks import Answer, Block, Call, Json, Text, Thinking
from app.simulator.message import block_tokens
from app.simulator.tokens import pieces


def bounded(answer: Answer, limit: int, reason: str, details: Json | None = None) -> Answer:
    """Return *answer* cut after *limit* tokens, thinking included, with *reason* if it had more.

    Text and the input of a call are cut where the limit is; of thinking that does not fit nothing is left,
    as it would have no signature.
    """
    left = limit
    blocks: list[Block] = []
    for block in answer.blocks:
        if block_tokens(block) <= left:
            left -= block_tokens(block)
            blocks.append(block)
            continue
        match block:
            case Text(text) if left:
                blocks.append(Text("".join(pieces(text)[:left])))
            case Call(start, input_json) if left:
                blocks.append(Call(start, "".join(pieces(input_json)[:left])))
            case Thinking() | _:
                pass
        return replace(
            answer, blocks=tuple(blocks), stop_reason=reason, stop_sequence=None, stop_details=details
        )
    return answer


def stopped(answer: Answer, sequences: list[str]) -> Answer:
    """Return *answer* cut before the first of *sequences* that its text has; the sequence itself is not said."""
    for number, block in enumerate(answer.blocks):
        if not isinstance(block, Text):
            continue
        found = [(block.text.index(each), each) for each in sequences if each in block.text]
        if found:
            at, sequence = min(found)
            said = (Text(block.text[:at]),) if at else ()
            return replace(
                answer,
                blocks=(*answer.blocks[:number], *said),
                stop_reason="stop_sequence",
                stop_sequence=sequence,
            )
    return answer
