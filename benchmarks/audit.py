"""Known faults of the packages in locked.txt, as pip-audit finds them: python benchmarks/audit.py

Exit code 1 when there is one. Where the database cannot be reached, a line says so.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).parents[1] / "locked.txt"
ASKED = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json"]


def main() -> int:
    """Ask, and print what is known."""
    line = [sys.executable, "-m", "pip_audit", *ASKED, "--requirement", str(LOCK)]
    said = subprocess.run(line, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(said.stdout)["dependencies"]
    except ValueError:
        reason = (said.stderr.strip().splitlines() or ["no answer"])[-1]
        print(f"The database cannot be reached from here, so nothing was audited: {reason}")
        return 0
    looked_at = [package for package in packages if "vulns" in package]
    print(
        f"{len(looked_at)} of {len(packages)} packages are known to the database that is reached from here."
    )
    faults = [(package, fault) for package in looked_at for fault in package["vulns"]]
    for package, fault in faults:
        better = ", ".join(fault["fix_versions"]) or "none yet"
        print(f"{package['name']} {package['version']}: {fault['id']}; without it: {better}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
