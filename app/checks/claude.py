"""Does Claude answer: is it reached, does the key work, does it know and count for each model? Nothing is billed."""

import asyncio

from app.checks.table import Row
from app.protocol.errors import Garbled, Misconfigured, Problem, TimedOut, Unreachable
from app.record import Gaps
from app.settings import Settings
from app.upstream.client import Upstream

QUESTION = {"messages": [{"role": "user", "content": "Hello"}]}


async def ask_claude(settings: Settings) -> list[Row]:
    """Return what it says to a request for its models, and to a count of tokens for each of ours.

    Counting needs what answering needs, a key that works and a model that is known, and costs nothing.
    """
    upstream = Upstream(settings, settings.base_url, Gaps())
    try:
        try:
            listed = {model["id"] for model in await upstream.models()}
            rows = [Row("upstream", True, f"reached, lists {len(listed)} models")]
        except Problem as problem:
            listed = set(settings.models)
            rows = [Row("upstream", False, f"no list of models: {_whose(problem)}")]
        first, *others = settings.models
        counted = [await _count(upstream, first)]
        if isinstance(counted[0], Problem) and counted[0].fault != "client":
            # What is wrong with the account or the way there is wrong for all models.
            return [*rows, Row("key", False, _whose(counted[0]))]
        counted += await asyncio.gather(*(_count(upstream, model) for model in others))
    finally:
        await upstream.close()
    worked = any(isinstance(each, int) for each in counted)
    rows.append(Row("key", True, "works: Claude counts tokens with it" if worked else "is accepted"))
    judged = zip(settings.models, counted, strict=True)
    return rows + [_judge(model, each, listed=model in listed) for model, each in judged]


async def _count(upstream: Upstream, model: str) -> int | Problem:
    try:
        return await upstream.count_tokens({"model": model, **QUESTION})
    except Problem as problem:
        return problem


def _judge(model: str, counted: int | Problem, *, listed: bool) -> Row:
    name = f"model {model}"
    if isinstance(counted, Problem):
        return Row(name, False, _whose(counted))
    if not listed:
        said = "the upstream does not list it: take it out of GATEWAY_MODELS, or write it as it is listed"
        return Row(name, False, said)
    return Row(name, True, f"listed, counts {counted} tokens in a word")


def _whose(problem: Problem) -> str:
    """Return what went wrong, whose fault it is, and what to do."""
    said = f" ({problem.said})" if problem.said else ""
    match problem:
        case Misconfigured():
            return f"it refuses this gateway{said}. Yours to set right: the key, its billing and permissions, ANTHROPIC_BASE_URL"
        case Problem(fault="client"):
            return f"{problem.message} Yours to set right: GATEWAY_MODELS, or the permissions of the key"
        case Unreachable() | TimedOut() if problem.said:
            return f"it cannot be reached{said}. The network's, or ANTHROPIC_BASE_URL: names, firewall, HTTPS_PROXY"
        case Garbled():
            return f"{problem.message} Yours to set right: ANTHROPIC_BASE_URL leads to something else"
        case Problem(type="rate_limit_error"):
            return f"{problem.message} Your account's limits at Claude: wait, or have them raised"
        case _:
            return f"{problem.message}{said} Claude's: see status.claude.com, and try again"
