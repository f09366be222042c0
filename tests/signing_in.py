"""Tokens for tests, and the headers that show them."""

from pathlib import Path

from app.auth import tokens
from tests.reading import Answer, Client

ALICE, BOB = "cgw_alice-canary-0123456789", "cgw_bob-canary-0123456789"
"""No answer or log line may hold them, like the key."""


def line(name: str, token: str, *options: str) -> str:
    return " ".join([name, tokens.SCHEME + tokens.digest(token).hex(), *options]) + "\n"


def tokens_file(folder: Path, *lines: str) -> Path:
    """Return a file of *lines*; without any, of Alice's token and Bob's."""
    path = folder / "tokens"
    path.write_text("".join(lines or (line("alice", ALICE), line("bob", BOB))))
    return path


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def sign_in(client: Client, token: str, headers: dict[str, str] | None = None) -> Answer:
    return await client.request("POST", "/api/session", {"token": token}, headers)


def cookie(answer: Answer) -> dict[str, str]:
    """Return the header with which a browser sends back the cookie that *answer* set."""
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
