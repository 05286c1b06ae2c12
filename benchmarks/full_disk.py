"""A disk that is full from the n-th write of a run on, for n over all of them.

python -m benchmarks.full_disk [STEP [FIRST]] > benchmarks/full_disk.md: every n, or one in STEP, from FIRST.
Linux, a C compiler.

Each time the command must end with one sentence, or do without what it could not write (a cache), and with
room made, the same command must end as the undisturbed run, bit for bit.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.disturbed import disk
from benchmarks.disturbed.bench import Bench
from benchmarks.kills import SAME, again, wrong_on_a_full_disk


def main(step: int = 1, first: int = 0) -> None:
    """Fill, make room, compare."""
    disk.loaded()
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place).resolve())
        bench.prepare()
        print(f"undisturbed: {bench.seconds:.1f} s, {bench.writes} writes", file=sys.stderr)
        for room in range(first, bench.writes, step):
            ended = bench.ended(str(room), room)
            end = wrong_on_a_full_disk(ended) or again(bench, str(room))
            how = "ended with a sentence" if ended.code else "went on without a file"
            ends[f"{how}, then {end}" if end == SAME else "WRONG"] += 1
            print(f"{room}: {how}; {end}", file=sys.stderr, flush=True)
            shutil.rmtree(bench.place / str(room), ignore_errors=True)
    print(f"`python -m benchmarks.full_disk {step}`: {bench.writes} writes of a small run\n")
    print("| full from the n-th write on | n |\n|---|---|")
    print("\n".join(f"| {end} | {count} |" for end, count in ends.items()))
    sys.exit("WRONG" in ends)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
