"""Which files a browser may send, as the page is told."""

from typing import Any

from app.settings import Settings

IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
DOCUMENT_TYPES = ("application/pdf", "text/plain")
"""What Claude reads, as media types of base64 sources and of text."""

MAX_IMAGE_BYTES = 5 * 1024 * 1024
"""Of one image, in base64."""

MAX_IMAGE_EDGE_PX = 8000
MAX_IMAGES = 100
"""Of one request, to a model with the smaller context; limits as in Claude's guide to vision."""


def attachment_limits(settings: Settings) -> dict[str, Any]:
    """Return what of files a browser may send: Claude's limits, and this gateway's on the whole request."""
    return {
        "max_body_bytes": settings.max_body_bytes,
        "url_sources": settings.allow_url_sources,
        "images": {
            "media_types": IMAGE_TYPES,
            "max_bytes": MAX_IMAGE_BYTES,
            "max_edge": MAX_IMAGE_EDGE_PX,
            "max_count": MAX_IMAGES,
        },
        "documents": {"media_types": DOCUMENT_TYPES},
    }
