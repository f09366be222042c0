"""The models this simulator plays: limits, capabilities, and how each treats thinking and prefill.

Ids, limits and rules: https://docs.claude.com/en/docs/about-claude/models and the Models API. Two rules that the
Models API does not tell, forced tool choice and prefill, are here because Claude answers 400 by them.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

Line = Literal["haiku", "sonnet", "opus", "fable", "mythos"]
Disabled = Literal["ok", "up to high effort", "refused"]
EFFORTS = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True)
class Model:
    """One model and its rules.

    Attributes:
        id: Complete id, as in requests.
        name: Display name.
        line: Family.
        created: Release date, ISO.
        context: Input limit, tokens.
        output: Greatest ``max_tokens``.
        thinks: Thinks when the request does not say.
        adaptive: Takes ``{"type": "adaptive"}``.
        budget: Takes ``{"type": "enabled", "budget_tokens": …}``.
        disabled: Whether thinking can be switched off.
        display: What is shown of the thinking when the request does not say.
        forced_tools: Takes ``tool_choice`` ``any`` and ``tool``.
        prefill: Goes on from a trailing assistant message.
        effort: Takes ``output_config.effort``.
        retires: Retirement date, if announced.
    """

    id: str
    name: str
    line: Line
    created: str
    context: int = 1_000_000
    output: int = 128_000
    thinks: bool = True
    adaptive: bool = True
    budget: bool = False
    disabled: Disabled = "refused"
    display: Literal["summarized", "omitted"] = "omitted"
    forced_tools: bool = True
    prefill: bool = False
    effort: bool = True
    retires: str | None = None
    aliases: tuple[str, ...] = field(default=())

    def info(self) -> dict[str, Any]:
        """Return the model as the Models API lists it."""
        return {
            "type": "model",
            "id": self.id,
            "display_name": self.name,
            "created_at": f"{self.created}T00:00:00Z",
            "lifecycle": "deprecated" if self.retires else "active",
            "line": self.line,
            "max_input_tokens": self.context,
            "max_tokens": self.output,
            "deprecated_at": None,
            "retires_at": f"{self.retires}T00:00:00Z" if self.retires else None,
            "capabilities": self._capabilities(),
        }

    def _capabilities(self) -> dict[str, Any]:
        yes, no = {"supported": True}, {"supported": False}
        plain = ("batch", "citations", "code_execution", "image_input", "pdf_input", "structured_outputs")
        thinking = {
            "adaptive": self.adaptive,
            "enabled": self.budget,
            "disabled": self.disabled != "refused",
            "between_tools": self.adaptive,
        }
        return {
            **dict.fromkeys(plain, yes),
            "effort": {"supported": self.effort, **dict.fromkeys(EFFORTS, yes if self.effort else no)},
            "thinking": {
                "supported": True,
                "types": {kind: yes if able else no for kind, able in thinking.items()},
            },
            "context_management": {
                "supported": True,
                "clear_tool_uses_20250919": yes,
                "clear_thinking_20251015": yes,
                "compact_20260112": yes if self.adaptive else no,
            },
            "server_tools": {"supported": True, "web_search": yes, "code_execution": yes},
        }


MODELS = (
    Model("claude-fable-5-2", "Claude Fable 5.2", "fable", "2026-11-09", forced_tools=False),
    Model("claude-mythos-5-2", "Claude Mythos 5.2", "mythos", "2026-11-09", forced_tools=False),
    Model("claude-haiku-5-5", "Claude Haiku 5.5", "haiku", "2026-10-07", disabled="up to high effort"),
    Model("claude-sonnet-5-5", "Claude Sonnet 5.5", "sonnet", "2026-09-22", forced_tools=False),
    Model("claude-fable-5-1", "Claude Fable 5.1", "fable", "2026-08-27", forced_tools=False),
    Model("claude-opus-5-5", "Claude Opus 5.5", "opus", "2026-08-27", forced_tools=False),
    Model("claude-mythos-5-1", "Claude Mythos 5.1", "mythos", "2026-08-27", forced_tools=False),
    Model("claude-sonnet-5", "Claude Sonnet 5", "sonnet", "2026-06-30", disabled="ok"),
    Model("claude-fable-5", "Claude Fable 5", "fable", "2026-06-09"),
    Model("claude-mythos-5", "Claude Mythos 5", "mythos", "2026-06-09"),
    Model("claude-opus-5", "Claude Opus 5", "opus", "2026-06-09", disabled="up to high effort"),
    Model("claude-opus-4-8", "Claude Opus 4.8", "opus", "2026-05-20", thinks=False, disabled="ok"),
    Model("claude-opus-4-7", "Claude Opus 4.7", "opus", "2026-04-16", thinks=False, disabled="ok"),
    Model(
        "claude-opus-4-6", "Claude Opus 4.6", "opus", "2026-02-05",
        thinks=False, budget=True, disabled="ok", display="summarized",
    ),
    Model(
        "claude-sonnet-4-6", "Claude Sonnet 4.6", "sonnet", "2026-02-17",
        thinks=False, budget=True, disabled="ok", display="summarized",
    ),
    Model(
        "claude-haiku-4-5-20251001", "Claude Haiku 4.5", "haiku", "2025-10-15", 200_000, 64_000,
        thinks=False, adaptive=False, budget=True, disabled="ok", display="summarized", prefill=True, effort=False,
        aliases=("claude-haiku-4-5",),
    ),
    Model(
        "claude-opus-4-5-20251101", "Claude Opus 4.5", "opus", "2025-11-24", 200_000, 64_000,
        thinks=False, adaptive=False, budget=True, disabled="ok", display="summarized", prefill=True,
        aliases=("claude-opus-4-5",),
    ),
    Model(
        "claude-sonnet-4-5-20250929", "Claude Sonnet 4.5", "sonnet", "2025-09-29", 200_000, 64_000,
        thinks=False, adaptive=False, budget=True, disabled="ok", display="summarized", prefill=True, effort=False,
        retires="2026-11-30", aliases=("claude-sonnet-4-5",),
    ),
)  # fmt: skip

FALLBACK = "claude-opus-5-5"
"""Who answers when the model that was asked declines, with server-side fallback."""

BY_ID = {name: model for model in MODELS for name in (model.id, *model.aliases)}
