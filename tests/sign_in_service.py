"""A sign-in service: its keys, where they are to be had, and the tokens that it signs."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER, AUDIENCE = "https://login.example/", "claude-gateway"

RSA_KEY = rsa.generate_private_key(65537, 2048)
OTHER_RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()


def public(key: Any, kid: str | None, **fields: str) -> dict[str, Any]:
    """Return the JWK of a private *key*."""
    kind = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}
    algorithm = next((each for type_, each in kind.items() if isinstance(key, type_)), OKPAlgorithm)
    jwk: dict[str, Any] = json.loads(algorithm.to_jwk(key.public_key()))  # type: ignore[attr-defined]
    return jwk | ({"kid": kid} if kid else {}) | fields


def now() -> int:
    return int(time.time())


def claims(**changes: Any) -> dict[str, Any]:
    said = {"iss": ISSUER, "aud": AUDIENCE, "sub": "u-1", "iat": now(), "exp": now() + 600} | changes
    return {name: value for name, value in said.items() if value is not None}


def token(key: Any = RSA_KEY, kid: str | None = "rsa", algorithm: str = "RS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm, headers={"kid": kid} if kid else {})


def by_hand(header: dict[str, Any], said: Any, secret: bytes | None = None) -> str:
    """Return a token that no library would make."""
    parts = [header, said]
    text = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )
    signature = hmac.new(secret, text.encode(), hashlib.sha256).digest() if secret is not None else b""
    return text + "." + base64.urlsafe_b64encode(signature).decode().rstrip("=")


@dataclass
class KeyServer:
    """Where the public keys are.

    Attributes:
        answer: What it says: keys, raw bytes, or an HTTP status.
        asked: How often it was.
    """

    answer: list[dict[str, Any]] | bytes | int = field(default_factory=list)
    asked: int = 0
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        status = self.answer if isinstance(self.answer, int) else 200
        raw = self.answer if isinstance(self.answer, bytes) else json.dumps({"keys": self.answer}).encode()
        writer.write(
            b"HTTP/1.1 %d X\r\nlocation: /elsewhere\r\ncontent-length: %d\r\n\r\n" % (status, len(raw))
        )
        writer.write(raw)
        writer.close()


@asynccontextmanager
async def key_server(*keys: dict[str, Any]) -> AsyncIterator[KeyServer]:
    server = KeyServer(list(keys))
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/keys"
    try:
        yield server
    finally:
        listening.close()


def signed_in_by(url: str) -> dict[str, Any]:
    return {"auth": "jwt", "jwt_jwks_url": url, "jwt_issuer": ISSUER, "jwt_audience": (AUDIENCE,)}
