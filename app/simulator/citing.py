"""Citations of what the client gave: documents and search results with citations switched on."""

from collections.abc import Iterator

from app.simulator.blocks import Block, Json, Text
from app.simulator.conversation import Conversation, content_blocks

MAX_CITED_CHARACTERS = 120


def cited(talk: Conversation) -> tuple[Block, ...]:
    """Return what is said about the sources in *talk*: text, and cited text in blocks of its own.

    No block is of white space alone: Claude would not take it back.
    """
    blocks: list[Block] = []
    for citation in filter(_has_text, _citations(talk)):
        title = citation.get("document_title") or citation.get("title") or "the document"
        before = "\n\n" if blocks else ""
        blocks += [Text(f"{before}According to {title}: "), Text(citation["cited_text"], (citation,))]
    return (*blocks, Text("\n\nSo much for the sources.\n\n")) if blocks else ()


def _citations(talk: Conversation) -> Iterator[Json]:
    documents = results = 0
    for turn in talk.turns:
        for block in turn.blocks:
            on = bool((block.get("citations") or {}).get("enabled")) if turn.role == "user" else False
            match block.get("type"):
                case "document":
                    if on:
                        yield _location(block, documents)
                    documents += 1
                case "search_result":
                    if on:
                        yield _found(block, results)
                    results += 1
                case _:
                    pass


def _location(block: Json, index: int) -> Json:
    common = {"document_index": index, "document_title": block.get("title"), "file_id": None}
    source = block.get("source") or {}
    match source.get("type"):
        case "text":
            sentence = _sentence(str(source.get("data", "")))
            where = {"type": "char_location", "start_char_index": 0, "end_char_index": len(sentence)}
        case "content":
            texts = [str(part.get("text", "")) for part in content_blocks(source.get("content") or "")]
            sentence = texts[0] if texts else ""
            where = {"type": "content_block_location", "start_block_index": 0, "end_block_index": 1}
        case _:
            sentence = "What the first page says."
            where = {"type": "page_location", "start_page_number": 1, "end_page_number": 2}
    return {**where, "cited_text": sentence, **common}


def _found(block: Json, index: int) -> Json:
    texts = [str(part.get("text", "")) for part in block.get("content") or ()]
    return {
        "type": "search_result_location",
        "cited_text": texts[0] if texts else "",
        "search_result_index": index,
        "source": block.get("source"),
        "title": block.get("title"),
        "start_block_index": 0,
        "end_block_index": 1,
    }


def _sentence(text: str) -> str:
    """Return the first sentence of *text*."""
    end = text.find(". ")
    return text[: min(end + 1 if end >= 0 else len(text), MAX_CITED_CHARACTERS)]


def _has_text(citation: Json) -> bool:
    return bool(citation["cited_text"].strip())
