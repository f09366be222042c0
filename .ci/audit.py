"""Judges what pip-audit reports (``--format json``): a known vulnerability fails, what was not audited is said loudly.

    python3 .ci/audit.py REPORT.json

pip-audit itself ends well when the service that it asked knew none of the packages, as a mirror of PyPI may not.
"""

import json
import sys
from pathlib import Path


def main(report: Path) -> int:
    """Return the exit code: 1 where a dependency has a known vulnerability."""
    try:
        packages = json.loads(report.read_text())["dependencies"]
    except (OSError, ValueError, KeyError):
        return _warn("the audit did not run: the service that knows of vulnerabilities cannot be reached")
    found = [(each, bug) for each in packages for bug in each.get("vulns", [])]
    skipped = [each["name"] for each in packages if "skip_reason" in each]
    for package, bug in found:
        fixed = ", ".join(bug["fix_versions"]) or "none yet"
        print(f"{package['name']} {package['version']}: {bug['id']} (fixed in: {fixed})")
    if skipped:
        _warn(
            f"{len(skipped)} of {len(packages)} dependencies were not audited: {', '.join(skipped)}\n"
            "(a mirror of PyPI may have no advisories; run this where pypi.org itself answers)"
        )
    print(f"{len(packages) - len(skipped)} dependencies audited, {len(found)} known vulnerabilities")
    return 1 if found else 0


def _warn(what: str) -> int:
    print(f"WARNING WARNING WARNING\n{what}\nWARNING WARNING WARNING", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
