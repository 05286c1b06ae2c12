"""What two runs of the same code may differ in: times, paths, dates, versions and facts of the machine."""

from __future__ import annotations

import re
from pathlib import Path

FILES = re.compile(r"accuracy_latency\.png$|\.lock$|\.sqlite(-wal|-shm)?$")
"""A figure of measured times, empty files, and caches named by a path."""
PLACES = re.compile(
    r"\bseconds\)?($|,)|\btrain_minutes$|latency|\bp(50|95)_ms$|photos_per_second|peak_memory|^time$|, time$"
    r"|\.(pkl|pth)\.sha256$"  # torch writes an id of its own into each of these archives
)
LABELS = re.compile(
    r"Training, (seconds|minutes)|, Seconds$|Latency of one photo|Accuracy against latency|a second in bulk"
    r"|Peak memory|학습 시간|, 초$|한 장 지연|정확도와 지연|대량 처리, 초당 사진|최대 메모리"
)
"""Words beside numbers that are measured, on screens and pages."""
TEXTS = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\+00:00)?"), "DATE"),
    (re.compile(r"\d[\d,.]*(?= ?(s|ms|min|seconds|minutes|초|분)\b)"), "TIME"),
    (re.compile(r"\d[\d,.]*(?= (photos/s|photos a second)\b)"), "SPEED"),
    (re.compile(r"([─━═-])\1{2,}"), r"\1"),
    (re.compile(r" {2,}"), "  "),
)
"""Dates and times; and the widths of columns, which follow from the longest time in them."""

CHANCE = re.compile(r"Stopping after this batch")
"""Lines that are written only when Ctrl-C falls into a batch, not between two."""


def file(name: str) -> bool:
    """Whether a file is of times alone."""
    return bool(FILES.search(name))


def place(name: str) -> bool:
    """Whether a place in a file holds a time or what follows from one."""
    return bool(PLACES.search(name) or LABELS.search(name))


def masked(text: str, folder: Path) -> str:
    """A text without dates, times, and the path of its side."""
    text = text.replace(str(folder), "FOLDER").replace(str(folder.parent), "SIDE")
    for pattern, word in TEXTS:
        text = pattern.sub(word, text)
    return "\n".join(_measured(line) for line in text.splitlines() if not CHANCE.search(line))


def _measured(line: str) -> str:
    """A row of a printed table whose label says that it is measured, without its numbers."""
    return re.sub(r"\d[\d,.]*", "MEASURED", line) if LABELS.search(line) and "  " in line else line
