"""The real nginx with the project's nginx.conf, as a child process.

The file is used as it is but for what a test cannot have: see ``Nginx.__init__``. ``NGINX_UNDER_TEST`` names another nginx.
"""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

CONFIGURATION = Path(__file__).parent.parent / "nginx.conf"

DEADLINE_SECONDS = 20
"""Only a broken nginx takes so long to do anything at all."""

UNLIMITED = {"rate=10r/s": "rate=100000r/s", "burst=40": "burst=100000", "streams 100;": "streams 65535;"}
"""Changes for a test that is a crowd on one address."""


def nginx_or_skip() -> str:
    """Return the nginx to run; skip the test where there is none, but fail it in CI."""
    found = shutil.which(
        os.environ.get("NGINX_UNDER_TEST", "nginx"),
        path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin",
    )
    if found is None:
        reason = "nginx is not installed (Debian: apt-get install nginx-light)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def configuration(variant: str | None = None) -> str:
    """Return nginx.conf, or what one of deploy/nginx/'s sed scripts makes of it."""
    text = CONFIGURATION.read_text("utf-8")
    if variant is None:
        return text
    script = CONFIGURATION.parent / "deploy" / "nginx" / f"{variant}.sed"
    return subprocess.run(
        ["sed", "-f", script], input=text, capture_output=True, encoding="utf-8", check=True
    ).stdout


def _bound(port: int) -> socket.socket:
    """Return a socket as nginx makes its own: on one that blocks, of two workers woken for one connection one hangs in accept()."""
    bound = socket.socket()
    bound.setblocking(False)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound


class Nginx:
    """One nginx in front of gateways; an async context manager.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        url: The same as an address.
        workers: The process ids of its workers.
        log: What it wrote to its error log, line by line.
        accesses: What it wrote to its access log, line by line.
    """

    def __init__(
        self,
        folder: Path,
        *gateways: tuple[str, int],
        changes: Mapping[str, str] | None = None,
        variant: str | None = None,
        processes: int | str = 1,
    ) -> None:
        """Write a copy of nginx.conf to *folder*, changed only in where things are.

        It listens on a free port of 127.0.0.1, its servers are *gateways*, its pid and its temporary files are in *folder*,
        and its error log says when workers come and go. *changes* are further replacements, to shorten a timeout, say.
        *variant* is one of deploy/nginx/'s sed scripts; what it adds is placed by *changes*.
        Of *processes* there is one, since a connection that comes while nginx 1.22 is still starting its second worker may be
        forgotten by the first one, accepted and never served. A browser waits out its watchdog then; a test has no time for that.
        """
        self._binary = nginx_or_skip()
        # Bound and never listening, it keeps the port ours while nginx is away.
        self._claim = _bound(0)
        self.port: int = self._claim.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.workers: set[int] = set()
        self.log: list[str] = []
        self.accesses: list[str] = []
        self._grown = asyncio.Event()
        self._process: Process | None = None
        self._reading: asyncio.Future[tuple[None, None]] | None = None
        servers = " ".join(f"server {host}:{port};" for host, port in gateways)
        text = configuration(variant)
        for old, new in {
            **(
                {"listen 443 ": f"listen 127.0.0.1:{self.port} "}
                if variant == "tls"
                else {"listen 8080 ": f"listen 127.0.0.1:{self.port} "}
            ),
            **({} if variant == "replicas" else {"server 127.0.0.1:8000;": servers}),
            "/tmp/claude-gateway-nginx": str(folder / "nginx"),  # noqa: S108 -- this is what goes away
            "error_log stderr error;": "error_log stderr notice;",
            "worker_processes auto;": f"worker_processes {processes};",
            **(changes or {}),
        }.items():
            assert old in text, f"nginx.conf no longer says {old!r}"
            text = text.replace(old, new)
        self.configuration = folder / "nginx.conf"
        self.configuration.write_text(text, "utf-8")
        # Started by root, nginx runs its workers as nobody, who may not enter a test's folder.
        self._globals = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
        self._prefix = str(folder)

    @property
    def pid(self) -> int:
        """The process id of the master."""
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        self._claim.close()

    async def start(self) -> None:
        """Start it; return when it serves."""
        listener = _bound(self.port)
        listener.listen(1024)
        descriptor = listener.fileno()
        self._process = await asyncio.create_subprocess_exec(
            *(
                self._binary,
                "-e",
                "stderr",
                "-p",
                self._prefix,
                "-c",
                str(self.configuration),
                "-g",
                self._globals,
            ),
            stdout=PIPE,
            stderr=PIPE,
            # nginx's own way to hand sockets over when it is upgraded: no moment at which another could take the port.
            env={**os.environ, "NGINX": f"{descriptor};"},
            pass_fds=(descriptor,),
            start_new_session=True,
        )
        listener.close()
        self._reading = asyncio.gather(
            self._read(self._process.stderr, self.log), self._read(self._process.stdout, self.accesses)
        )
        await self.logged(r"start worker process \d")

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it: SIGTERM at once, SIGQUIT when its streams have ended, SIGKILL without a chance for anything."""
        if self._process is None:
            return
        workers = set(self.workers)
        if self._process.returncode is None:
            self._process.send_signal(how)
        if how == signal.SIGKILL:  # nobody is left to tell the workers
            for worker in workers:
                os.kill(worker, how)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self._process.wait()
            assert self._reading is not None
            await self._reading
        self._process = None
        self.workers.clear()

    async def reload(self) -> None:
        """Read the configuration again; return when new workers serve. The old ones finish their streams."""
        assert self._process is not None
        mark = len(self.log)
        self._process.send_signal(signal.SIGHUP)
        await self.logged(r"start worker process \d", since=mark)

    async def kill_workers(self) -> None:
        """Kill all workers; return when the master has started new ones."""
        mark = len(self.log)
        for worker in tuple(self.workers):
            os.kill(worker, signal.SIGKILL)
        await self.logged(r"start worker process \d", since=mark)

    async def logged(self, pattern: str, since: int = 0) -> str:
        """Return the first line of the error log after *since* lines that has *pattern*, once it is there."""
        return await self._first(self.log, pattern, since)

    async def accessed(self, pattern: str, since: int = 0) -> str:
        """Return the first line of the access log after *since* lines that has *pattern*, once it is there."""
        return await self._first(self.accesses, pattern, since)

    async def _first(self, lines: list[str], pattern: str, since: int) -> str:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                for line in lines[since:]:
                    if re.search(pattern, line):
                        return line
                assert self._reading is not None
                assert not self._reading.done(), "nginx has ended:\n" + "\n".join(self.log)
                self._grown.clear()
                await self._grown.wait()

    async def check(self) -> str:
        """Return what ``nginx -t`` says about the copy."""
        process = await asyncio.create_subprocess_exec(
            *(self._binary, "-t", "-e", "stderr", "-p", self._prefix, "-c", str(self.configuration)),
            stdout=PIPE,
            stderr=PIPE,
        )
        async with asyncio.timeout(DEADLINE_SECONDS):
            said, complained = await process.communicate()
        assert process.returncode == 0, complained.decode()
        return (said + complained).decode()

    async def _read(self, stream: asyncio.StreamReader | None, lines: list[str]) -> None:
        assert stream is not None
        try:
            async for raw in stream:
                line = raw.decode(errors="replace").rstrip("\n")
                lines.append(line)
                if started := re.search(r"start worker process (\d+)", line):
                    self.workers.add(int(started[1]))
                elif ended := re.search(r"worker process (\d+) exited", line):
                    self.workers.discard(int(ended[1]))
                self._grown.set()
        finally:
            self._grown.set()
