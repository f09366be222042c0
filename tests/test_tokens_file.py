"""The tokens file and the command that makes its lines: what is wrong in it is refused, and never repeated."""

import re
from pathlib import Path

import pytest

from app.__main__ import main
from app.auth import tokens
from app.settings import Settings
from tests.running import run, serving
from tests.signing_in import ALICE, BOB, bearer, line, tokens_file

WRONG = {
    "alice": "after the name",
    "alice sha256:abc": "after the name",
    f"alice {ALICE}": "holds a token itself",
    f"{tokens.new_token()} sha256:{'0' * 64}": "holds a token itself",
    f"al/ice sha256:{'0' * 64}": "must begin with a name",
    f"{'a' * 65} sha256:{'0' * 64}": "must begin with a name",
    line("a", ALICE, "expires=soon"): "expires: must be a date",
    line("a", ALICE, "colour=red"): "there is no such setting",
    line("a", ALICE, "name=root"): "there is no such setting",
    line("a", ALICE, f"sha256={'0' * 64}"): "there is no such setting",
    line("a", ALICE, "models="): "models",
    line("a", ALICE, "models=gpt-9"): "gpt-9 is not among GATEWAY_MODELS",
    line("a", ALICE, "max_tokens=0"): "max_tokens",
    line("a", ALICE, "max_tokens=64001"): "GATEWAY_MAX_TOKENS",
    line("a", ALICE, "max_streams=many"): "max_streams",
    line("a", ALICE, "rate_limit=often"): "60/minute",
    line("a", ALICE, "token_budget=0/day"): "1000000/day",
    line("a", ALICE, "max_tokens=5", "max_tokens=6"): "twice",
    line("bob", BOB): "this hash has a line already",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_line_is_refused_with_its_number_and_without_its_text(wrong: str, tmp_path: Path) -> None:
    path = tokens_file(tmp_path, "# who may come\n\n", line("bob", BOB), wrong)
    with pytest.raises(ValueError, match="GATEWAY_TOKENS_FILE") as caught:
        Settings(_env_file=None, auth="token", tokens_file=path)
    said = str(caught.value)
    assert "GATEWAY_TOKENS_FILE: line 4: " in said
    assert WRONG[wrong] in said
    assert ALICE not in said


def test_all_wrong_lines_are_in_the_list_with_all_else(tmp_path: Path) -> None:
    path = tokens_file(tmp_path, "alice\n", line("bob", BOB, "max_streams=0"))
    done = run(GATEWAY_AUTH="token", GATEWAY_TOKENS_FILE=str(path), GATEWAY_ON_BREAK="shrug")
    assert done.returncode == 2
    for said in ("GATEWAY_ON_BREAK", "line 1: after the name", "line 2: max_streams"):
        assert said in done.stderr


@pytest.mark.parametrize("what", ["none", "missing", "a folder", "not UTF-8", "too large"])
def test_a_file_that_cannot_be_read_is_refused_at_start(what: str, tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    if what == "a folder":
        path.mkdir()
    elif what == "not UTF-8":
        path.write_bytes(b"\xff\xff\xff")
    elif what == "too large":
        path.write_bytes(b"#" * (tokens.MAX_FILE_BYTES + 1))
    with pytest.raises(ValueError, match="GATEWAY_TOKENS_FILE"):
        Settings(_env_file=None, auth="token", tokens_file=None if what == "none" else path)


async def test_the_command_makes_a_token_whose_line_lets_it_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "token",
        "alice",
        "--expires",
        "30d",
        "--rate-limit",
        "5 / minute",
        "--models",
        "claude-haiku-5-5",
    ]
    assert main(command) == 0
    said = capsys.readouterr()
    secret, kept = said.out.splitlines()
    assert re.fullmatch(r"cgw_[A-Za-z0-9_-]{43}", secret)
    assert secret not in kept + said.err
    assert kept.startswith("alice sha256:")
    path = tokens_file(tmp_path, kept)
    async with serving("http://127.0.0.1:9", auth="token", tokens_file=path) as gateway:
        assert (await gateway.request("GET", "/api/models", headers=bearer(secret))).status == 200
    assert main(command) == 0
    assert secret not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["two words"], "name"),
        (["a", "--models", "gpt-9"], "gpt-9"),
        (["a", "--expires", "soon"], "date"),
        (["a", "--expires", "9999999d"], "date"),
        (["a", "--expires", "9999999999d"], "date"),
        (["a", "--rate-limit", "5"], "60/minute"),
    ],
)
def test_the_command_refuses_what_the_gateway_would(
    args: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", *args]) == 2
    said = capsys.readouterr()
    assert says in said.err
    assert not said.out


def test_the_command_needs_no_gateway_that_could_start() -> None:
    done = run("token", "alice", GATEWAY_AUTH="token", GATEWAY_HOST="0.0.0.0", ANTHROPIC_API_KEY="k")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2
