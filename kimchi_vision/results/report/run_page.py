"""What the page about one run shows, and what pages say of an experiment and its machine."""

from collections.abc import Mapping, Sequence

import numpy as np

from kimchi_vision.base.messages import TEXTS, Language, Text, catalogue
from kimchi_vision.base.numbers import percent, with_ends
from kimchi_vision.base.plain import Json, leaves
from kimchi_vision.data import images
from kimchi_vision.results import embedding, headline
from kimchi_vision.results.compare.background import about_background
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.report import calibration, charts, decision, training
from kimchi_vision.results.run import Run
from kimchi_vision.results.scores import Score

OVERLAY_SIDE = 160


def view(run: Run, lang: Language) -> Json:
    """The template's values. sections: the ids of those that have something to show, in order."""
    text = catalogue(lang)
    experiment_text = run.files.experiment.read_text(encoding="utf-8")
    predictions = run.answers.worst(len(run.answers))
    small = _thumbnails(run, predictions)
    parts, batch = _parts(run), run.files.figure("batch")
    totals = {name: sum(counts[name] for counts in parts.values()) for name in run.vocab}
    found = {
        "decision": decision.view(run, predictions, text),
        "confusion": {
            "classes": _classes(run, text),
            "about": list(decision.classes(run, text)),
            "charts": calibration.curves(predictions, run.mistakes, text),
        },
        "errors": {"photos": _cells(run, predictions, small)},
        "map": _map(run, predictions.paths),
        "training": training.view(run, text),
        "background": _background(run, text),
        "calibration": calibration.view(run, text),
        "test": _test(run) if "test" in parts else None,
        "data": {
            "parts": parts,
            "totals": totals,
            "batch": images.figure(batch) if batch.is_file() else None,
        },
        "timings": speed if (speed := timings(run.metrics))["measured"] else None,
        "details": {"scores": _scores(run), "facts": plain(run, text), "files": _texts(run)},
    }
    return {
        "name": run.experiment.name,
        "over": headline.over(run, text),
        "question": question(run.experiment.question, experiment_text),
        "experiment_text": experiment_text,
        "run": run,
        "photos": len(predictions),
        "missing": sum(picture is None for picture in small.values()),
        "left_out": len(predictions) - len(small),
        "found": {name: each for name, each in found.items() if each},
    }


def _thumbnails(run: Run, predictions: Predictions) -> dict[str, str | None]:
    """Wrong ones come first: they are what people open."""
    rows = predictions.where(np.argsort(predictions.right, kind="stable"))
    return images.thumbnails(dict(zip(rows.paths, run.photos.files(rows.table), strict=True)))


def _cells(run: Run, predictions: Predictions, small: Mapping[str, str | None]) -> list[Json]:
    """The photos as the page's script wants them; actual and predicted are places in the vocab."""
    columns = (predictions.truth, predictions.answers, predictions.confidence, predictions.loss)
    # Where the network looks, of the photos for which that was drawn.
    worst = predictions.of(run.metrics["top_losses"])
    drawn = zip(worst.paths, run.photos.files(worst.table), strict=True)
    drawn = {path: run.files.overlay(photo.content) for path, photo in drawn}
    found = {path: images.photo(file, OVERLAY_SIDE) for path, file in drawn.items() if file.is_file()}
    overlays = {path: picture for path, picture in found.items() if picture}
    return [
        {
            "path": path,
            "actual": int(actual),
            "predicted": int(predicted),
            "sure": round(float(sure), 4),
            "probability": percent(sure),
            "loss": f"{loss:.2f}",
            "picture": small.get(path),
            **({"overlay": overlays[path]} if path in overlays else {}),
        }
        for path, actual, predicted, sure, loss in zip(predictions.paths, *columns, strict=True)
    ]


def _map(run: Run, paths: Sequence[str]) -> Json | None:
    """Points of the map of photos: number of the cell, place, and numbers of the most similar points."""
    if not run.files.embedding.is_file():
        return None
    return {"points": embedding.points(run.table(run.files.embedding), paths)}


def _classes(run: Run, text: Text) -> charts.Intervals:
    """Recall and precision of each class with intervals, the worst recall first."""
    classes = run.mistakes["classes"]
    rows = []
    for name in sorted(classes, key=lambda name: (classes[name]["recall"], name)):
        own = classes[name]
        marks = []
        for kind, key in (("own", "recall"), ("other", "precision")):
            interval = own.get(f"{key}_interval")
            if interval:
                tip = f"{text(key)} {with_ends(own[key], *interval)}"
                marks.append(charts.Mark(own[key], *interval, kind, tip))
        found = round(own["recall"] * own["support"])
        rows.append(
            charts.Row(name, marks, "  ·  ".join(mark.tip for mark in marks), f"{found}/{own['support']}")
        )
    return charts.Intervals.of(rows, 1.0)


def _background(run: Run, text: Text) -> Json | None:
    """What background.json says, with its sentences."""
    found = run.json_if(run.files.background)
    if not found:
        return None
    rows = []
    for name, own in found["conditions"].items():
        if own["accuracy"] is not None:
            mark = "baseline" if name == "plain" else "own", own["accuracy"], own["accuracy_interval"]
            rows.append(charts.Row.of(text(f"condition_{name}"), *mark))
    sentences = [text(key, **values) for key, values in about_background(found)]
    return {"sentences": sentences, "conditions": charts.Intervals.of(rows, found["chance"])}


def _parts(run: Run) -> dict[str, dict[str, int]]:
    """Photos of each class by part: part → class → photos."""
    items = run.items
    found = [part for part in ("train", "valid", "test") if (items["split"] == part).any()]
    counts = {part: items["label"][items["split"] == part].value_counts() for part in found}
    return {part: {name: int(counts[part].get(name, 0)) for name in run.vocab} for part in found}


def _test(run: Run) -> Json:
    scored = run.scored("test") if run.files.test_metrics.is_file() else {}
    return {"openings": run.times_opened(), "scores": list(scored.values())}


def _scores(run: Run) -> list[tuple[Score, Score | None]]:
    """All but what another says already: the error rate, and a top-k score of no more classes than k.

    Each with that of the validation photos, where it is over others.
    """
    silent = {"error_rate", *(["top_k_accuracy"] if run.metrics["top_k"] >= len(run.vocab) else [])}
    found, beside = run.scored(run.mistakes["split"]), run.score if run.mistakes is not run.metrics else {}
    return [(score, beside.get(name)) for name, score in found.items() if name not in silent]


def _texts(run: Run) -> dict[str, str]:
    """What other libraries wrote, in their words, beside the page: key of its title → file."""
    files = {"classification_report": run.files.classification_report, "summary": run.files.summary}
    return {name: path.name for name, path in files.items() if path.is_file()}


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


def machine(metrics: Json) -> str | None:
    """Where speed and memory were measured."""
    found = metrics.get("machine")
    return f"{found['processor']} ({found['cores']})" if found else None


def timings(metrics: Json) -> Json:
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


def plain(run: Run, text: Text) -> dict[str, Json]:
    """Model and training, and the machine that made them: title → what a line is called → its value."""
    known = {key: run.metrics.get(key, {}) for key in ("model", "train")}
    versions = dict(run.json_if(run.files.versions))
    packages = ", ".join(f"{name} {version}" for name, version in versions.pop("packages", {}).items())
    return {
        text("facts"): _named(flat(known), text),
        text("environment"): _named({**versions, **({"packages": packages} if packages else {})}, text),
    }


def flat(tree: Json) -> Json:
    """Values under dotted names; lists are joined, what is not set is left out."""
    set_ones = {key: value for key, value in leaves(tree) if value is not None}
    return {key: ", ".join(map(str, v)) if isinstance(v, list) else v for key, v in set_ones.items()}


def _named(values: Mapping[str, object], text: Text) -> Json:
    return {text(f"fact_{key}") if f"fact_{key}" in TEXTS else key: value for key, value in values.items()}
