"""Is more data worth it, and of which class? Accuracy against training photos, drawn out to twice as many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import InputError
from kimchi_vision.results.compare import runs
from kimchi_vision.results.compare.pairs import Row
from kimchi_vision.results.compare.power_law import LEVEL, Fits, Redrawn, fit
from kimchi_vision.results.intervals import of_class


@dataclass(frozen=True)
class Learning:
    """A learning curve.

    points: columns share, train_photos, seeds, accuracy (mean), sd (over seeds), low, high (95 %).
    curve: columns train_photos, accuracy, low, high: the fitted power law, up to twice the photos.
    classes: columns class, train_photos, photos (validation), recall, low, high, and gain, gain_low,
    gain_high: what twice the photos would add to its recall (median of draws); the largest gain first.
    gain, low, high: what twice the photos would add to accuracy, with its 95 % interval.
    alike: classes whose gain cannot be told from that of the first.
    """

    points: pd.DataFrame
    curve: pd.DataFrame
    classes: pd.DataFrame
    gain: float
    low: float
    high: float
    alike: tuple[str, ...]


def learning(rows: Mapping[float, Sequence[Path]]) -> Learning:
    """The learning curve of run folders by their share of the training photos, several seeds or one.

    Intervals hold what drawing other validation photos, other training photos and other seeds would change;
    with one training a share, validation photos alone.
    Raises InputError for fewer than three shares, and when the validation photos differ.
    """
    if len(rows) < 3:
        raise InputError("A learning curve needs three shares of the training photos or more.")
    found = {share: [runs.read(path) for path in paths] for share, paths in sorted(rows.items())}
    runs.check_same_photos([each for several in found.values() for each in several])
    outcomes = [runs.row(str(share), several) for share, several in found.items()]
    right, units = [each.right for each in outcomes], outcomes[0].units
    truth = found[min(found)][0].photos["truth"].to_numpy()
    items = [several[0].run.items for several in found.values()]
    trained = [each["label"][each["split"] == "train"] for each in items]
    vocab = [label for label in found[min(found)][0].run.vocab if (truth == label).any()]
    counts = np.array([len(labels) for labels in trained], float)
    fits = fit(right, truth, units, vocab, counts)
    gains = fits.gains()
    low, high = np.quantile(gains[1:], [LEVEL / 2, 1 - LEVEL / 2])
    classes = _classes(outcomes[-1], truth, vocab, trained[-1], fits)
    return Learning(
        points=_points(list(found), counts, right, units),
        curve=_curve(fits, counts),
        classes=classes,
        gain=float(gains[0]),
        low=float(low),
        high=float(high),
        alike=tuple(fits.alike(vocab, classes["class"].iloc[0])),
    )


def _points(
    shares: list[float], counts: np.ndarray, right: Sequence[np.ndarray], units: np.ndarray
) -> pd.DataFrame:
    part = counts / counts[-1]
    redrawn = Redrawn.of(part, [each.mean(axis=1) for each in right])
    spans = [redrawn.interval(each, units, own)[1:] for each, own in zip(right, part, strict=True)]
    low, high = np.array(spans, float).T  # not a number where nothing can be said
    return pd.DataFrame(
        {
            "share": shares,
            "train_photos": counts.astype(int),
            "seeds": [len(each) for each in right],
            "accuracy": [each.mean() for each in right],
            "sd": [each.mean(axis=1).std(ddof=1) if len(each) > 1 else None for each in right],
            "low": low,
            "high": high,
        }
    )


def _curve(fits: Fits, counts: np.ndarray) -> pd.DataFrame:
    photos = np.geomspace(counts[0], 2 * counts[-1], 60)
    accuracy = fits.accuracy(photos / counts[-1])
    low, high = np.quantile(accuracy[1:], [LEVEL / 2, 1 - LEVEL / 2], axis=0)
    return pd.DataFrame({"train_photos": photos, "accuracy": accuracy[0], "low": low, "high": high})


def _classes(
    last: Row, truth: np.ndarray, vocab: Sequence[str], trained: pd.Series, fits: Fits
) -> pd.DataFrame:
    right, own = last.right.mean(axis=0), [truth == label for label in vocab]
    recalls, photos = [right[each].mean() for each in own], [int(each.sum()) for each in own]
    low, high = np.array([of_class(right[each], last.units[each]) for each in own]).T
    gain_low, gain, gain_high = np.quantile(fits.by_class[1:], [LEVEL / 2, 0.5, 1 - LEVEL / 2], axis=0)
    table = pd.DataFrame({"class": vocab, "train_photos": [int((trained == label).sum()) for label in vocab]})
    table = table.assign(photos=photos, recall=recalls, low=low, high=high)
    table = table.assign(gain=gain, gain_low=gain_low, gain_high=gain_high)
    return table.sort_values(["gain", "recall"], ascending=[False, True], ignore_index=True)
