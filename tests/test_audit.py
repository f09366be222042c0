"""The audit of dependencies tells a finding from an audit that did not happen."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

AUDIT = Path(__file__).parent.parent / ".ci/audit.py"

SOUND = {"name": "sound", "version": "1", "vulns": []}
BROKEN = {"name": "broken", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
SKIPPED = {"name": "unknown", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("packages", "code", "says", "warns"),
    [
        ([SOUND], 0, "1 dependencies audited, 0 known", ""),
        ([SOUND, BROKEN], 1, "broken 2: PYSEC-1 (fixed in: 3)", ""),
        ([SKIPPED], 0, "0 dependencies audited", "1 of 1 dependencies were not audited: unknown"),
        ([SKIPPED, BROKEN], 1, "PYSEC-1", "1 of 2"),
        (None, 0, "", "the audit did not run"),
    ],
)
def test_a_finding_fails_and_what_was_not_audited_is_said(
    packages: list[Any] | None, code: int, says: str, warns: str, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    if packages is not None:
        report.write_text(json.dumps({"dependencies": packages}))
    ran = subprocess.run([sys.executable, AUDIT, report], capture_output=True, text=True, check=False)
    assert ran.returncode == code
    assert says in ran.stdout
    assert warns in ran.stderr
    assert bool(ran.stderr) == bool(warns)
