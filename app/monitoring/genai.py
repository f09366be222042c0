"""What OpenTelemetry's conventions for generative AI call things, and what they want to be told.

Names: https://github.com/open-telemetry/semantic-conventions-genai, as of the SDK's 1.45.
"""

from typing import TYPE_CHECKING, Any

from app.monitoring.outcome import Outcome
from app.record import Call, ToolCall

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter

DURATION_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
"""The buckets that the conventions ask for."""


class Instruments:
    """The histograms of one meter."""

    def __init__(self, meter: "Meter") -> None:
        def seconds(name: str, about: str) -> Any:
            return meter.create_histogram(
                name, "s", about, explicit_bucket_boundaries_advisory=DURATION_SECONDS
            )

        self._durations = seconds("gen_ai.client.operation.duration", "GenAI operation duration.")
        self._first = seconds(
            "gen_ai.client.operation.time_to_first_chunk", "Time to receive the first chunk."
        )
        self._tools = seconds("gen_ai.execute_tool.duration", "Duration of a tool's execution.")
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=TOKENS,
        )

    def call(self, call: Call, about: dict[str, Any], ended_ns: int) -> None:
        """Measure one call of Claude, *about* which its span says this."""
        self._durations.record((ended_ns - call.began_ns) / 1e9, about)
        if call.first_ns:
            self._first.record((call.first_ns - call.began_ns) / 1e9, about)
        usage = usage_of(call)
        for kind in ("input", "output"):
            if (count := usage.get(f"gen_ai.usage.{kind}_tokens")) is not None:
                self._tokens.record(count, about | {"gen_ai.token.type": kind})

    def tool(self, ran: ToolCall, about: dict[str, Any], ended_ns: int) -> None:
        """Measure one call of a tool."""
        self._tools.record((ended_ns - ran.began_ns) / 1e9, about)


def about_call(ended: Outcome, call: Call, server: tuple[str, int]) -> dict[str, Any]:
    """Return what spans and metrics say of one call of Claude, which is at *server*."""
    return known(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": ended.model,
            "gen_ai.response.model": call.model,
            "server.address": server[0],
            "server.port": server[1],
            "error.type": call.error,
        }
    )


def about_tool(ran: ToolCall) -> dict[str, Any]:
    """Return what spans and metrics say of one call of a tool: neither its input nor its result."""
    return known(
        {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": ran.name, "error.type": ran.error}
    )


def known(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return *attributes* without those that are not known."""
    return {name: value for name, value in attributes.items() if value is not None}


def usage_of(call: Call) -> dict[str, Any]:
    """Return what only spans say of *call*: ids and counts."""
    usage = call.usage
    counts = {
        name: value if isinstance(value := usage.get(name), int) else 0
        for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    }
    return known(
        {
            "gen_ai.request.stream": True,
            "gen_ai.request.max_tokens": call.max_tokens,
            "gen_ai.response.id": call.message_id,
            "gen_ai.response.finish_reasons": [call.stop_reason] if call.stop_reason else None,
            "gen_ai.response.time_to_first_chunk": (call.first_ns - call.began_ns) / 1e9
            if call.first_ns
            else None,
            # With what came from the cache and went into it, as the conventions have it.
            "gen_ai.usage.input_tokens": sum(counts.values()) if usage else None,
            "gen_ai.usage.output_tokens": usage.get("output_tokens"),
            "gen_ai.usage.cache_read.input_tokens": counts["cache_read_input_tokens"] if usage else None,
            "gen_ai.usage.cache_creation.input_tokens": counts["cache_creation_input_tokens"]
            if usage
            else None,
        }
    )
