"""Other people's gateways, measured where they are installed. Nothing else here depends on them."""

from pathlib import Path

from tests.bench.reading import DIALECTS
from tests.bench.targets import Target

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
NPM = "npm install --no-package-lock --prefix tests/bench/peers"

KEY = "sk-bench"
"""LiteLLM does not start without a key to ask its clients for."""


def _express() -> Target:
    return Target(
        "express",
        DIALECTS["tutorial"],
        "/chat",
        ("node", str(HERE / "express.mjs"), "{port}"),
        needs=("node", str(MODULES / "express")),
        install=NPM,
    )


def _litellm(name: str, dialect: str, path: str) -> Target:
    return Target(
        name,
        DIALECTS[dialect],
        path,
        (
            *("litellm", "--config", str(HERE / "litellm.yaml"), "--host", "127.0.0.1", "--port", "{port}"),
            *("--num_workers", "1"),
        ),
        environment=(("LITELLM_MASTER_KEY", KEY), ("LITELLM_LOCAL_MODEL_COST_MAP", "True")),
        headers=(("Authorization", f"Bearer {KEY}"),),
        needs=("litellm",),
        install="uv tool install 'litellm[proxy]'",
    )


def _portkey() -> Target:
    server = MODULES / "@portkey-ai/gateway/build/start-server.js"
    return Target(
        "portkey",
        DIALECTS["claude"],
        "/v1/messages",
        ("node", "--import", str(HERE / "portkey.mjs"), str(server), "--port={port}", "--headless"),
        headers=(
            ("x-portkey-provider", "anthropic"),
            ("x-portkey-custom-host", "http://127.0.0.1:{upstream}/v1"),
        ),
        needs=("node", str(server)),
        install=NPM,
    )


PEERS = {
    target.name: target
    for target in (
        _express(),
        _portkey(),
        _litellm("litellm", "claude", "/v1/messages"),
        _litellm("litellm-chat", "openai", "/v1/chat/completions"),
    )
}
