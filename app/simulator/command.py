"""``claude-gateway simulate``: a Claude that needs no key, for anybody's tests of a client."""

import asyncio
import signal
import sys
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict

from app.simulator import directives
from app.simulator.errors import ClaudeError
from app.simulator.server import Simulator
from app.simulator.settings import SimulatorSettings


class Simulate(BaseSettings):
    """A Claude that needs no key: POST /v1/messages, /v1/messages/count_tokens, GET /v1/models.

    Point any client at it: ANTHROPIC_BASE_URL=http://127.0.0.1:8001
    Every flag is also an environment variable: SIMULATOR_ and its name.
    """

    model_config = SettingsConfigDict(
        env_prefix="SIMULATOR_",
        cli_prog_name="claude-gateway simulate",
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
        extra="ignore",
    )

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8001, ge=0, le=65535, description="port; 0 takes a free one")
    speed: Annotated[float, BeforeValidator(lambda said: 0.0 if said == "max" else said)] = Field(
        1.0, ge=0, description="factor on the pace; 0 or max is as fast as possible"
    )
    ttft_s: float | None = Field(None, ge=0, description="seconds to the first token")
    tokens_per_second: float | None = Field(None, gt=0, description="pace of the answers")
    ping_interval_s: float = Field(5.0, gt=0, description="longest silence without a ping")
    seed: int = Field(0, description="another seed gives other answers")
    fault: list[str] = Field([], description='what goes wrong, e.g. "reset after=40 every=3" (repeatable)')
    require_key: str | None = Field(None, description="the only key that is let in")
    access_log: bool = Field(False, description="a line for each request, without any text")
    exit_with_stdin: bool = Field(False, description="end when standard input does")


def main(argv: list[str]) -> int:
    """Run the simulator until a signal; return the exit code."""
    if "--help" in argv or "-h" in argv:
        Simulate.__doc__ = f"{Simulate.__doc__}\n{directives.__doc__}"
    try:
        given = CliApp.run(Simulate, cli_args=argv)
        for fault in given.fault:
            directives.parse(fault)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
        return _complain("; ".join(f"{item['loc'][0]}: {item['msg'].lower()}" for item in wrong), 2)
    except ClaudeError as error:
        return _complain(str(error), 2)
    settings = SimulatorSettings(
        host=given.host,
        port=given.port,
        speed=given.speed,
        ttft_s=given.ttft_s,
        tokens_per_second=given.tokens_per_second,
        ping_interval_s=given.ping_interval_s,
        seed=given.seed,
        faults=tuple(given.fault),
        require_key=given.require_key,
        access_log=given.access_log,
    )
    try:
        asyncio.run(_serve(settings, exit_with_stdin=given.exit_with_stdin))
    except OSError as error:
        return _complain(f"cannot listen on {given.host}:{given.port}: {error.strerror}", 1)
    return 0


def _complain(text: str, code: int) -> int:
    print(f"claude-gateway simulate: {text}", file=sys.stderr)  # noqa: T201
    return code


async def _serve(settings: SimulatorSettings, *, exit_with_stdin: bool) -> None:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    if exit_with_stdin:
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        waiting = loop.create_task(reader.read())
        waiting.add_done_callback(lambda _: over.set())
    async with Simulator(settings) as simulator:
        print(f"simulator listening on {simulator.url}", flush=True)  # noqa: T201
        await over.wait()
