"""What the kernel says about processes: CPU time, resident memory, and the machine they run on (Linux).

CPU is the scheduler's own account in nanoseconds, user and system, of all threads of a process and its children, those
that have ended too (clock_getcpuclockid(3)). It does not depend on the clock tick, nor on what else the machine does, but
for cold caches.
"""

import os
import platform
import re
import resource
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PROC = Path("/proc")

CPU_OF_A_PROCESS = 2
"""The low bits of a clock's id that is made of a process's (Linux, ``MAKE_PROCESS_CPUCLOCK``)."""

PACKAGES = (
    "claude-gateway",
    "anthropic",
    "fastapi",
    "starlette",
    "uvicorn",
    "uvloop",
    "httptools",
    "aiohttp",
)


@dataclass(frozen=True, slots=True)
class Places:
    """Which cores run what.

    Attributes:
        targets: Those of what is measured: one, if there are others for the rig.
        rig: Those of the fake Claude and of the load.
    """

    targets: frozenset[int]
    rig: frozenset[int]

    @property
    def apart(self) -> bool:
        """Whether what is measured has a core of its own."""
        return not self.targets & self.rig


def places(*, apart: bool) -> Places:
    """Return which cores run what: all of them both, or *apart* if there are two."""
    cores = frozenset(os.sched_getaffinity(0))
    own = frozenset([max(cores)])
    return Places(own, cores - own) if apart and len(cores) > 1 else Places(cores, cores)


@contextmanager
def on(cores: frozenset[int]) -> Iterator[None]:
    """Run on *cores* alone, and what is started meanwhile for good."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def tree(root: int) -> list[int]:
    """Return process *root* and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                # The name in parentheses may hold anything; the parent's id is the second field after it.
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, ())
    return found


def cpu_s(pids: Iterable[int]) -> float:
    """Return how many seconds of CPU these processes have used."""
    nanoseconds = 0
    for pid in pids:
        with suppress(OSError):
            nanoseconds += time.clock_gettime_ns(~pid << 3 | CPU_OF_A_PROCESS)
    return nanoseconds / 1e9


def rss_bytes(pids: Iterable[int]) -> int:
    """Return the resident memory of these processes (pages that they share count for each)."""
    pages = 0
    for pid in pids:
        with suppress(OSError):
            pages += int((PROC / str(pid) / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def raise_file_limit() -> None:
    """Allow this process, and what it starts, as many open files as the machine lets it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def machine() -> dict[str, str]:
    """Return what a table must name to be understood elsewhere: no host name, no path."""
    found = re.search(r"model name\s*: (.*)", (PROC / "cpuinfo").read_text())
    out = {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": f"{os.cpu_count()} x {found.group(1) if found else platform.machine()}",
        "load": " ".join(f"{each:.1f}" for each in os.getloadavg()[:1]),
        "kernel": f"Linux {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
    }
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            out[package] = version(package)
    if nginx := shutil.which("nginx"):
        said = subprocess.run([nginx, "-v"], capture_output=True, text=True, timeout=5, check=False).stderr
        out["nginx"] = said.rpartition("/")[2].strip()
    return out
