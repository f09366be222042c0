"""What Prometheus is told. Labels never hold ids, addresses or text, so that their number is bounded."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from app.generation import Generation
from app.protocol.events import Error

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """The gateway's counters, one registry per application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.started = Counter(
            "gateway_generations_started", "Generations started", ["model"], registry=self.registry
        )
        self.ended = Counter(
            "gateway_generations_ended", "Generations ended", ["end"], registry=self.registry
        )
        self.replays = Counter(
            "gateway_idempotent_replays", "POSTs that found their generation by key", registry=self.registry
        )
        self.resumes = Counter("gateway_resumes", "Streams taken up again", registry=self.registry)
        self.live = Gauge("gateway_generations_live", "Generations under way", registry=self.registry)
        self.readers = Gauge("gateway_readers", "Open streams to readers", registry=self.registry)
        self.log_bytes = Gauge("gateway_log_bytes", "Bytes of all logs kept", registry=self.registry)
        self.tokens = Counter(
            "gateway_tokens", "Tokens that Claude reported", ["kind"], registry=self.registry
        )
        self.ttft = Histogram(
            "gateway_time_to_first_token_seconds",
            "From the request to the first piece of content",
            registry=self.registry,
            buckets=SECONDS,
        )
        self.duration = Histogram(
            "gateway_generation_seconds",
            "From the request to the end",
            registry=self.registry,
            buckets=SECONDS,
        )
        self.stuck = Counter(
            "gateway_slow_readers_dropped", "Readers let go because they did not read", registry=self.registry
        )
        self.errors = Counter(
            "gateway_errors", "Errors that clients were told", ["type"], registry=self.registry
        )

    def generation_ended(self, generation: Generation) -> None:
        """Count a generation that has just ended."""
        terminal = generation.log.terminal
        end = terminal.error["type"] if isinstance(terminal, Error) else generation.state
        if isinstance(terminal, Error):
            self.errors.labels(end).inc()
        self.ended.labels(end).inc()
        usage = generation.ledger.total()
        for kind in (
            "input_tokens",
            "output_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
        ):
            if isinstance(count := usage.get(kind), int):
                self.tokens.labels(kind.removesuffix("_tokens")).inc(count)
        self.duration.observe(generation.elapsed_ms() / 1000)
        if generation.ttft_ms is not None:
            self.ttft.observe(generation.ttft_ms / 1000)

    def render(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self.registry)
