"""Runs that are disturbed at random moments end as the undisturbed one, or say why not.

python -m benchmarks.kills [RUNS [WAY...]] > benchmarks/kills.md: 60 runs, in every way by turns, unless
others are given. Linux with a C compiler.

Each small run (drawn photos, lr_find, frozen and unfrozen epochs, evaluation, export) is disturbed once, in
one of WAYS, and the same command is then given again. It must end with the same predictions.csv, history.csv
(but for seconds), metrics.json and model.safetensors, bit for bit, or with a sentence and a folder that still
holds what was done.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks.disturbed import disk
from benchmarks.disturbed.bench import Bench, Ended

SAME, TOLD = "the same bits", "a sentence"
SIGNALS = {
    "SIGKILL": (signal.SIGKILL, -signal.SIGKILL),
    "SIGTERM": (signal.SIGTERM, 143),
    "SIGINT": (signal.SIGINT, 130),
}
"""Way → signal and exit code."""


def signalled(bench: Bench, name: str, draw: random.Random, way: str) -> str:
    """A signal at a moment drawn over the run's whole length."""
    problem = _interrupted(bench, name, draw, way)
    return problem or again(bench, name)


def full(bench: Bench, name: str, draw: random.Random) -> str:
    """A disk without room from some write on, with room made afterwards."""
    ended = bench.ended(name, room=draw.randrange(bench.writes))
    return wrong_on_a_full_disk(ended) or again(bench, name)


def wrong_on_a_full_disk(ended: Ended) -> str:
    """What is wrong with how a command ended that met one; nothing, most of the time."""
    told = ended.code == 1 and "Make room and give the same command" in ended.said
    return _traceback(ended) or (
        "" if told or ended.code == 0 else f"exit code {ended.code}: {ended.said[-400:]}"
    )


def flipped(bench: Bench, name: str, draw: random.Random) -> str:
    """Killed, and then one byte flipped in any file of the run folder or the cache."""
    _interrupted(bench, name, draw, "SIGKILL")
    roots = (bench.folder(name), bench.place / name / "cache")
    files = [file for root in roots for file in sorted(root.rglob("*")) if file.is_file()]
    files = [file for file in files if file.stat().st_size]
    if not files:
        return again(bench, name)
    file = draw.choice(files)
    content = bytearray(file.read_bytes())
    content[draw.randrange(len(content))] ^= 0xFF
    file.write_bytes(content)
    return again(bench, name, damaged=file)


def other_photo(bench: Bench, name: str, draw: random.Random, way: str) -> str:
    """Killed, and then a photo removed, or another one put in its place; the change is undone afterwards.

    The run begins anew with other photos, and the earlier one, put back, ends as if nothing had been.
    """
    _interrupted(bench, name, draw, "SIGKILL")
    one, other = draw.sample(sorted(bench.photos.rglob("*.jpg")), 2)
    content, folder = one.read_bytes(), bench.folder(name)
    had, was_finished = (folder / "checkpoints" / "last.pth").is_file(), (folder / "finished.json").is_file()
    if way == "photo removed":
        one.unlink()
    else:
        one.write_bytes(other.read_bytes())
    anew = bench.ended(name)
    one.write_bytes(content)
    aside = folder.with_name("small.before-1")
    if anew.code or (had and not aside.is_dir()):
        return f"other photos, exit code {anew.code}: {anew.said[-400:]}"
    if had and one.name not in anew.said and "..." not in anew.said:
        return f"the photo is not named: {anew.said[-400:]}"
    if had and not was_finished:
        shutil.rmtree(folder)
        aside.rename(folder)
    return again(bench, name)


WAYS: dict[str, Callable[[Bench, str, random.Random], str]] = {
    **{way: lambda *given, way=way: signalled(*given, way) for way in SIGNALS},
    "full disk": full,
    "byte flipped": flipped,
    **{way: lambda *given, way=way: other_photo(*given, way) for way in ("photo removed", "photo replaced")},
}


def _interrupted(bench: Bench, name: str, draw: random.Random, way: str) -> str:
    """Start a run and end it at a drawn moment; what is wrong with how it ended."""
    number, code = SIGNALS[way]
    running = bench.start(name)
    time.sleep(draw.uniform(0.1, bench.seconds))
    os.kill(running.pid, number)
    running.join()
    ended = Ended(running.exitcode or 0, bench.said(name))
    return _traceback(ended) or (
        "" if ended.code in (code, 0) else f"exit code {ended.code}: {ended.said[-400:]}"
    )


def again(bench: Bench, name: str, damaged: Path | None = None) -> str:
    """The same command once more: SAME, TOLD, or what went wrong."""
    before = _names(bench.folder(name))
    ended = bench.ended(name)
    if wrong := _traceback(ended):
        return wrong
    if ended.code == 0:
        other = bench.differing(name)
        return f"other content of {', '.join(other)}: {ended.said[-400:]}" if other else SAME
    told = damaged is not None and damaged.name in ended.said and before <= _names(bench.folder(name))
    return TOLD if told else f"exit code {ended.code}: {ended.said[-400:]}"


def _names(folder: Path) -> set[str]:
    """Of all files but the checkpoints, of which the newest few are kept."""
    return {file.name for file in folder.rglob("[!.]*") if file.suffix != ".pth"}


def _traceback(ended: Ended) -> str:
    found = "Traceback" in ended.said or "Error:" in ended.said
    return f"a traceback: {ended.said[-800:]}" if found else ""


def table(ends: Counter[tuple[str, str]], ways: list[str]) -> str:
    """Markdown: a row a way."""
    columns = (SAME, TOLD, "WRONG")
    rows = [[way, *(ends[way, column] for column in columns)] for way in ways]
    rows.append(["all", *(sum(row[place] for row in rows) for place in (1, 2, 3))])
    lines = [["disturbed by", "runs", *columns], ["---"] * 5]
    lines += [[way, sum(counts), *counts] for way, *counts in rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def main(count: int, ways: list[str]) -> None:
    """One undisturbed run, then the disturbed ones."""
    disk.loaded()
    ends: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place).resolve())
        bench.prepare()
        print(f"undisturbed: {bench.seconds:.1f} s, {bench.writes} writes", file=sys.stderr)
        for number in range(count):
            way, name = ways[number % len(ways)], f"run{number}"
            end = WAYS[way](bench, name, random.Random(number))
            ends[way, end if end in (SAME, TOLD) else "WRONG"] += 1
            print(f"{number} {way}: {end}", file=sys.stderr, flush=True)
            shutil.rmtree(bench.place / name, ignore_errors=True)
    print(f"`python -m benchmarks.kills {count}` on Linux, Python {sys.version.split()[0]}, one thread:\n")
    print(table(ends, ways))
    sys.exit(any(end == "WRONG" for _, end in ends))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60, sys.argv[2:] or list(WAYS))
