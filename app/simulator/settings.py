"""What a simulator can be told: where it listens, how fast it speaks, what goes wrong."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """All settings of one simulator; the command line of the same names sets them.

    Attributes:
        host: Address to listen on.
        port: TCP port; 0 takes a free one.
        speed: Factor on every pause of the answer; 2 is twice as fast, 0 does not wait at all.
        ttft_s: Seconds to the first token; ``None`` draws 0.4-0.9 s for each answer.
        tokens_per_second: Pace of the answer; ``None`` draws 30-80 for each answer.
        ping_interval_s: Longest silence inside a stream before a ping fills it.
        seed: Another seed gives other answers to the same prompts.
        faults: What goes wrong, in the directive grammar (see ``directives``), e.g. ``"reset after=40 every=3"``.
        require_key: The only API key that is let in; ``None`` accepts any, or none at all.
        max_body_bytes: Larger request bodies are refused with 413, as Claude does above 32 MB.
        keep_requests: How many of the latest requests are kept for a test to look at.
        access_log: Write one line per request to stderr: method, path, status, size, time. Never any text.
    """

    host: str = "127.0.0.1"
    port: int = 0
    speed: float = 1.0
    ttft_s: float | None = None
    tokens_per_second: float | None = None
    ping_interval_s: float = 5.0
    seed: int = 0
    faults: tuple[str, ...] = ()
    require_key: str | None = None
    max_body_bytes: int = 32 * 1024 * 1024
    keep_requests: int = 1000
    access_log: bool = False
