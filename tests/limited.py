"""A client with limits, as tests ask for it, and how it stands to them."""

from typing import Any

from tests.reading import Answer, Client, Stream, ask
from tests.scripted import TEXT_START, Ending, message_start, text_delta

PAUSED = [message_start(), TEXT_START, text_delta("so far"), Ending.STALL]


def by(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


async def chat(client: Client, headers: dict[str, str] | None = None, **fields: Any) -> Answer:
    return await client.request("POST", "/api/chat", ask("x", stream=False, **fields), headers)


def standing(answer: Answer | Stream) -> tuple[int, int]:
    return int(answer.headers["ratelimit-limit"]), int(answer.headers["ratelimit-remaining"])
