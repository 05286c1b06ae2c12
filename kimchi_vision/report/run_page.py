"""What the page about one run shows, gathered from its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kimchi_vision.config import read_yaml
from kimchi_vision.history import overfits_from
from kimchi_vision.report import images
from kimchi_vision.report.render import number, percent
from kimchi_vision.rundir import RunDir
from kimchi_vision.texts import TEXTS, Language, Text, catalogue

if TYPE_CHECKING:
    import pandas as pd

SCORES = ("accuracy", "error_rate", "macro_precision", "macro_recall", "macro_f1", "top_k_accuracy", "loss")
TOP_LOSS_SIDE = 240
CONFUSIONS_NAMED = 3
SHOWN_OTHERWISE = ("confusion_matrix", "top_losses")
"""Figures whose content the page has as text or as photos that can be opened."""
OF_PHOTOS = ("batch", "results")
"""Figures that show photos; the others are charts, which turn dark with the page."""


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


def view(run: RunDir, lang: Language) -> dict[str, Any]:
    """The template's values."""
    recorded = read(run)
    text = catalogue(lang)
    small = _thumbnails(recorded)
    return {
        "name": recorded.experiment.get("name", run.path.name),
        "question": question(recorded.experiment, recorded.experiment_text),
        "recorded": recorded,
        "answers": answers(recorded, text),
        "scores": [(name, recorded.metrics[name], interval(recorded.metrics, name)) for name in SCORES],
        "epochs": _epochs(recorded.history),
        "cells": _cells(recorded, small),
        "top_losses": _top_losses(recorded),
        "missing": len(small.missing),
        "left_out": len(small.left_out),
        "figures": _figures(run),
        "facts": dict(flat({key: recorded.metrics.get(key, {}) for key in ("model", "train")})),
        "environment": dict(flat(recorded.versions)),
        "texts": _texts(run),
    }


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


def answers(recorded: Recorded, text: Text) -> list[str]:
    """Sentences that open the page: how good, which epoch and why, what is confused, what is weak."""
    metrics = recorded.metrics
    part = text(metrics["split"])
    wrong = round(metrics["error_rate"] * metrics["photos"])
    right = number(metrics["photos"] - wrong)
    sentences = [text("right_of", right=right, photos=number(metrics["photos"]), part=part)]
    if recorded.history is not None:
        sentences += _about_epochs(recorded, recorded.history, text)
    pairs = [
        text("confused_pair", actual=actual, predicted=predicted, photos=photos)
        for actual, predicted, photos in metrics["most_confused"][:CONFUSIONS_NAMED]
    ]
    if pairs:
        sentences.append(text("confuses", pairs=", ".join(pairs)))
        sentences.append(_weakest(metrics["classes"], text))
    else:
        sentences.append(text("confuses_nothing"))
    columns = zip(*metrics["confusion_matrix"], strict=True)
    never = [name for name, column in zip(recorded.vocab, columns, strict=True) if not any(column)]
    absent = [name for name, scores in metrics["classes"].items() if not scores["support"]]
    if never:
        sentences.append(text("never_predicted", names=", ".join(never)))
    if absent:
        sentences.append(text("no_photos_of", names=", ".join(absent), part=part))
    return sentences


def _about_epochs(recorded: Recorded, history: pd.DataFrame, text: Text) -> list[str]:
    kept = int(history["kept"].to_numpy(dtype=bool).argmax())
    train = recorded.experiment["train"]
    if train["keep"] == "best":
        monitor = train["monitor"]
        name = text(monitor) if monitor in TEXTS else monitor
        value = number(float(history[monitor].iloc[kept]))
        sentence = text("kept_best", epoch=kept + 1, epochs=len(history), monitor=name, value=value)
    else:
        lowest = int(history["valid_loss"].to_numpy().argmin()) + 1
        sentence = text("kept_last", epoch=kept + 1, lowest=lowest)
    first = overfits_from(history)
    return [sentence] if first is None else [sentence, text("overfits", epoch=first)]


def _weakest(classes: dict[str, dict[str, Any]], text: Text) -> str:
    seen = {name: scores for name, scores in classes.items() if scores["support"]}
    name = min(seen, key=lambda each: seen[each]["recall"])
    return text("weakest", name=name, recall=percent(seen[name]["recall"]), support=seen[name]["support"])


def _epochs(history: pd.DataFrame | None) -> dict[str, Any] | None:
    if history is None:
        return None
    columns = [name for name in history.columns if name != "kept"]
    rows = history.to_dict("records")
    return {"columns": columns, "rows": rows, "overfits_from": overfits_from(history)}


def _thumbnails(recorded: Recorded) -> images.Thumbnails:
    """Wrong ones come first: they are what people open."""
    table = recorded.predictions
    wrong = table["truth"] != table["predicted"]
    return images.thumbnails(recorded.root, [*table["path"][wrong], *table["path"][~wrong]])


def _cells(recorded: Recorded, small: images.Thumbnails) -> list[dict[str, Any]]:
    """The photos as the page's script wants them; actual and predicted are places in the vocab."""
    place = {name: index for index, name in enumerate(recorded.vocab)}
    return [
        {
            "path": row["path"],
            "actual": place[row["truth"]],
            "predicted": place[row["predicted"]],
            "probability": percent(row[f"p:{row['predicted']}"]),
            "loss": f"{row['loss']:.2f}",
            "picture": small.pictures.get(row["path"]),
        }
        for row in recorded.predictions.to_dict("records")
    ]


def _top_losses(recorded: Recorded) -> list[dict[str, Any]]:
    rows = recorded.predictions.set_index("path", drop=False).loc[recorded.metrics["top_losses"]]
    return [
        {
            **{name: row[name] for name in ("path", "truth", "predicted", "loss")},
            "probability": row[f"p:{row['predicted']}"],
            "picture": images.photo(recorded.root / row["path"], TOP_LOSS_SIDE),
        }
        for row in rows.to_dict("records")
    ]


def _figures(run: RunDir) -> list[dict[str, Any]]:
    found = [path for path in sorted(run.figures.glob("*.png")) if not path.stem.startswith(SHOWN_OTHERWISE)]
    return [
        {"key": f"figure_{path.stem}", "of_photos": of_photos, "source": images.figure(path, of_photos)}
        for path in found
        for of_photos in [path.stem in OF_PHOTOS]
    ]


def _texts(run: RunDir) -> dict[str, str]:
    files = {"classification_report": run.classification_report, "summary": run.summary}
    return {name: path.read_text(encoding="utf-8") for name, path in files.items() if path.is_file()}


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
