"""What has changed since a run began, in words: which photos, which keys."""

from collections.abc import Mapping, Sequence

import pandas as pd

from kimchi_vision.base.plain import leaves
from kimchi_vision.base.sentence import Sentence, Sentences

MOST = 3
"""Photos, or keys, that are named."""


def of_photos(before: pd.DataFrame, now: pd.DataFrame) -> Sentences | None:
    """Such as "2 gone (a/1.jpg, a/2.jpg), 1 new (b/9.jpg)"; None when no photo differs.

    Both have the columns of Photos.items.
    """
    old, new = (table.drop_duplicates("path").set_index("path") for table in (before, now))
    both = old.index.intersection(new.index)

    def differ(column: str) -> Sequence[str]:
        return both[old.loc[both, column] != new.loc[both, column]]

    gone, more = old.index.difference(new.index), new.index.difference(old.index)
    found = [
        Sentence("{count} gone ({names})", **_named(gone)),
        Sentence("{count} new ({names})", **_named(more)),
        Sentence("{count} with other content ({names})", **_named(differ("sha256"))),
        Sentence("{count} of another class ({names})", **_named(differ("label"))),
        Sentence("{count} in another part ({names})", **_named(differ("split"))),
    ]
    some = [each for each in found if each.values["count"]]
    return Sentences(some, ", ") if some else None


def of_keys(before: Mapping[str, object], now: Mapping[str, object]) -> Sentences | None:
    """Such as "train.seed was 42 and is 43", for nested values; None when all are equal."""
    old, new = dict(leaves(before)), dict(leaves(now))
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    said = [
        Sentence(
            "{key} was {old} and is {new}", key=name, old=_short(old.get(name)), new=_short(new.get(name))
        )
        for name in names
    ]
    return Sentences(_some(said), ", ") if said else None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 60 else f"{text[:56]} ..."


def _named(paths: Sequence[str]) -> dict[str, object]:
    return {"count": len(paths), "names": ", ".join(map(str, _some(paths)))}


def _some(each: Sequence[object]) -> list[object]:
    return [*each[:MOST], *(["..."] if len(each) > MOST else [])]
