"""What the page over several runs shows."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

import numpy as np
import pandas as pd

from kimchi_vision.base.files import TABLE_ENCODING
from kimchi_vision.base.messages import Text
from kimchi_vision.base.numbers import percent, with_ends
from kimchi_vision.base.plain import Json
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.results import goals
from kimchi_vision.results.choices import Winner
from kimchi_vision.results.compare.runs import accuracy, common
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.report import charts, pictures
from kimchi_vision.results.report.run_page import flat, machine, question
from kimchi_vision.results.run import Run
from kimchi_vision.results.scores import over_runs

FLIPPED = 36
"""Photos that only one of two runs has right, shown for each."""
EXPECTED_TO_DIFFER = ("name", "question")


def view(
    rows: Mapping[str, Sequence[Run]],
    page: Path,
    verdicts: Sequence[str],
    say: Text,
    won: Winner | None = None,
) -> Json:
    """The template's values. page: the file that will hold it, for its name and links to the runs' pages.

    Raises InputError when a run folder has no metrics.json, predictions.csv or experiment.yaml.
    """
    folder = page.parent
    experiments = {name: runs[0].experiment.resolved() for name, runs in rows.items()}
    every = [run for runs in rows.values() for run in runs]
    part = common(every)
    scored = [run.scored(part) for run in every]
    names = [name for name in scored[0] if all(name in each for each in scored)]
    names = [name for name in names if name != "error_rate"]  # accuracy says it
    other_photos = [run.path.name for run in every if run.scored_photos != every[0].scored_photos]
    return {
        "name": folder.resolve().name if page.name == RunFiles.report.name else page.stem,
        "verdicts": list(verdicts),
        "part": part,
        "photos": scored[0]["accuracy"].n,
        "won": _won(won, rows, part, say),
        "plot": _plot(rows, folder, part),
        "charts": [each for each in (_cost(every, part, say), _learning(folder, say)) if each],
        "flips": [] if other_photos else _flips(rows, part, say),
        "rows": [_row(name, runs, folder, names, part) for name, runs in rows.items()],
        "scores": tuple(names),
        "differences": _differences(experiments),
        "decision": _decision(folder, say),
        "machine": "; ".join(dict.fromkeys(filter(None, (machine(run.metrics) for run in every)))) or None,
        "on_other_photos": other_photos,
    }


def _won(won: Winner | None, rows: Mapping[str, Sequence[Run]], part: str, say: Text) -> Json | None:
    """The number that the winner can be held to: of test photos where it has some, else the corrected one."""
    if won is None:
        return None
    runs = rows[won.name]
    if all(run.files.test_metrics.is_file() for run in runs):
        return {"name": won.name, "accuracy": accuracy(runs, "test"), "part": say("test")}
    return {"name": won.name, "accuracy": won.accuracy, "part": say("corrected", part=say(part))}


def _plot(rows: Mapping[str, Sequence[Run]], folder: Path, part: str) -> charts.Intervals:
    """Accuracy of each row with its interval over photos and seeds, the highest first."""
    scores = {name: accuracy(runs, part) for name, runs in rows.items()}
    best, drawn = max(each.value for each in scores.values()), []
    for name, each in sorted(scores.items(), key=lambda pair: -pair[1].value):
        kind = "own" if each.value == best else "other"
        drawn.append(charts.Row.of(name, kind, each.value, each.interval, _link(rows[name][0], folder)))
    return charts.Intervals.of(drawn)


def _cost(runs: Sequence[Run], part: str, say: Text) -> charts.Chart | None:
    """Accuracy against the median time of a photo, of the runs for which that was measured."""
    timed = [(run, (run.metrics.get("latency_ms") or {}).get("p50")) for run in runs]
    timed = [(run, run.scored(part)["accuracy"], milliseconds) for run, milliseconds in timed if milliseconds]
    if len(timed) < 2:
        return None
    best = max(score.value for _, score, _ in timed)
    series = []
    for run, score, milliseconds in timed:
        kind, ends = "own" if score.value == best else "other", score.interval or 2 * [score.value]
        point = (milliseconds, score.value, f"{run.name}: {score}, {milliseconds:.1f} ms")
        series.append(charts.Series(run.name, [point], kind, line=False, ends=[ends]))
    y = charts.shares([end for each in series for end in each.ends[0]])
    x = charts.axis([0.0, *(milliseconds for *_, milliseconds in timed)], "{:g}".format)
    return charts.Chart(say("accuracy_cost"), x, y, say("decision_p50_ms"), series, names=True)


def _learning(folder: Path, say: Text) -> charts.Chart | None:
    """Accuracy against the number of training photos, where `learning-curve` measured that."""
    file = folder / "learning_curve.csv"
    if not file.is_file():
        return None
    points = pd.read_csv(file, encoding=TABLE_ENCODING)
    drawn, ends = [], []
    for row in points.itertuples():
        known = np.isfinite(row.low) and np.isfinite(row.high)
        ends.append([row.low, row.high] if known else 2 * [row.accuracy])
        shown = with_ends(row.accuracy, row.low, row.high) if known else percent(row.accuracy)
        drawn.append((row.train_photos, row.accuracy, f"{row.train_photos:,}: {shown}"))
    x, y = charts.counts(points["train_photos"]), charts.shares([end for both in ends for end in both])
    series = [charts.Series(say("accuracy"), drawn, ends=ends)]
    return charts.Chart(say("learning_curve"), x, y, say("train_photos_column"), series)


def _flips(rows: Mapping[str, Sequence[Run]], part: str, say: Text) -> list[Json]:
    """The best row against each other: photos that only one of the two has right, of their first runs.

    Pictures of them where there are two rows: with more a page would not hold them.
    """
    first = {name: runs[0] for name, runs in rows.items()}
    best = max(first, key=lambda name: first[name].scored(part)["accuracy"].value)
    ours = first[best].predictions.part(part)
    found = []
    for name, run in first.items():
        theirs = run.predictions.part(part)
        if name != best and set(ours.paths) <= set(theirs.paths):
            theirs = theirs.of(ours.paths)
            gained, lost = ours.right & ~theirs.right, theirs.right & ~ours.right
            said = {"best": best, "other": name, "gained": int(gained.sum()), "lost": int(lost.sum())}
            groups = [
                _flipped(run, say("flips_right", name=right), wrong.where(which))
                for right, wrong, which in ((best, theirs, gained), (name, ours, lost))
                if len(first) == 2 and which.any()
            ]
            found.append({**said, "groups": list(pictures.view(groups))})
    return found


def _flipped(run: Run, heading: str, wrong: Predictions) -> pictures.Group:
    """Photos that one run has wrong and the other right, the surest mistakes first."""
    wrong = wrong.where(np.argsort(-wrong.confidence, kind="stable")[:FLIPPED])
    shown = [
        pictures.Picture(
            photo, f"{row.predicted} {percent(sure)}", f"{row.truth} · {photo.path.name}", wrong=True
        )
        for photo, row, sure in zip(
            run.photos.files(wrong.table), wrong.table.itertuples(), wrong.confidence, strict=True
        )
    ]
    return pictures.Group(heading, shown)


def _row(name: str, runs: Sequence[Run], folder: Path, names: Sequence[str], part: str) -> Json:
    """Scores are (the score of a single run, or the mean over several, and their standard deviation)."""
    found = [run.metrics for run in runs]
    several, first = len(runs) > 1, runs[0]
    text = first.files.experiment.read_text(encoding="utf-8")
    seconds = [metrics.get("train", {}).get("seconds") for metrics in found]
    return {
        "name": name,
        "question": question(first.experiment.question, text)[:1],
        "reports": [(run.path.name, _link(run, folder)) for run in runs],
        "scores": [over_runs([run.scored(part)[key] for run in runs]) for key in names],
        "seeds": len(runs),
        "photos": first.scored(part)["accuracy"].n,
        "kept_epoch": None if several else found[0].get("train", {}).get("kept_epoch"),
        "train_seconds": None if None in seconds else mean(seconds),
        "parameters": found[0].get("model", {}).get("parameters"),
        "pkl_size": first.files.pkl.stat().st_size / 1e6 if first.files.pkl.is_file() else None,
    }


def _decision(folder: Path, say: Text) -> Json | None:
    """decision.csv: names of runs, and by title their values; lines without a value are left out."""
    file = folder / "decision.csv"
    if not file.is_file():
        return None
    options = {"dtype": {"run": str}, "keep_default_na": False, "na_values": [""], "encoding": TABLE_ENCODING}
    table = pd.read_csv(file, dtype_backend="numpy_nullable", **options)  # whole numbers stay whole
    return {"runs": list(table["run"]), "columns": goals.lines(table, say)}


def _link(run: Run, folder: Path) -> str | None:
    return Path(os.path.relpath(run.files.report, folder)).as_posix() if run.files.report.is_file() else None


def _differences(experiments: Json) -> dict[str, list[object]]:
    """Values by dotted key, one for each run, of the keys that are not the same in all."""
    plain = [flat(_without_lists(experiment)) for experiment in experiments.values()]
    keys = dict.fromkeys(key for values in plain for key in values)
    rows = {key: [values.get(key) for values in plain] for key in keys if key not in EXPECTED_TO_DIFFER}
    return {key: values for key, values in rows.items() if any(value != values[0] for value in values)}


def _without_lists(tree: object) -> object:
    """Lists as mappings from their places, so that each of their values has a dotted name."""
    if isinstance(tree, list):
        tree = {str(place): value for place, value in enumerate(tree, start=1)}
    if not isinstance(tree, dict):
        return tree
    return {key: _without_lists(value) for key, value in tree.items()}
