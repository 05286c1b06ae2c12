"""What a reader of a layout makes of the photos that it is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.sentence import Note

NAMINGS: dict[str, Callable[[tuple[str, ...]], str]] = {
    "first": lambda spot: spot[0],
    "folder": lambda spot: spot[-1],
    "path": lambda spot: "/".join(spot),
}
"""A class's name from the folders between the parts, or the root, and a photo."""


@dataclass
class Reading:
    """Classes and parts of photos, and what was set aside.

    way: the value of `data.layout` that gives this reading.
    source: says where the classes were read: a key of messages and its values.
    labels: the class of each photo, by path. parts: train, valid or test, by path, where the set says so.
    missing: classes that were named and have no photo, each with where and why.
    parted_by: the folders or the file that give the parts.
    aside: notes on photos that were set aside.
    guessed: nothing says that these are classes, but that there are no others.
    """

    way: str
    source: Note
    labels: dict[str, str]
    parts: dict[str, str] = field(default_factory=dict)
    missing: dict[str, Note] = field(default_factory=dict)
    parted_by: tuple[str, ...] = ()
    aside: list[Note] = field(default_factory=list)
    guessed: bool = False

    def __post_init__(self) -> None:
        if set(self.parts.values()) <= {"train"}:  # all that is left after a test part was set aside
            self.parts, self.parted_by = {}, ()

    @property
    def classes(self) -> Counter[str]:
        """Photos of each class."""
        return Counter(self.labels.values())

    def divides_as(self, other: Reading) -> bool:
        """Whether both put the photos that both know into the same heaps, whatever they call them."""
        pairs = {(label, other.labels[path]) for path, label in self.labels.items() if path in other.labels}
        return len(pairs) == len({one for one, _ in pairs}) == len({two for _, two in pairs})

    def note(self) -> Note:
        """One sentence: classes, where they were read, parts, and what was set aside."""
        parts = [("took_parts", {"names": ", ".join(self.parted_by)})] if self.parted_by else []
        values = {"classes": len(self.classes), "photos": len(self.labels), "source": [self.source]}
        return "took", {**values, "parts": parts, "aside": [("took_aside", {"of": [n]}) for n in self.aside]}


class UndecidedError(DataError):
    """The folders allow several readings; `ways` are the values of `data.layout` that give them."""

    def __init__(self, ways: list[str]) -> None:
        super().__init__(", ".join(ways))
        self.ways = ways
