"""``claude-gateway check``: what works and what does not, in one table."""

import asyncio

from app.protocol.errors import Problem
from app.settings import Settings
from app.upstream import Upstream


def check(settings: Settings) -> int:
    """Print the table; return 0 if everything works, else 1."""
    rows = [("settings", True, "valid")]
    if settings.demo:
        rows.append(("upstream", True, "demo mode: the bundled simulator answers (no key, no base URL)"))
    else:
        rows += asyncio.run(_ask(settings))
    width = max(len(name) for name, _, _ in rows)
    for name, works, said in rows:
        print(f"{'ok  ' if works else 'FAIL'}  {name:<{width}}  {said}")  # noqa: T201
    return 0 if all(works for _, works, _ in rows) else 1


async def _ask(settings: Settings) -> list[tuple[str, bool, str]]:
    upstream = Upstream(settings, settings.base_url)
    try:
        listed = {model["id"] for model in await upstream.models()}
    except Problem as problem:
        return [("upstream", False, problem.message)]
    finally:
        await upstream.close()
    rows = [("upstream", True, f"reached, lists {len(listed)} models")]
    return rows + [
        (f"model {name}", name in listed, "listed" if name in listed else "the upstream does not list it")
        for name in settings.models
    ]
