"""What a server's tool gave → what Claude takes in a tool's result.

Claude refuses a whole conversation for one block it cannot take (an empty text, an image that is not what it
is said to be, anything but text in an error), so what is not surely fine is told in words instead.
"""

import base64
import binascii
import json
from typing import Any

from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from app.tools.registry import Result

MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
    (b"%PDF-", "application/pdf"),
)
"""What Claude can look at, by how it begins: servers get media types wrong, and Claude minds."""

FAILED = "The tool failed and did not say how."


def result(given: CallToolResult) -> Result:
    """Return *given* as a result for Claude: its content, or if there is none its structured content."""
    blocks = [block for each in given.content if (block := _block(each, text_only=given.is_error))]
    if not blocks and given.structured_content is not None:
        blocks = [_text(json.dumps(given.structured_content, ensure_ascii=False, separators=(",", ":")))]
    match blocks:
        case []:
            return Result(FAILED if given.is_error else "", given.is_error)
        case [{"type": "text", "text": str(text)}]:
            return Result(text, given.is_error)
        case _:
            return Result(blocks, given.is_error)


def _block(content: ContentBlock, *, text_only: bool) -> dict[str, Any] | None:
    match content:
        case TextContent(text=text) | EmbeddedResource(resource=TextResourceContents(text=text)):
            return _text(text) if text.strip() else None
        case ImageContent(data=data, mime_type=kind) | AudioContent(data=data, mime_type=kind):
            return _binary(data, kind, None, text_only=text_only)
        case EmbeddedResource(resource=BlobResourceContents(blob=data, mime_type=said, uri=uri)):
            return _binary(data, said or "binary data", uri, text_only=text_only)
        case EmbeddedResource(resource=resource):  # pragma: no cover - the two above are all
            return _text(f"[a resource: {resource.uri}]")
        case ResourceLink():
            about = f" ({content.mime_type})" if content.mime_type else ""
            more = f": {content.description}" if content.description else ""
            return _text(f"[a link to {content.title or content.name}{about}: {content.uri}{more}]")


def _binary(data: str, kind: str, uri: str | None, *, text_only: bool) -> dict[str, Any]:
    try:
        data = "".join(data.split())
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return _text(f"[{kind} that is not valid base64, left out]")
    seen = next((kind for magic, kind in MAGIC if raw.startswith(magic)), None)
    if seen is None or text_only or (seen == "image/webp" and raw[8:12] != b"WEBP"):
        where = f" from {uri}" if uri else ""
        return _text(f"[{kind}{where}, {len(raw):,} bytes, left out]")
    source = {"type": "base64", "media_type": seen, "data": data}
    return {"type": "document" if seen == "application/pdf" else "image", "source": source}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
