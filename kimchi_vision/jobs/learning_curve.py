"""A learning curve: an experiment with shares of its training photos, each share a row of a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_table
from kimchi_vision.base.messages import Text, catalogue, language
from kimchi_vision.base.numbers import percent, points, with_ends
from kimchi_vision.config import Experiment, Row, Table
from kimchi_vision.jobs import table
from kimchi_vision.jobs.executor import Executor
from kimchi_vision.results import compare, plots, report

MARGIN = 0.01
"""A gain in accuracy that makes twice the photos worth it."""


def plan(experiment: Experiment, fractions: Sequence[float], seeds: Sequence[int] = ()) -> Table:
    """A row a share of the training photos, 0 to 1, smaller within larger; the validation photos stay.

    Raises InputError for fewer than three shares, or one that is none.
    """
    shares = sorted(set(fractions))
    if len(shares) < 3 or not all(0 < share <= 1 for share in shares):
        raise InputError(
            "--fractions {shares}: give three shares of the training photos or more, above 0 and at most "
            "1, such as 0.1 0.25 0.5 1.",
            shares=" ".join(f"{share:g}" for share in shares),
        )
    rows = []
    for share in shares:
        changed = experiment.replace(
            name=f"share-{share:g}", data={"train_share": share}, evaluate={"test": False, "folds": None}
        )
        # Only keys that were given count as given: a recipe sets the others.
        given = changed.model_dump(mode="json", exclude_unset=True)
        rows.append(Row.model_validate({**given, "seeds": tuple(seeds)}))
    return Table(name=f"{experiment.name}-learning-curve", rows=tuple(rows))


def learning_curve(
    planned: Table, exports: Path = Path("exports"), lang: str = "auto", on: Executor | None = None
) -> str:
    """Train what `plan` planned, and say whether more data is worth it, and of which class.

    learning_curve.csv, learning_classes.csv, learning_curve.png and report.html lie in exports/TABLE. Shares
    that are finished are not trained again. Errors as in table.run_rows and compare.learning.
    """
    say = catalogue(language(lang))
    finished = table.run_rows(planned, exports, on=on)
    folder = exports / planned.name
    shares = {row.name: row.data.train_share for row in planned.rows}
    found = compare.learning({shares[name]: runs for name, runs in finished.items()})
    write_table(folder / "learning_curve.csv", found.points)
    write_table(folder / "learning_classes.csv", found.classes)
    plots.save(plots.learning_curve(found.points, found.curve), folder / "learning_curve.png")
    said = sentences(found, say)
    page = report.write_table(finished, folder / "report.html", lang, said)
    shown = [_points(found.points, say), "", _classes(found.classes, say), "", *said, ""]
    return "\n".join([*shown, say("side_by_side", path=page)])


def sentences(found: compare.Learning, say: Text) -> list[str]:
    """Whether twice the photos are worth it, what that rests on, and which class comes first."""
    verdict = "not_worth_it" if found.high < MARGIN else "worth_unknown"
    if found.low >= MARGIN:
        verdict = "worth_it"
    photos = f"{2 * found.points['train_photos'].iloc[-1]:,}"
    said = [say(verdict, photos=photos, margin=say("point"), **_gap(found.gain, found.low, found.high))]
    seeds = found.points["seeds"]
    said.append(say("curve_seeds", trainings=seeds.sum()) if seeds.min() > 1 else say("curve_one_seed"))
    first = found.classes.iloc[0]
    gap = _gap(first["gain"], first["gain_low"], first["gain_high"])
    if first["gain"] <= 0 or len(found.alike) == len(found.classes) - 1:
        weakest = found.classes.sort_values("recall").iloc[0]
        span = {name: percent(weakest[name]) for name in ("recall", "low", "high")}
        return [*said, say("no_class_first"), say("weakest_class", name=weakest["class"], **span)]
    said.append(say("photograph", name=first["class"], **gap))
    return [*said, say("photograph_alike", names=", ".join(found.alike))] if found.alike else said


def _gap(gain: float, low: float, high: float) -> dict[str, str]:
    return {name: points(value) for name, value in (("gain", gain), ("low", low), ("high", high))}


def _points(points: pd.DataFrame, say: Text) -> str:
    rows = [
        [
            f"{row.share:g}",
            f"{row.train_photos:,}",
            percent(row.accuracy) + (f" ± {100 * row.sd:.1f} (n = {row.seeds})" if row.seeds > 1 else ""),
            "–" if pd.isna(row.low) else f"{percent(row.low)} – {percent(row.high)}",
        ]
        for row in points.itertuples()
    ]
    return _aligned(rows, ["share_column", "train_photos_column", "accuracy", "interval_column"], say)


def _classes(classes: pd.DataFrame, say: Text) -> str:
    rows = [
        [
            row["class"],
            f"{row.train_photos:,}",
            with_ends(row.recall, row.low, row.high),
            with_ends(row.gain, row.gain_low, row.gain_high, points),
        ]
        for _, row in classes.iterrows()
    ]
    return _aligned(rows, ["class", "train_photos_column", "recall", "gain_column"], say)


def _aligned(rows: list[list[str]], head: list[str], say: Text) -> str:
    table = pd.DataFrame(rows, columns=[say(key) for key in head])
    with pd.option_context("display.unicode.east_asian_width", True):
        return table.to_string(index=False)
