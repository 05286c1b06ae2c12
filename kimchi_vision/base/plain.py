"""Plain data: what JSON and YAML files hold."""

from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]
"""Numbers, texts, booleans, None, and lists and further mappings of them, by name."""


def leaves(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of nested mappings under its dotted name, such as train.seed; lists stay whole."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value
