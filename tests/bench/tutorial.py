"""The code of every tutorial: FastAPI, the SDK's ``messages.stream`` and a ``StreamingResponse``. The peer to beat.

Nothing here survives a disconnect, an overload or a proxy that buffers; that is the point.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

from anthropic import AsyncAnthropic
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

app = FastAPI()
client = AsyncAnthropic()


class Chat(BaseModel):
    model: str
    max_tokens: int
    messages: list[Any]


@app.post("/chat")
async def chat(chat: Chat) -> StreamingResponse:
    async def answer() -> AsyncIterator[str]:
        async with client.messages.stream(
            model=chat.model, max_tokens=chat.max_tokens, messages=chat.messages
        ) as stream:
            async for text in stream.text_stream:
                yield f"data: {json.dumps({'text': text})}\n\n"
        yield "data: [DONE]\n\n"

    return StreamingResponse(answer(), media_type="text/event-stream")


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "alive"}
