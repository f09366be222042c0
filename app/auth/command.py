"""``claude-gateway token NAME``: makes an access token."""

import argparse
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from app.auth import tokens
from app.limits.terms import Terms


def main(argv: list[str], general: Terms) -> int:
    """Print a new token and its line for the tokens file; return the exit code.

    Both go to standard output, a line each, and nothing else does.
    """
    arguments = _arguments(argv)
    token = tokens.new_token()
    own = {option: value for option in tokens.OPTIONS if (value := getattr(arguments, option)) is not None}
    options = [f"{option}={value}" for option, value in own.items()]
    line = " ".join([arguments.name, tokens.SCHEME + tokens.digest(token).hex(), *options])
    _, wrong = tokens.parse(line, general)
    if wrong:
        said = [each.removeprefix("line 1: ") for each in wrong]
        print("claude-gateway token:", *said, sep="\n  ", file=sys.stderr)  # noqa: T201
        return 2
    print("The token. It is shown this once; give it to its user:", file=sys.stderr)  # noqa: T201
    print(token, flush=True)  # noqa: T201
    print("Its line for the tokens file (GATEWAY_TOKENS_FILE), without the token:", file=sys.stderr)  # noqa: T201
    print(line, flush=True)  # noqa: T201
    return 0


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="claude-gateway token",
        description="Make an access token for GATEWAY_AUTH=token. The first line of the output is the token, the "
        "second its line for GATEWAY_TOKENS_FILE. Take the line out of the file to revoke the token.",
    )
    parser.add_argument("name", metavar="NAME", help="whose it is: letters, digits and . _ @ + -")
    parser.add_argument("--expires", type=_when, metavar="30d|2027-01-31", help="after so long, or then")
    parser.add_argument(
        "--models",
        type=_packed,
        metavar="ID,…",
        help="those of GATEWAY_MODELS that it may ask; default first",
    )
    parser.add_argument("--max-tokens", metavar="N", help="in place of GATEWAY_MAX_TOKENS")
    parser.add_argument(
        "--rate-limit", type=_packed, metavar="60/minute", help="in place of GATEWAY_RATE_LIMIT"
    )
    parser.add_argument("--max-streams", metavar="N", help="in place of GATEWAY_MAX_STREAMS_PER_CLIENT")
    parser.add_argument(
        "--token-budget", type=_packed, metavar="1000000/day", help="in place of GATEWAY_TOKEN_BUDGET"
    )
    return parser.parse_args(argv)


def _packed(text: str) -> str:
    return "".join(text.split())


def _when(text: str) -> str:
    if text.endswith("d") and text[:-1].isdecimal():
        with suppress(OverflowError):  # after the year 9999, which is no date
            return (datetime.now(UTC) + timedelta(days=int(text[:-1]))).isoformat(timespec="seconds")
    return text.strip().replace(" ", "T")
