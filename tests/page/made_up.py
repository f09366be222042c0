"""Answers that nobody gave: events, or a refusal, in the place of the gateway's."""

import json
from typing import Any

from playwright.sync_api import Page, Route

from tests.page.conftest import Chat

START: dict[str, Any] = {"type": "start", "id": "made-up", "model": "claude-test", "message_id": "m"}
TEXT: list[dict[str, Any]] = [
    {"type": "block_start", "index": 0, "kind": "text", "at_ms": 900},
    {"type": "text", "index": 0, "text": "Half an ans"},
]
DONE: dict[str, Any] = {
    "type": "done",
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 25, "output_tokens": 1234, "cache_read_input_tokens": 7},
    "cost_usd": 0.0123,
    "timing": {"ttft_ms": 612, "duration_ms": 9000, "tokens_per_second": 58.2},
}


def answer_with(page: Page, *events: dict[str, Any]) -> None:
    """Let the next question be answered by these events."""
    frames = [f"id: 1-{n}\ndata: {json.dumps(event)}\n\n" for n, event in enumerate(events, 1)]
    frames.append(f"id: 1-{len(events)}\ndata: [DONE]\n\n")

    def fulfill(route: Route) -> None:
        headers = {"Content-Type": "text/event-stream", "X-Chat-Id": "made-up"}
        route.fulfill(status=200, headers=headers, body="".join(frames))

    page.route("**/api/chat", fulfill, times=1)


def refuse_with(page: Page, status: int, kind: str, message: str, **headers: str) -> None:
    """Let the next question be refused."""
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_7"}
    page.route(
        "**/api/chat",
        lambda route: route.fulfill(status=status, headers=headers, json=body),
        times=1,
    )


def told(chat: Chat, text: str, *more: dict[str, Any], question: str = "Tell me.") -> None:
    """Let Claude say *text*."""
    block = {"type": "block_start", "index": 0, "kind": "text", "at_ms": 1}
    stop = {"type": "block_stop", "index": 0, "at_ms": 2}
    answer_with(chat.page, START, block, {"type": "text", "index": 0, "text": text}, *more, stop, DONE)
    chat.ask(question)
    chat.finished()
