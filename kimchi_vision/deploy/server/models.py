"""The models that are served, each with its batches and its example photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kimchi_vision.base.errors import InputError
from kimchi_vision.deploy.predictor import Predictor
from kimchi_vision.deploy.server.batching import Batcher
from kimchi_vision.results.run import Run

EXAMPLES = 6


@dataclass(frozen=True)
class Served:
    """One model under its name."""

    name: str
    predictor: Predictor
    batcher: Batcher
    examples: tuple[tuple[Path, str], ...]
    run: Run


def examples(run: Run) -> tuple[tuple[Path, str], ...]:
    """A few validation photos with their labels, as many classes as possible; none when they are gone."""
    if not (run.files.items.is_file() and run.files.data.is_file()):
        return ()
    root, items = run.photos.root, run.items
    valid = items[items["split"] == "valid"].assign(turn=lambda table: table.groupby("label").cumcount())
    rows = valid.sort_values(["turn", "label"], kind="stable").head(EXAMPLES)
    found = [(root / path, label) for path, label in zip(rows["path"], rows["label"], strict=True)]
    return tuple((file, label) for file, label in found if file.is_file())


def by_name(models: Sequence[Served]) -> dict[str, Served]:
    """Models under their names. Raises InputError when two have one name."""
    named = {model.name: model for model in models}
    if len(named) < len(models):
        names = ", ".join(model.name for model in models)
        what = "Two models have one name: {names}. Serve one of them, or name the experiments apart."
        raise InputError(what, names=names)
    return named
