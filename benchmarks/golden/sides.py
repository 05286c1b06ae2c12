"""Two states of the code beside each other: today's tree, and a commit in a git worktree."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from benchmarks.golden import runs

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Side:
    """A state of the code, and where it works. Names of sides are equally long, so that paths are, too."""

    path: Path

    @property
    def code(self) -> Path:
        """The tree that holds its package."""
        return self.path / "code"

    @property
    def work(self) -> Path:
        """Where its commands run and write."""
        return self.path / "work"

    def make(self, commands: Sequence[runs.Command], stop: Event) -> None:
        """Run the commands, until `stop`. Raises SystemExit when another package than its own would run."""
        variables = runs.environment(self.code, self.path / "home")
        found = subprocess.run(
            [sys.executable, "-c", "import kimchi_vision; print(kimchi_vision.__file__)"],
            cwd=self.work,
            env=variables,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        if not Path(found.strip()).is_relative_to(self.code):
            raise SystemExit(f"{self.path.name} would run {found.strip()}, not the package in {self.code}.")
        for command in commands:
            if stop.is_set():
                return
            started = time.monotonic()
            runs.run(command, self.work, variables)
            print(f"{self.path.name}: {command.name}, {time.monotonic() - started:.0f} s", flush=True)


@contextmanager
def prepared(place: Path, base: str) -> Iterator[tuple[Side, Side]]:
    """Both sides with code, photos and experiments; the worktree of `base` is removed at the end."""
    old, new = Side(place / "old"), Side(place / "new")
    place.joinpath("new").mkdir(parents=True)
    _copy_of_today(new.code)
    _git("worktree", "add", "--quiet", "--detach", str(old.code), base)
    try:
        weights = place / "body.safetensors"
        runs.write_weights(weights)
        for side in (old, new):
            runs.write_photos(side.work / "photos")
            runs.write_experiments(side.work)
            shutil.copy(weights, side.work)
        yield old, new
    finally:
        _git("worktree", "remove", "--force", str(old.code))


def make(sides: Sequence[Side], commands: Sequence[runs.Command]) -> None:
    """The commands of all sides, one side a thread; when one fails, the others end after their command."""
    stop = Event()
    with ThreadPoolExecutor(len(sides)) as pool:
        try:
            for done in as_completed([pool.submit(side.make, commands, stop) for side in sides]):
                done.result()
        finally:
            stop.set()


def _copy_of_today(folder: Path) -> None:
    """What git would carry of the tree as it is now; it may be edited while the copy runs."""
    for name in _git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def _git(*words: str) -> str:
    """What a git command prints. Raises SystemExit with its message when it fails."""
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout
