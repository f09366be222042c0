"""What is measured: how each target is started on the fake Claude, asked, and stopped."""

import asyncio
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import kernel
from tests.bench.answers import Case
from tests.bench.load import Address, post
from tests.bench.reading import DIALECTS, Dialect

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

READY_S = 120
"""Some peers take tens of seconds to import, and more where much else runs."""

GATEWAY = {
    # All features on; the limits are there but so high that they refuse nothing.
    "GATEWAY_RATE_LIMIT": "1000000/second",
    "GATEWAY_MAX_STREAMS_PER_CLIENT": "100000",
    "GATEWAY_MAX_GENERATIONS": "10000",
}


@dataclass(frozen=True, slots=True)
class Target:
    """How to run something, and how to talk to it.

    Attributes:
        command: Its command; ``{port}``, ``{upstream}`` and ``{folder}`` are put in. None for the fake Claude itself.
        path: Where it takes questions.
        health: Where it says that it lives; None where it does not.
        headers: What its requests carry beside Claude's own; filled in as the command is.
        needs: Programs and files that must be installed.
        install: The command that installs them.
    """

    name: str
    dialect: Dialect
    path: str
    command: tuple[str, ...] | None
    health: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    needs: tuple[str, ...] = ()
    install: str | None = None

    def missing(self) -> str | None:
        """Return why it cannot be run here."""
        for each in self.needs:
            if not (shutil.which(each) or Path(each).exists()):
                return f"{each} is not installed" + (f": {self.install}" if self.install else "")
        return None


def _python(*args: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *args)


OURS = Target(
    "ours",
    DIALECTS["gateway"],
    "/api/chat",
    _python("app"),
    "/healthz",
    (("GATEWAY_PORT", "{port}"), *GATEWAY.items()),
)

TARGETS = {
    target.name: target
    for target in (
        Target("direct", DIALECTS["claude"], "/v1/messages", None),
        Target(
            "nginx",
            DIALECTS["claude"],
            "/v1/messages",
            ("nginx", "-p", "{folder}", "-c", "{folder}/nginx.conf"),
            "/healthz",
            needs=("nginx",),
        ),
        Target(
            "tutorial",
            DIALECTS["tutorial"],
            "/chat",
            _python(
                *("uvicorn", "tests.bench.tutorial:app", "--port", "{port}"),
                *("--no-access-log", "--log-level", "warning", "--backlog", "4096"),
            ),
            "/healthz",
        ),
        OURS,
    )
}


def peer(name: str, dialect: str, path: str, command: str) -> Target:
    """Return a target that the command line describes."""
    return Target(name, DIALECTS[dialect], path, tuple(shlex.split(command)))


@dataclass(slots=True)
class Running:
    """A target that serves."""

    target: Target
    address: Address
    process: subprocess.Popen[bytes] | None = None
    log: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def pids(self) -> list[int]:
        """Its process and all that belong to it."""
        return kernel.tree(self.process.pid) if self.process else []

    def request(self, case: Case, *, history: bool = False) -> bytes:
        """Return the request for *case*."""
        return post(self.target.path, self.address, case.body(history=history), self.headers)

    def ready(self) -> "Running":
        """Wait until it takes connections.

        Raises:
            RuntimeError: it does not, or has ended.
        """
        deadline = time.monotonic() + READY_S
        while self.process and self.process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(self.address, timeout=1):
                return self
            time.sleep(0.05)
        if self.log is None:
            return self
        msg = f"{self.target.name} does not serve:\n{self.log.read_text(errors='replace')[-2000:]}"
        raise RuntimeError(msg)

    async def settle(self) -> None:
        """Wait until what a trial left behind is done."""
        pids = self.pids
        before = kernel.cpu_s(pids)
        for _ in range(20):
            await asyncio.sleep(0.05)
            now = kernel.cpu_s(pids)
            if now - before < 0.001:
                return
            before = now


@contextmanager
def run(
    target: Target,
    upstream: int,
    *,
    under: Sequence[str] = (),
    extra: Mapping[str, str] | None = None,
    cores: frozenset[int] | None = None,
) -> Iterator[Running]:
    """Run *target* on the fake Claude that listens on port *upstream*; yield it at once, before it is ``ready``.

    Args:
        target: What to run.
        upstream: The fake Claude's port.
        under: A command that runs the target's command, as a profiler does.
        extra: More environment.
        cores: Those that it may use; None for all.
    """
    if target.command is None:
        yield Running(target, ("127.0.0.1", upstream))
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, (Path(folder) / "log").open("w+b") as log:
        values = {"{port}": str(_free_port()), "{upstream}": str(upstream), "{folder}": folder}
        environment = _clean_environment() | dict(target.environment) | dict(extra or {})
        conf = (HERE / "nginx.conf").read_text()
        for name, value in (
            ("@FOLDER@", folder),
            ("@PORT@", values["{port}"]),
            ("@UPSTREAM@", str(upstream)),
        ):
            conf = conf.replace(name, value)
        (Path(folder) / "nginx.conf").write_text(conf)
        with kernel.on(cores) if cores else nullcontext():
            process = subprocess.Popen(
                [_fill(word, values) for word in (*under, *target.command)],
                cwd=ROOT,
                env={name: _fill(value, values) for name, value in environment.items()}
                | {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{upstream}", "ANTHROPIC_API_KEY": "x"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            headers = {name: _fill(value, values) for name, value in target.headers}
            yield Running(target, ("127.0.0.1", int(values["{port}"])), process, Path(log.name), headers)
        finally:
            _stop(process, 60 if under else 5)


def _clean_environment() -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC_", "GATEWAY_"))
    }
    return {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")}


def _fill(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(name, value)
    return word


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _stop(process: subprocess.Popen[bytes], patience_s: float) -> None:
    """End a target and all that belongs to it: it has a process group of its own."""
    try:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)
    except ProcessLookupError:
        process.wait(5)


@contextmanager
def fake_claude() -> Iterator[tuple[int, int]]:
    """Run the fake Claude; yield its port and its process id."""
    process = subprocess.Popen(
        _python("tests.bench.upstream"),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        yield int(process.stdout.readline()), process.pid
    finally:
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
