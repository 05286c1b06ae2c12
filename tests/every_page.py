"""Every page that the program writes, over runs that were never trained, with all that a page can hold."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from kimchi_vision import data
from kimchi_vision.base.files import write_json, write_table
from kimchi_vision.config.sections import Calibrate, Data, Report
from kimchi_vision.data import page as data_page
from kimchi_vision.data.audit import audit
from kimchi_vision.results import calibrate, compare, embedding, report
from kimchi_vision.results.report import charts, pictures
from kimchi_vision.results.run import Run
from tests.fake_runs import fake_run

MEASURED = {
    "latency_ms": {"p50": 12.3, "p95": 20.1},
    "photos_per_second": 81.2,
    "peak_memory_mb": 512.0,
    "machine": {"processor": "Any processor", "cores": 2},
}


def written(folder: Path, photos: Path, lang: str) -> dict[str, Path]:
    """Name → page: reports of three runs over class folders of photos, and what stands over them."""
    items = data.load(Data(path=photos, splitter="stratified", valid_pct=0.5), folder)
    full = _measured(fake_run(folder / "full", items, skill=2, goals={"accuracy": 0.5}))
    other = fake_run(folder / "other", items, skill=2, seed=1, model={"backbone": "resnet50"})
    same = fake_run(folder / "same", items, skill=2)
    pages = {"report": report.write(full, Report(lang=lang)), "bare": report.write(same, Report(lang=lang))}
    curve = {"train_photos": [40, 160, 400], "accuracy": [0.4, 0.6, 0.7]}
    write_table(folder / "learning_curve.csv", pd.DataFrame({**curve, "low": [0.3, 0.5, None], "high": 0.8}))
    for name, runs in {"compare": [full, other], "equal": [full, same], "three": [full, other, same]}.items():
        pages[name] = compare.compare(runs, lang=lang).write(folder / f"{name}.html")
    found = audit(photos, folder / "audit")
    pages["data"] = folder / "data.html"
    data_page.write(found, pages["data"], lang, _map(found.photos))
    pages["drift"] = folder / "drift.html"
    pictures.write(pages["drift"], _pictures(full, lang), lang)
    return pages


def _measured(run: Run) -> Run:
    """A run with what background, similar, calibration, export and evaluate --test add to its folder."""
    shares = {"photos": 60, "accuracy": 0.9, "accuracy_interval": [0.8, 1.0]}
    conditions = {"same": shares, "other": {**shares, "accuracy": 0.5, "accuracy_interval": [0.3, 0.7]}}
    background = {"photos": 60, "masks": {"box": 60}, "chance": 0.5, "conditions": conditions, "gap": 0.4}
    background |= {"gap_interval": [0.3, 0.5], "verdict": "relies"}
    write_json(run.files.background, background | dict.fromkeys(("followed", "outside", "area")))
    gain = {"accuracy": 0.5, "accuracy_interval": [0.4, 0.6], "gain": 0.05, "gain_interval": [0.01, 0.09]}
    metrics = run.json(run.files.metrics)
    write_json(run.files.metrics, {**metrics, **MEASURED, "floor": {**gain, "verdict": "above"}})
    write_json(run.files.calibration, calibrate.fit(Calibrate(), run.predictions.part("valid")))
    paths = run.predictions.paths
    features = np.random.default_rng(0).normal(size=(len(paths), 8))
    write_table(run.files.embedding, embedding.laid_out(features, paths))
    return Run(run.path)


def _map(photos) -> dict:
    """As jobs.seeing.map_of gives it, with places from a seed."""
    classes = sorted(set(photos["label"]))
    cells = [
        {"path": row.path, "actual": classes.index(row.label), "predicted": classes.index(row.label)}
        for row in photos.itertuples()
    ]
    near = np.random.default_rng(0).random((len(cells), 2))
    points = [(n, float(x), float(y), [(n + 1) % len(cells)]) for n, (x, y) in enumerate(near)]
    return {"classes": classes, "cells": cells, "points": points}


def _pictures(run: Run, lang: str) -> pictures.Page:
    """Photos in a group under a plot, as drift and similar write them."""
    rows = [
        charts.Row(
            name,
            [charts.Mark(0.3, 0.2, 0.4, "baseline", "30 %"), charts.Mark(0.5, 0.4, 0.6, "own", "50 %")],
            "30 % → 50 %",
        )
        for name in run.vocab
    ]
    shown = run.photos.files(run.items.iloc[:8])
    group = [
        pictures.Picture(photo, "A 91 %", str(photo), wrong=place == 0) for place, photo in enumerate(shown)
    ]
    plot = ("A", charts.Intervals.of(rows))
    legend = {"baseline": "B", "own": "C"}
    return pictures.Page("D", "E.", ["F."], [pictures.Group("G", group)], plot, legend)


if __name__ == "__main__":
    for name, page in written(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]).items():
        print(name, page)
