"""``claude-gateway`` as a user starts it: commands, flags, what is wrong with settings, demo mode."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.__main__ import _run as run_with
from app.__main__ import main
from app.settings import Settings
from app.version import VERSION
from tests.reading import Client, ask
from tests.running import KEY, Program, program, run
from tests.scripted import ScriptedClaude, refusing, saying


def command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("command", [[], ["simulate"], ["check"], ["token"]])
def test_every_command_explains_itself(command: list[str]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert "usage: claude-gateway" in done.stdout
    assert not done.stderr


def test_help_does_not_wait_for_the_sdk() -> None:
    script = "import sys; sys.argv[1:] = ['--help']; from app.__main__ import main\ntry: main()\nexcept SystemExit: pass\nassert 'anthropic' not in sys.modules, 'imported'"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_keys_are_no_flags() -> None:
    assert "--anthropic-a" not in run("--help").stdout
    for flag in ("--anthropic-api-key", "--anthropic-a", "--anthropic-auth-token"):
        done = run(flag, KEY)
        assert done.returncode == 2
        assert "process list" in done.stderr
        assert KEY not in done.stderr


def test_all_that_is_wrong_with_the_settings_is_said_in_one_list() -> None:
    done = run(
        GATEWAY_PORT="eighty",
        GATEWAY_ON_BREAK="shrug",
        GATEWAY_ORPHAN_GRACE="-5",
        GATEWAY_TRUSTED_PROXIES="10.0.0.0/99",
        ANTHROPIC_BASE_URL="ftp://x",
    )
    assert done.returncode == 2
    for name in (
        "GATEWAY_PORT",
        "GATEWAY_ON_BREAK",
        "GATEWAY_ORPHAN_GRACE",
        "GATEWAY_TRUSTED_PROXIES",
        "ANTHROPIC_BASE_URL",
    ):
        assert name in done.stderr
    assert "'continue' or 'error'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"GATEWAY_WORKERS": "2"}, "shared store"),
        ({"GATEWAY_STORE": "redis://localhost"}, "not available"),
        ({"GATEWAY_AUTH": "token"}, "GATEWAY_TOKENS_FILE"),
        ({"GATEWAY_DEFAULT_MAX_TOKENS": "99999"}, "GATEWAY_DEFAULT_MAX_TOKENS"),
        ({"GATEWAY_HOST": "0.0.0.0", "ANTHROPIC_API_KEY": KEY}, "GATEWAY_ALLOW_ANONYMOUS"),
        ({"GATEWAY_HOST": "192.168.0.1", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}, "GATEWAY_HOST"),
        ({"GATEWAY_TOOLS": "no.such.module", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}, "no.such.module"),
        (
            {
                "GATEWAY_PORT": "1",
                "GATEWAY_HOST": "192.0.2.1",
                "GATEWAY_ALLOW_ANONYMOUS": "1",
                "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
            },
            "set GATEWAY_PORT or GATEWAY_HOST",
        ),
    ],
)
def test_what_cannot_work_is_refused_at_start(environment: dict[str, str], says: str) -> None:
    done = run(**environment)
    assert done.returncode == 2
    assert says in done.stderr
    assert KEY not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("tools", "found"), [("", False), ("tests.kit", True)])
def test_a_file_where_it_is_started_stands_in_for_no_library(
    tools: str, found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "limits.py").write_text("raise RuntimeError")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each])
    monkeypatch.setenv("GATEWAY_TOOLS", tools)
    libraries = sys.path[:]
    assert run_with(lambda _: 0, ["--port", "0"], Settings) == 0
    assert sys.path == libraries + [str(tmp_path)] * found


def test_it_says_which_version_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"claude-gateway {VERSION}\n"


def test_what_is_wrong_with_the_simulators_settings_is_said_in_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["simulate", "--port", "x", "--speed", "-1"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("claude-gateway simulate: port: ")
    assert "; speed: " in said
    assert "pydantic" not in said


def test_an_unknown_command_is_refused() -> None:
    done = run("serve")
    assert done.returncode == 2
    assert "simulate" in done.stderr


async def test_check_says_what_works_and_what_does_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)

    async def check(*flags: str) -> tuple[int, str]:
        return await asyncio.to_thread(main, ["check", "--port", "0", *flags]), capsys.readouterr().out

    async with ScriptedClaude(lambda _: saying("ok")) as claude:
        code, said = await check("--base-url", claude.url, "--models", "claude-sonnet-5-5")
        assert code == 0, said
        assert KEY not in said
        # The same as a program, set by its environment.
        models = "claude-sonnet-5-5,gpt-9"
        bad = await asyncio.to_thread(run, "check", ANTHROPIC_BASE_URL=claude.url, GATEWAY_MODELS=models)
        assert bad.returncode == 1
        assert "FAIL" in bad.stdout
        assert "gpt-9" in bad.stdout
        assert KEY not in bad.stdout + bad.stderr
    code, said = await check("--base-url", "http://127.0.0.1:9")
    assert code == 1
    assert "cannot be reached" in said
    assert KEY not in said


async def test_the_key_is_in_no_log_line_and_no_process_title() -> None:
    script = refusing(401, "authentication_error", f"invalid x-api-key {KEY}")
    async with ScriptedClaude(lambda _: script) as claude:
        with program(ANTHROPIC_BASE_URL=claude.url, ANTHROPIC_API_KEY=KEY) as running:
            await Client(running.url).request("POST", "/api/chat", ask("hi"))
            command = command_line(running.process.pid)
        assert KEY not in running.text()
        assert KEY.encode() not in command
        assert "Claude refuses this gateway" in running.text()


async def test_demo_mode_answers_without_a_key_and_says_so(demo: Program) -> None:
    client = Client(demo.url)
    stream = await (await client.stream({"prompt": "Say something about rivers."})).rest()
    config = (await client.request("GET", "/api/config")).json
    models = (await client.request("GET", "/api/models")).json["data"]
    assert len(stream.text) > 100
    assert stream.terminal["type"] == "done"
    assert config["demo"] is True
    assert [tool["name"] for tool in config["tools"]] == ["current_time", "roll_dice"]
    assert models[0]["max_tokens"]
    assert "demo mode" in demo.text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_in_demo_mode_a_signal_to_the_whole_group_still_lets_answers_end(
    number: signal.Signals,
) -> None:
    with program(SIMULATOR_SPEED="20") as running:
        stream = await Client(running.url).stream({"prompt": "Say something about rivers."})
        await stream.next("text")
        running.signal(number, group=True)
        await stream.rest()
        assert running.process.wait(30) == 0
    assert stream.terminal["type"] == "done"
    assert stream.done == 1
    assert "Traceback" not in running.text()


async def test_the_simulator_dies_with_the_gateway_however_that_dies() -> None:
    with program(SIMULATOR_SPEED="0") as running:
        (simulator,) = [pid for pid in children(running.process.pid) if b"simulate" in command_line(pid)]
        descriptor = os.pidfd_open(simulator)
        running.signal(signal.SIGKILL)
        running.process.wait(30)
        ended, _, _ = select.select([descriptor], [], [], 30)
        os.close(descriptor)
    assert ended
