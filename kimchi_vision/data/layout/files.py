"""Photos found again under the names that tables of labels give them."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from pathlib import PurePosixPath
from urllib.parse import unquote

from kimchi_vision.data.formats import SUFFIXES

_UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")
"""What Label Studio puts before the name of an uploaded file."""


MOST = 20
"""Files of labels that are looked into; more of them belong to single photos or classes."""
_DUMMY = re.compile("submission|submit", re.IGNORECASE)


def few(files: Iterable[str]) -> list[str]:
    """Files that may speak of a whole set, the highest first; none where there is one for each photo."""
    files = sorted((file for file in files if not _DUMMY.search(file)), key=lambda f: (f.count("/"), f))
    if len(files) > MOST:
        files = [file for file in files if file.count("/") == files[0].count("/")]
    return files if len(files) <= MOST else []


class Names:
    """Finds a photo by its path below the root or any folder, its name, or its name without an ending.

    Case and another ending do not count where no photo is named exactly so.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self.known: defaultdict[str, set[str]] = defaultdict(set)
        for path in paths:
            parts = PurePosixPath(unicodedata.normalize("NFC", path)).parts
            for start in range(len(parts)):
                tail = "/".join(parts[start:])
                self.known[tail].add(path)
                self.known[tail.rpartition(".")[0] or tail].add(path)

    def find(self, name: str) -> str | None:
        """The path of the photo that a table calls `name`; None when there is none, or more than one."""
        found = self.meant(name)
        return next(iter(found)) if len(found) == 1 else None

    def meant(self, name: str) -> set[str]:
        """The paths of all photos that a table may mean with `name`."""
        plain = _plain(name)
        forms = (plain, unquote(plain)) if "%" in plain else (plain,)
        stem, dot, ending = plain.rpartition(".")
        loose = stem if dot and f".{ending.casefold()}" in SUFFIXES else plain
        return next(filter(None, map(self._found, forms)), None) or self._folded.get(loose.casefold(), set())

    def _found(self, plain: str) -> set[str]:
        parts = PurePosixPath(plain).parts
        tails = ("/".join(parts[start:]) for start in range(len(parts)))
        found = next(filter(None, map(self.known.get, tails)), None)
        return found or self.known.get(_UPLOADED.sub("", parts[-1]) if parts else "", set())

    @cached_property
    def _folded(self) -> dict[str, set[str]]:
        folded: defaultdict[str, set[str]] = defaultdict(set)
        for name, paths in self.known.items():
            folded[name.casefold()] |= paths
        return folded


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFC", name.strip()).replace("\\", "/")
    text = text.partition("?d=")[2] or text
    text = text.partition("?")[0] if "://" in text else text
    return text.removeprefix("file://").lstrip("./")
