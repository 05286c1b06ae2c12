"""What a run folder holds, read once for a page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kimchi_vision.base.run_files import RunDir
from kimchi_vision.config import read_yaml

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Recorded:
    """What a run folder holds. predictions: of the scored part only, largest loss first."""

    experiment: dict[str, Any]
    experiment_text: str
    metrics: dict[str, Any]
    vocab: list[str]
    predictions: pd.DataFrame
    history: pd.DataFrame | None
    data: dict[str, Any]
    versions: dict[str, Any]

    @property
    def root(self) -> Path:
        """The folder below which the photos lay when the run was made."""
        return Path(self.data.get("root") or self.experiment["data"].get("path") or ".")


def read(run: RunDir) -> Recorded:
    """Read a run folder. Raises InputError when a file that the page stands on is missing."""
    metrics = run.read_json(run.metrics)
    predictions = run.read_table(run.predictions)
    part = predictions[predictions["split"] == metrics["split"]].sort_values("loss", ascending=False)
    history = run.read_table(run.history) if run.history.is_file() else None
    return Recorded(
        experiment=read_yaml(run.experiment),
        experiment_text=run.experiment.read_text(encoding="utf-8"),
        metrics=metrics,
        vocab=run.read_json(run.labels),
        predictions=part.reset_index(drop=True),
        history=history if history is not None and len(history) else None,
        data=run.read_json(run.data) if run.data.is_file() else {},
        versions=run.read_json(run.versions) if run.versions.is_file() else {},
    )


def question(experiment: dict[str, Any], text: str) -> list[str]:
    """Why the run was made: the experiment's `question`, or the comment that opens its file."""
    if experiment.get("question"):
        return [str(experiment["question"])]
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").rstrip())
    return [line for line in lines if line]


def interval(scores: dict[str, Any], name: str) -> list[float] | None:
    """A score's 95 % interval, which lies beside it as NAME_interval when it was computed."""
    return scores.get(f"{name}_interval")


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
