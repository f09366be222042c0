"""The command line. ``claude-gateway`` serves; ``simulate``, ``check`` and ``token`` are commands of their own.

What a command needs is imported when it runs: the SDK's import takes over a second, and ``--help`` should not.
"""

import logging
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from pydantic_settings import CliApp

from app import logs
from app.checks.settings import CheckSettings
from app.demo import DemoFailed, SimulatorProcess
from app.listener import CannotListen
from app.settings import Settings
from app.tools.registry import BadTool
from app.version import VERSION
from app.wrong import UNUSABLE, what_is_wrong

S = TypeVar("S", bound=Settings)

DEMO_TOOLS = ("app.tools.examples",)

logger = logging.getLogger(__name__)


def main(argv: list[str] | None = None) -> int:
    """Run the command that *argv* (the process's own if None) names; return the exit code."""
    match sys.argv[1:] if argv is None else argv:
        case ["simulate", *args]:
            from app.simulator.command import main as simulate

            return int(simulate(args))
        case ["check", *args]:
            return _run(_check, args, CheckSettings)
        case ["token", *args]:
            return _token(args)
        case ["--version"]:
            print(f"claude-gateway {VERSION}")  # noqa: T201
            return 0
        case [command, *_] if not command.startswith("-"):
            return _complain(
                [f"there is no command {command!r}; there are simulate, check and token, and none to serve"]
            )
        case args:
            return _run(_serve, args, Settings)


def _run(command: Callable[[S], int], args: list[str], kind: type[S]) -> int:
    if any(arg.startswith("--anthropic-a") for arg in args):  # argparse takes any prefix of a name
        return _complain(
            ["a key on the command line shows in every process list; set ANTHROPIC_API_KEY instead"]
        )
    wrong: list[str] = []
    try:
        wrong += Settings.unknown_variables()
        settings = CliApp.run(kind, cli_args=args)
    except UNUSABLE as error:
        return _complain(wrong + what_is_wrong(error))
    if wrong:
        return _complain(wrong)
    if settings.tools:
        # They may be here, where an installed command does not look; last, so that nothing here stands in for a library.
        sys.path.append(str(Path.cwd()))
    return command(settings)


def _serve(settings: Settings) -> int:
    logs.configure(settings.log_format, settings.log_level)
    with ExitStack() as stack:
        simulator = stack.enter_context(SimulatorProcess()) if settings.demo else None
        from app.server import serve  # meanwhile the simulator comes up

        try:
            base_url = settings.base_url
            if simulator:
                base_url = simulator.url()
                settings = settings.model_copy(update={"tools": settings.tools or DEMO_TOOLS})
                logger.warning("demo mode: answers are simulated; set ANTHROPIC_API_KEY to talk to Claude")
            return serve(settings, base_url)
        except DemoFailed as error:
            return _complain([str(error)])
        except BadTool as error:
            return _complain([f"GATEWAY_TOOLS: {error}"])
        except CannotListen as error:
            todo = "set GATEWAY_PORT or GATEWAY_HOST, or end what listens there"
            return _complain([f"cannot listen on {error}; {todo}"])


def _check(settings: CheckSettings) -> int:
    from app.checks.check import check

    logs.configure(settings.log_format, settings.log_level)
    return check(settings)


def _token(args: list[str]) -> int:
    from app.auth.command import main as make_token

    try:
        # Only these matter here; a gateway that is set up half way can have its tokens made.
        general = Settings(auth="none", allow_anonymous=True).terms
    except UNUSABLE as error:
        return _complain(what_is_wrong(error))
    return make_token(args, general)


def _complain(lines: list[str]) -> int:
    print("claude-gateway cannot start:", *lines, sep="\n  ", file=sys.stderr)  # noqa: T201
    return 2


if __name__ == "__main__":
    sys.exit(main())
