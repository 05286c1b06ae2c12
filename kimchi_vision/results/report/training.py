"""How the training went: which epoch is kept and why, and its curves."""

import pandas as pd

from kimchi_vision.base.messages import TEXTS, Text
from kimchi_vision.base.numbers import number
from kimchi_vision.base.plain import Json
from kimchi_vision.results.candidates import overfits_from
from kimchi_vision.results.report import charts
from kimchi_vision.results.run import Run
from kimchi_vision.results.scores import METRICS


def view(run: Run, text: Text) -> Json | None:
    """Sentences, charts and the table of epochs; None where nothing was trained, as in a pool of folds."""
    history = run.history
    if history.empty:
        return None
    columns = [name for name in history.columns if name != "kept"]
    return {
        "sentences": sentences(run, text),
        "charts": [*_curves(run, text), *_rates(run, text)],
        "columns": columns,
        "rows": [
            {**{name: _of_epoch(row[name], name, text) for name in columns}, "kept": row["kept"]}
            for row in history.to_dict("records")
        ],
    }


def sentences(run: Run, text: Text) -> list[str]:
    """Which epoch is kept and why, whether it overfits, and why two losses differ."""
    history, train = run.history, run.experiment.train
    if not history["kept"].any():
        return [text("kept_start")]
    kept = int(history["kept"].to_numpy(dtype=bool).argmax())
    if train.keep == "best":
        name = text(train.monitor) if train.monitor in TEXTS else train.monitor
        value = _shown(train.monitor, float(history[train.monitor].iloc[kept]))
        said = [text("kept_best", epoch=kept + 1, epochs=len(history), monitor=name, value=value)]
    else:
        lowest = int(history["valid_loss"].to_numpy().argmin()) + 1
        said = [text("kept_last", epoch=kept + 1, lowest=lowest)]
    first = overfits_from(history)
    if first is not None:
        said.append(text("overfits", epoch=first))
    if train.label_smoothing:
        said.append(text("two_losses", smoothing=f"{train.label_smoothing:g}"))
    return said


def _curves(run: Run, text: Text) -> list[charts.Chart]:
    """The losses, and beside them the score that people ask for first."""
    history = run.history
    epochs = charts.whole(1, len(history), "{:.0f}".format)
    marked = (int(history["kept"].to_numpy(dtype=bool).argmax()) + 1, text("kept"))
    shared = {"x": epochs, "x_title": text("epoch"), "marked": marked if history["kept"].any() else None}
    losses = [_series(history, "valid_loss", "own", text), _series(history, "train_loss", "other", text)]
    values = [point[1] for each in losses for point in each.points]
    drawn = [
        charts.Chart(text("figure_losses"), y=charts.axis(values, "{:g}".format), series=losses, **shared)
    ]
    monitor = run.experiment.train.monitor
    name = monitor if monitor in METRICS and METRICS[monitor].unit == "share" else "accuracy"
    if name in history:
        line = _series(history, name, "own", text)
        span = charts.shares([y for _, y, _ in line.points])
        drawn.append(charts.Chart(text("by_epoch", score=text(name)), y=span, series=[line], **shared))
    return drawn


def _series(history: pd.DataFrame, column: str, kind: str, text: Text) -> charts.Series:
    name = text(column)
    points = [
        (epoch, float(value), f"{text('epoch')} {epoch}: {name} {_shown(column, float(value))}")
        for epoch, value in enumerate(history[column], 1)
    ]
    return charts.Series(name, points, kind)


def _rates(run: Run, text: Text) -> list[charts.Chart]:
    """The curve of lr_find, where there is one."""
    if not run.files.lr_find.is_file():
        return []
    steps = run.table(run.files.lr_find)[["lr", "loss"]].astype(float).dropna()
    if len(steps) < 2:
        return []
    points = [(lr, loss, f"{lr:.2e}: {loss:.3f}") for lr, loss in steps.itertuples(index=False)]
    curve = charts.Series(text("train_loss"), points)
    drawn = {"x": charts.rates(steps["lr"]), "y": charts.axis(steps["loss"], "{:g}".format)}
    return [charts.Chart(text("figure_lr_find"), x_title=text("lr"), series=[curve], **drawn)]


def _shown(name: str, value: float) -> str:
    return METRICS[name].shown(value) if name in METRICS else number(round(value, 4))


def _of_epoch(value: object, column: str, text: Text) -> str:
    """A value of the table, with the same number of digits all down its column."""
    if not isinstance(value, float):
        return str(value).replace(", frozen", f", {text('frozen')}")
    kind = ".1e" if column.startswith("lr") else ".1f" if column == "seconds" else ".4f"
    return f"{value:{kind}}"
