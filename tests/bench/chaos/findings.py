"""What happened, and what should not have."""

from collections import Counter
from dataclasses import dataclass, field
from statistics import linear_regression

MB = 1024 * 1024

GROWTH_LIMIT = 8 * MB
"""Resident memory may grow by so much in 1,000 generations, in the second half of a run, and still be called flat."""


@dataclass
class Findings:
    """What happened, and what should not have."""

    faults: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    characters: int = 0
    events: int = 0
    connections: int = 0
    seams: int = 0
    done: int = 0
    memory: list[tuple[int, int]] = field(default_factory=list)

    def insist(self, holds: bool, number: int, what: str) -> None:
        """Note a violation of generation *number* unless it *holds*."""
        if not holds:
            self.violations.append(f"generation {number}: {what}")


def check_memory(findings: Findings) -> None:
    """Note a violation if memory grew."""
    slope = growth(findings)
    if slope is not None and slope > GROWTH_LIMIT:
        findings.violations.append(f"memory grows by {slope / MB:.1f} MB in 1,000 generations")


def growth(findings: Findings) -> float | None:
    """Return by how many bytes memory grew in 1,000 generations, in the second half of the run; None if it was short."""
    half = [point for point in findings.memory if point[0] > findings.done / 2]
    if findings.done < 500 or len(half) < 20:
        return None
    return linear_regression([done for done, _ in half], [size for _, size in half]).slope * 1000
