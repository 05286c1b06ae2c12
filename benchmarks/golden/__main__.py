"""python -m benchmarks.golden: what today's tree changes against a commit."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks.golden import differences, runs, sides


def main() -> int:
    """Run both sides and list the differences; 1 when there are any."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.golden", description=__doc__)
    parser.add_argument("--base", default="HEAD~1", help="the commit to compare with")
    parser.add_argument(
        "--tolerance", type=float, default=0, help="relative difference that numbers may have"
    )
    parser.add_argument("--most", type=int, default=20, help="differences shown of a file")
    parser.add_argument("--keep", type=Path, help="a new folder in which both sides' files stay")
    parser.add_argument("--only", nargs="+", default=[""], metavar="NAME", help="commands that begin so")
    chosen = parser.parse_args()
    # A shell may start what runs in its background deaf to Ctrl-C, and one of the runs has to hear it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with (
        tempfile.TemporaryDirectory() as folder,
        sides.prepared((chosen.keep or Path(folder)).resolve(), chosen.base) as (old, new),
    ):
        sides.make((old, new), [each for each in runs.commands() if each.name.startswith(tuple(chosen.only))])
        found = differences.folders(old.work, new.work, chosen.tolerance)
    print(differences.listing(found, chosen.most))
    files = len({each.file for each in found})
    print(f"{len(found)} differences in {files} files, {chosen.base} -> today's tree")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
