"""Photos found again under the names that tables of labels give them."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import unquote

_UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")
"""What Label Studio puts before the name of an uploaded file."""


class Names:
    """Finds a photo by its path below the root or any folder, its name, or its name without an ending."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.known: defaultdict[str, set[str]] = defaultdict(set)
        for path in paths:
            for name in _tails(path):
                self.known[name].add(path)

    def find(self, name: str) -> str | None:
        """The path of the photo that a table calls `name`; None when there is none, or more than one."""
        plain = _plain(name)
        return self._found(plain) or (self._found(unquote(plain)) if "%" in plain else None)

    def _found(self, plain: str) -> str | None:
        parts = PurePosixPath(plain).parts
        for start in range(len(parts)):
            tail = "/".join(parts[start:])
            found = self.known.get(tail) or (
                start == len(parts) - 1 and self.known.get(_UPLOADED.sub("", tail))
            )
            if found:
                return next(iter(found)) if len(found) == 1 else None
        return None


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFC", name.strip()).replace("\\", "/")
    text = text.partition("?d=")[2] or text
    return text.removeprefix("file://").lstrip("./")


def _tails(path: str) -> Iterable[str]:
    parts = PurePosixPath(unicodedata.normalize("NFC", path)).parts
    for start in range(len(parts)):
        tail = "/".join(parts[start:])
        yield tail
        yield tail.rpartition(".")[0] or tail
