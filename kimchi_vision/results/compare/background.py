"""How far a run's answers rest on backgrounds, from what it said about photos with other backgrounds."""

import numpy as np
import pandas as pd
from scipy import stats

from kimchi_vision.base.plain import Json
from kimchi_vision.results.compare import paired
from kimchi_vision.results.intervals import wilson

CONDITIONS = ("plain", "food_only", "blurred", "background_only", "same", "other")
LITTLE = 0.1
"""A difference in accuracy below which backgrounds are said to matter little."""


def background_reliance(answers: pd.DataFrame) -> Json:
    """Accuracies and differences with 95 % intervals, ready for JSON.

    answers: as explain.backgrounds has them.
    photos; masks: photos by where the mask is from; chance: accuracy of always saying the commonest class.
    conditions: name → photos, accuracy and accuracy_interval (Wilson), and against the same photos as they
    are: change and change_interval (Tango).
    gap: accuracy on backgrounds of the own class minus on those of other classes, paired, with gap_interval.
    followed: share of photos that get the class of the other background instead of their own.
    outside: mean share of the Grad-CAM map outside the food; area: mean share of the pixels there.
    verdict: `little` when the gap's interval is below LITTLE, `relies` when it is above 0, else
    `cannot tell`; `no boxes` where masks are guessed: what a segmentation misses of the food makes a gap.
    Entries are None where no photo tells.
    """
    right = {name: answers[name] == answers["truth"] for name in CONDITIONS}
    both = (answers["same"] != "") & (answers["other"] != "")
    gap, interval = _difference(right["same"][both], right["other"][both])
    apart = answers[answers["other"] != ""]
    followed = _share(apart["other"] == apart["other_class"])
    return {
        "photos": len(answers),
        "masks": {str(kind): int(count) for kind, count in answers["mask"].value_counts().items()},
        "chance": float(answers["truth"].value_counts(normalize=True).max()),
        "conditions": {name: _condition(answers[name], right[name], right["plain"]) for name in CONDITIONS},
        "gap": gap,
        "gap_interval": interval,
        "followed": followed[0],
        "followed_interval": followed[1],
        **_attention(answers),
        "verdict": _verdict(interval, boxed=bool((answers["mask"] == "box").all())),
    }


def _condition(said: pd.Series, right: pd.Series, plain: pd.Series) -> Json:
    asked = said != ""
    accuracy, interval = _share(right[asked])
    change, around = _difference(right[asked], plain[asked])
    return {
        "photos": int(asked.sum()),
        "accuracy": accuracy,
        "accuracy_interval": interval,
        "change": change,
        "change_interval": around,
    }


def _share(hits: pd.Series) -> tuple[float, list[float]] | tuple[None, None]:
    if hits.empty:
        return None, None
    return float(hits.mean()), wilson(hits.mean(), len(hits)).tolist()


def _difference(first: pd.Series, second: pd.Series) -> tuple[float, list[float]] | tuple[None, None]:
    if first.empty:
        return None, None
    counts = int((first & ~second).sum()), int((second & ~first).sum())
    interval = paired.difference_interval(*counts, len(first)).tolist()
    return (counts[0] - counts[1]) / len(first), interval


def _attention(answers: pd.DataFrame) -> Json:
    """Mean share of the map outside the food; its interval is Student's."""
    shares = answers["outside"].dropna().to_numpy(float)
    if len(shares) < 2:
        return {"outside": None, "outside_interval": None, "area": None}
    half = float(stats.t.ppf(0.975, len(shares) - 1) * shares.std(ddof=1) / np.sqrt(len(shares)))
    mean = float(shares.mean())
    return {
        "outside": mean,
        "outside_interval": [max(mean - half, 0.0), min(mean + half, 1.0)],
        "area": float(answers["area"].mean()),
    }


def _verdict(interval: list[float] | None, boxed: bool) -> str:
    if not boxed:
        return "no boxes"
    if interval is None:
        return "cannot tell"
    if interval[0] > 0:
        return "relies"
    return "little" if interval[1] < LITTLE else "cannot tell"
