"""axe-core in the page as it is: evaluated through the debugger, so that no policy has to be switched off."""

from functools import cache
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page


@cache
def source() -> str:
    """Return axe-core's script, as its Python package carries it."""
    return (files("axe_playwright_python") / "axe.min.js").read_text()


AT_REST = """() => Promise.allSettled(document.getAnimations()
  .filter((animation) => animation.effect?.getComputedTiming().endTime !== Infinity)
  .map((animation) => animation.finished))"""
"""What fades in has less contrast meanwhile."""


def violations(page: Page, *rules: str) -> list[str]:
    """Return what axe finds wrong with what the page shows now: rule, and where. By all its rules, or by these alone."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(source())
    page.evaluate(AT_REST)
    found: dict[str, Any] = page.evaluate(
        "(rules) => axe.run({resultTypes: ['violations'], ...(rules.length ? {runOnly: rules} : {})})", rules
    )
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
