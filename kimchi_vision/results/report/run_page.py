"""What the page about one run shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kimchi_vision.base.messages import Language, Text, about_background, catalogue
from kimchi_vision.base.run_files import RunDir
from kimchi_vision.data.photo import Photos
from kimchi_vision.results.history import overfits_from
from kimchi_vision.results.report import images
from kimchi_vision.results.report.answers import answers
from kimchi_vision.results.report.recorded import Recorded, flat, interval, machine, question, read
from kimchi_vision.results.report.render import percent

if TYPE_CHECKING:
    import pandas as pd

SCORES = ("accuracy", "error_rate", "macro_precision", "macro_recall", "macro_f1", "top_k_accuracy", "loss")
TOP_LOSS_SIDE = 240
SHOWN_OTHERWISE = ("confusion_matrix", "top_losses", "reliability", "risk_coverage")
"""Figures that other sections of the page show, or whose content is there as text or photos."""
OF_PHOTOS = ("batch", "results")
"""Figures that show photos; the others are charts, which turn dark with the page."""


def view(run: RunDir, lang: Language) -> dict[str, Any]:
    """The template's values."""
    recorded = read(run)
    text = catalogue(lang)
    small = _thumbnails(run, recorded)
    parts = _parts(run, recorded.vocab)
    return {
        "name": recorded.experiment.get("name", run.path.name),
        "question": question(recorded.experiment, recorded.experiment_text),
        "recorded": recorded,
        "answers": answers(recorded, text),
        "scores": [(name, recorded.metrics[name], interval(recorded.metrics, name)) for name in SCORES],
        "epochs": _epochs(recorded.history),
        "cells": _cells(recorded, small),
        "top_losses": _top_losses(run, recorded),
        "missing": len(small.missing),
        "left_out": len(small.left_out),
        "parts": parts,
        "test_openings": run.times_opened() if "test" in parts else None,
        "test": run.read_json(run.test_metrics) if run.test_metrics.is_file() else None,
        "background": _background(run, text),
        "calibration": _calibration(run),
        "timings": _timings(recorded.metrics),
        "figures": _figures(run),
        "facts": dict(flat({key: recorded.metrics.get(key, {}) for key in ("model", "train")})),
        "environment": dict(flat(recorded.versions)),
        "texts": _texts(run),
    }


def _epochs(history: pd.DataFrame | None) -> dict[str, Any] | None:
    if history is None:
        return None
    columns = [name for name in history.columns if name != "kept"]
    rows = history.to_dict("records")
    return {"columns": columns, "rows": rows, "overfits_from": overfits_from(history)}


def _photos(run: RunDir, recorded: Recorded) -> Photos:
    """With their boxes, so that the page shows what the model saw."""
    return Photos(recorded.root, run.read_table(run.items), tuple(recorded.vocab))


def _thumbnails(run: RunDir, recorded: Recorded) -> images.Thumbnails:
    """Wrong ones come first: they are what people open."""
    table = recorded.predictions
    right = (table["truth"] == table["predicted"]).astype(int)
    rows = table.loc[right.sort_values(kind="stable").index]
    return images.thumbnails(dict(zip(rows["path"], _photos(run, recorded).files(rows), strict=True)))


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


def _background(run: RunDir, text: Text) -> dict[str, Any] | None:
    """What background.json says, with its sentences."""
    if not run.background.is_file():
        return None
    found = run.read_json(run.background)
    return {**found, "sentences": about_background(found, text)}


def _top_losses(run: RunDir, recorded: Recorded) -> list[dict[str, Any]]:
    """Photos with what the model says, and where it looks if that was drawn."""
    photos = _photos(run, recorded)
    worst = recorded.metrics["top_losses"]
    rows = recorded.predictions.set_index("path", drop=False).loc[worst]
    items = photos.items.set_index("path", drop=False).loc[worst]
    return [
        {
            **{name: row[name] for name in ("path", "truth", "predicted", "loss")},
            "probability": row[f"p:{row['predicted']}"],
            "picture": images.photo(file, TOP_LOSS_SIDE),
            "overlay": images.photo(run.overlay(content), TOP_LOSS_SIDE),
        }
        for row, content, file in zip(
            rows.to_dict("records"), photos.contents(items), photos.files(items), strict=True
        )
    ]


def _parts(run: RunDir, vocab: list[str]) -> dict[str, dict[str, int]]:
    """Photos of each class by part: part → class → photos."""
    items = run.read_table(run.items)
    found = [part for part in ("train", "valid", "test") if (items["split"] == part).any()]
    counts = {part: items["label"][items["split"] == part].value_counts() for part in found}
    return {part: {name: int(counts[part].get(name, 0)) for name in vocab} for part in found}


def _calibration(run: RunDir) -> dict[str, Any] | None:
    """What calibration.json says, and its figures."""
    if not run.calibration.is_file():
        return None
    files = [run.figure(name) for name in ("reliability", "risk_coverage")]
    figures = [
        {"key": f"figure_{file.stem}", "source": images.figure(file, of_photos=False)}
        for file in files
        if file.is_file()
    ]
    return {**run.read_json(run.calibration), "figures": figures}


def _timings(metrics: dict[str, Any]) -> dict[str, Any]:
    """What was measured, by the key of its text; empty when nothing was."""
    latency, train = metrics.get("latency_ms") or {}, metrics.get("train") or {}
    found = {
        "decision_p50_ms": latency.get("p50"),
        "decision_p95_ms": latency.get("p95"),
        "decision_photos_per_second": metrics.get("photos_per_second"),
        "decision_peak_memory_mb": metrics.get("peak_memory_mb"),
        "train_seconds": train.get("seconds"),
    }
    measured = {key: value for key, value in found.items() if value is not None}
    return {"measured": measured, "machine": machine(metrics)}


def _figures(run: RunDir) -> list[dict[str, Any]]:
    found = [path for path in run.drawn() if not path.stem.startswith(SHOWN_OTHERWISE)]
    return [
        {"key": f"figure_{path.stem}", "of_photos": of_photos, "source": images.figure(path, of_photos)}
        for path in found
        for of_photos in [path.stem in OF_PHOTOS]
    ]


def _texts(run: RunDir) -> dict[str, str]:
    files = {"classification_report": run.classification_report, "summary": run.summary}
    return {name: path.read_text(encoding="utf-8") for name, path in files.items() if path.is_file()}
