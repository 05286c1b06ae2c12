"""What has changed since a run began, in words: which photos, which keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

MOST = 3
"""Photos, or keys, that are named."""


def of_photos(before: pd.DataFrame, now: pd.DataFrame) -> str:
    """Such as "2 gone (a/1.jpg, a/2.jpg), 1 new (b/9.jpg)"; empty when no photo differs.

    Both have the columns of Photos.items.
    """
    old, new = (table.drop_duplicates("path").set_index("path") for table in (before, now))
    both = old.index.intersection(new.index)

    def differ(column: str) -> Sequence[str]:
        return both[old.loc[both, column] != new.loc[both, column]]

    found = {
        "gone": old.index.difference(new.index),
        "new": new.index.difference(old.index),
        "with other content": differ("sha256"),
        "of another class": differ("label"),
        "in another part": differ("split"),
    }
    return ", ".join(f"{len(paths)} {how} ({_some(paths)})" for how, paths in found.items() if len(paths))


def of_keys(before: Mapping[str, object], now: Mapping[str, object]) -> str:
    """Such as "train.seed was 42 and is 43", for nested values; empty when all are equal."""
    old, new = dict(_flat(before)), dict(_flat(now))
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return _some([f"{name} was {_short(old.get(name))} and is {_short(new.get(name))}" for name in names])


def _flat(values: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 60 else f"{text[:56]} ..."


def _some(names: Sequence[str]) -> str:
    return ", ".join([*names[:MOST], *(["..."] if len(names) > MOST else [])])
