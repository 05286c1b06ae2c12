"""What pages say of an experiment and its machine."""

from __future__ import annotations

from typing import Any


def question(asked: str, text: str) -> list[str]:
    """Why a run was made. asked: the experiment's `question`; text: its file, whose first comment may say."""
    if asked:
        return [asked]
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").rstrip())
    return [line for line in lines if line]


def machine(metrics: dict[str, Any]) -> str | None:
    """Where speed and memory were measured."""
    found = metrics.get("machine")
    return f"{found['processor']} ({found['cores']})" if found else None


def flat(tree: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Values under dotted names; lists are joined, what is not set is left out."""
    pairs: list[tuple[str, Any]] = []
    for key, value in tree.items():
        if isinstance(value, dict):
            pairs += flat(value, f"{prefix}{key}.")
        elif value is not None:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            pairs.append((f"{prefix}{key}", shown))
    return pairs
