"""What differs between two folders: file by file, each number."""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.golden import ignored
from benchmarks.golden.reading import Values, page, read

NUMBER = re.compile(r"[-+−]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
LONGEST = 160
"""Characters of a value that are shown."""


@dataclass(frozen=True)
class Difference:
    """A place in a file, with what stood there and what stands there now."""

    file: str
    place: str
    old: str
    new: str


def folders(old: Path, new: Path, tolerance: float = 0) -> list[Difference]:
    """All differences of the files below two folders, by file. tolerance: relative, of a number; 0: none."""
    found: list[Difference] = []
    for file in sorted(file for file in _files(old) | _files(new) if not ignored.file(file)):
        if not (old / file).is_file():
            found.append(Difference(file, "the file", "not there", "only in new"))
        elif not (new / file).is_file():
            found.append(Difference(file, "the file", "only in old", "not there"))
        elif (old / file).read_bytes() != (new / file).read_bytes():
            found += [Difference(file, *each) for each in _in_file(old, new, file, tolerance)]
    return found


def listing(found: list[Difference], most: int = 20) -> str:
    """The differences under the name of their file, at most so many a file."""
    lines = []
    for file in dict.fromkeys(each.file for each in found):
        of_file = [each for each in found if each.file == file]
        lines += [f"{file}: {len(of_file)} difference{'s' * (len(of_file) > 1)}", *map(_line, of_file[:most])]
        lines += [f"  ... and {len(of_file) - most} more"] if len(of_file) > most else []
    return "\n".join(lines)


def _line(each: Difference) -> str:
    return f"  {each.place}: {each.old} -> {each.new}"


def _files(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


Found = list[tuple[str, str, str]]
"""Place, old, new."""


def _in_file(old: Path, new: Path, file: str, tolerance: float) -> Found:
    before, after = read(old / file), read(new / file)
    seen: Values = {}
    sees: Values = {}
    if isinstance(before, str) and isinstance(after, str):
        if file.endswith(".html"):
            (before, seen), (after, sees) = page(before), page(after)
        texts = _of_texts(ignored.masked(before, old), ignored.masked(after, new), tolerance)
        return texts + _of_values(_kept(seen, old), _kept(sees, new), tolerance)
    return _of_values(_kept(before, old), _kept(after, new), tolerance)


def _kept(values: Values, folder: Path) -> Values:
    """Without times, and texts without times and paths."""
    return {
        place: ignored.masked(value, folder) if isinstance(value, str) else value
        for place, value in values.items()
        if not ignored.place(place)
    }


def _of_values(old: Values, new: Values, tolerance: float) -> Found:
    found = [(place, _shown(value), "only in old") for place, value in old.items() if place not in new]
    found += [(place, "only in new", _shown(value)) for place, value in new.items() if place not in old]
    for place in old:
        if place in new and not _same(old[place], new[place], tolerance):
            found.append((place, *_told(old[place], new[place])))
    orders = [place for place in old if place in new], [place for place in new if place in old]
    moved = next((pair for pair in zip(*orders, strict=True) if pair[0] != pair[1]), None)
    return [*found, ("order", *moved)] if moved else found


def _of_texts(old: str, new: str, tolerance: float) -> Found:
    """Lines that differ; the place is the line's number in the new text."""
    before, after = old.splitlines(), new.splitlines()
    found = []
    for _, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if b - a == d - c:
            pairs = zip(before[a:b], after[c:d], range(c + 1, d + 1), strict=True)
            found += [(f"line {n}", _shown(x), _shown(y)) for x, y, n in pairs if not _alike(x, y, tolerance)]
        else:
            old_lines, new_lines = ("\n".join(part).strip() for part in (before[a:b], after[c:d]))
            found.append((f"line {c + 1}", _shown(old_lines), _shown(new_lines)))
    return found


def _alike(old: str, new: str, tolerance: float) -> bool:
    """Whether two lines are equal but for numbers that are close."""
    if old == new or not tolerance or NUMBER.sub("#", old) != NUMBER.sub("#", new):
        return old == new
    numbers = [[float(each.replace("−", "-")) for each in NUMBER.findall(line)] for line in (old, new)]
    return all(_same(a, b, tolerance) for a, b in zip(*numbers, strict=True))


def _same(old: Any, new: Any, tolerance: float) -> bool:
    if isinstance(old, np.ndarray) or isinstance(new, np.ndarray):
        alike = np.shape(old) == np.shape(new) and np.asarray(old).dtype == np.asarray(new).dtype
        return alike and bool(_close(old, new, tolerance).all())
    if type(old) is not type(new):
        return False
    if isinstance(old, float):
        return old == new or (old != old and new != new) or math.isclose(old, new, rel_tol=tolerance)
    return bool(old == new)


def _close(old: np.ndarray, new: np.ndarray, tolerance: float) -> np.ndarray:
    """Which entries of two arrays of one shape are the same."""
    if not tolerance or old.dtype.kind not in "fc":
        return (old == new) | ((old != old) & (new != new))
    return np.isclose(old, new, rtol=tolerance, atol=tolerance, equal_nan=True)


def _told(old: Any, new: Any) -> tuple[str, str]:
    """Two values that differ, as text; of arrays how much of them does."""
    if not (isinstance(old, np.ndarray) and isinstance(new, np.ndarray)):
        return _shown(old), _shown(new)
    if old.shape != new.shape or old.dtype != new.dtype:
        return f"{old.dtype} {old.shape}", f"{new.dtype} {new.shape}"
    other = ~_close(old, new, 0)
    if old.dtype == np.uint8 and old.ndim == 3:
        return f"{old.shape[1]} x {old.shape[0]} pixels", f"{other.any(axis=2).sum()} pixels differ"
    largest = np.abs(old.astype(float) - new.astype(float)).max()
    return f"{old.size} numbers", f"{other.sum()} differ, by {largest:.3g} at most"


def _shown(value: Any) -> str:
    text = f"array {value.dtype} {value.shape}" if isinstance(value, np.ndarray) else repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"
