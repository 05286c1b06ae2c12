"""What the page about one run shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kimchi_vision.base.messages import Language, Text, about_background, catalogue
from kimchi_vision.results import headline
from kimchi_vision.results.history import overfits_from
from kimchi_vision.results.report import images
from kimchi_vision.results.report.answers import answers
from kimchi_vision.results.report.facts import flat, machine, question
from kimchi_vision.results.report.render import percent
from kimchi_vision.results.scores import recorded

if TYPE_CHECKING:
    import pandas as pd

    from kimchi_vision.results.predictions import Predictions
    from kimchi_vision.results.run import Run

TOP_LOSS_SIDE = 240
SHOWN_OTHERWISE = ("confusion_matrix", "top_losses", "reliability", "risk_coverage")
"""Figures that other sections of the page show, or whose content is there as text or photos."""
OF_PHOTOS = ("batch", "results")
"""Figures that show photos; the others are charts, which turn dark with the page."""


def view(run: Run, lang: Language) -> dict[str, Any]:
    """The template's values."""
    text = catalogue(lang)
    experiment_text = run.files.experiment.read_text(encoding="utf-8")
    predictions = run.predictions.part(run.metrics["split"])
    predictions = predictions.worst(len(predictions))
    small = _thumbnails(run, predictions)
    parts = _parts(run)
    return {
        "name": run.experiment.name,
        "question": question(run.experiment.question, experiment_text),
        "experiment_text": experiment_text,
        "run": run,
        "photos": len(predictions),
        "first": headline.accuracy(run),
        "answers": [*headline.sentences(run, text)[1:], *answers(run, text)],
        "scores": list(run.score.values()),
        "epochs": _epochs(run.history),
        "cells": _cells(predictions, small),
        "top_losses": _top_losses(run, predictions),
        "missing": len(small.missing),
        "left_out": len(small.left_out),
        "parts": parts,
        "test_openings": run.times_opened() if "test" in parts else None,
        "test": list(recorded(run.json(run.files.test_metrics)).values())
        if run.files.test_metrics.is_file()
        else [],
        "background": _background(run, text),
        "calibration": _calibration(run),
        "timings": _timings(run.metrics),
        "figures": _figures(run),
        "facts": dict(flat({key: run.metrics.get(key, {}) for key in ("model", "train")})),
        "environment": dict(flat(run.json_if(run.files.versions))),
        "texts": _texts(run),
    }


def _epochs(history: pd.DataFrame) -> dict[str, Any] | None:
    if history.empty:
        return None
    columns = [name for name in history.columns if name != "kept"]
    rows = history.to_dict("records")
    return {"columns": columns, "rows": rows, "overfits_from": overfits_from(history)}


def _thumbnails(run: Run, predictions: Predictions) -> images.Thumbnails:
    """Wrong ones come first: they are what people open."""
    rows = predictions.where(np.argsort(predictions.right, kind="stable"))
    return images.thumbnails(dict(zip(rows.paths, run.photos.files(rows.table), strict=True)))


def _cells(predictions: Predictions, small: images.Thumbnails) -> list[dict[str, Any]]:
    """The photos as the page's script wants them; actual and predicted are places in the vocab."""
    columns = (predictions.truth, predictions.answers, predictions.confidence, predictions.loss)
    return [
        {
            "path": path,
            "actual": int(actual),
            "predicted": int(predicted),
            "probability": percent(sure),
            "loss": f"{loss:.2f}",
            "picture": small.pictures.get(path),
        }
        for path, actual, predicted, sure, loss in zip(predictions.paths, *columns, strict=True)
    ]


def _background(run: Run, text: Text) -> dict[str, Any] | None:
    """What background.json says, with its sentences."""
    found = run.json_if(run.files.background)
    if not found:
        return None
    return {**found, "sentences": about_background(found, text)}


def _top_losses(run: Run, predictions: Predictions) -> list[dict[str, Any]]:
    """Photos with what the model says, and where it looks if that was drawn."""
    worst = predictions.of(run.metrics["top_losses"])
    items = run.items.set_index("path", drop=False).loc[worst.paths]
    contents, files = run.photos.contents(items), run.photos.files(items)
    return [
        {
            **{name: row[name] for name in ("path", "truth", "predicted", "loss")},
            "probability": sure,
            "picture": images.photo(file, TOP_LOSS_SIDE),
            "overlay": images.photo(run.files.overlay(content), TOP_LOSS_SIDE),
        }
        for row, sure, content, file in zip(
            worst.table.to_dict("records"), worst.confidence, contents, files, strict=True
        )
    ]


def _parts(run: Run) -> dict[str, dict[str, int]]:
    """Photos of each class by part: part → class → photos."""
    items = run.items
    found = [part for part in ("train", "valid", "test") if (items["split"] == part).any()]
    counts = {part: items["label"][items["split"] == part].value_counts() for part in found}
    return {part: {name: int(counts[part].get(name, 0)) for name in run.vocab} for part in found}


def _calibration(run: Run) -> dict[str, Any] | None:
    """What calibration.json says, and its figures."""
    if not run.calibration:
        return None
    files = [run.files.figure(name) for name in ("reliability", "risk_coverage")]
    figures = [
        {"key": f"figure_{file.stem}", "source": images.figure(file, of_photos=False)}
        for file in files
        if file.is_file()
    ]
    return {**run.calibration, "figures": figures}


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


def _figures(run: Run) -> list[dict[str, Any]]:
    found = [path for path in run.files.drawn() if not path.stem.startswith(SHOWN_OTHERWISE)]
    return [
        {"key": f"figure_{path.stem}", "of_photos": of_photos, "source": images.figure(path, of_photos)}
        for path in found
        for of_photos in [path.stem in OF_PHOTOS]
    ]


def _texts(run: Run) -> dict[str, str]:
    files = {"classification_report": run.files.classification_report, "summary": run.files.summary}
    return {name: path.read_text(encoding="utf-8") for name, path in files.items() if path.is_file()}
