"""Whether backgrounds decide, from what a network answers with and without them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scipy import stats

from kimchi_vision.compare.intervals import wilson
from kimchi_vision.compare.paired import LEVEL
from kimchi_vision.compare.pairs import Row, judge

if TYPE_CHECKING:
    import pandas as pd

VERSIONS = ("whole", "background", "food", "blurred", "swapped")


def background_reliance(answers: pd.DataFrame) -> dict[str, Any]:
    """Accuracy of each version with its 95 % interval, and a verdict.

    answers: as explain.answers gives them. Returns photos, mask (how the food was found), chance (share of
    the largest class), VERSIONS → accuracy and accuracy_interval, drop and drop_interval (whole minus
    swapped), outside (mean share of Grad-CAM's mass on backgrounds, or None), and verdict: `decides` when
    backgrounds alone are named better than by chance (binomial test) and foreign backgrounds cost accuracy
    (paired test), `does not` when neither is seen, `in part` when one of them is. Without boxes it is
    `cannot tell`: what a rough mask calls background may hold food.
    """
    right = {name: (answers[name] == answers["truth"]).to_numpy() for name in VERSIONS}
    photos = len(answers)
    chance = float(answers["truth"].value_counts(normalize=True).max())
    pair = judge([Row("whole", right["whole"][None]), Row("swapped", right["swapped"][None])], margin=0.0)[0]
    sign = 1 if pair.first == "whole" else -1
    alone = int(right["background"].sum())
    tells = stats.binomtest(alone, photos, chance, alternative="greater").pvalue < LEVEL
    costs = pair.verdict == "better" and sign > 0
    outside = answers["outside"].dropna()
    mask = "box" if (answers["mask"] == "box").all() else "grabcut"
    verdict = {2: "decides", 1: "in part", 0: "does not"}[int(tells) + int(costs)]
    return {
        "photos": photos,
        "mask": mask,
        "chance": chance,
        **{
            name: {"accuracy": float(hits.mean()), "accuracy_interval": wilson(hits.mean(), photos).tolist()}
            for name, hits in right.items()
        },
        "drop": sign * pair.difference,
        "drop_interval": sorted([sign * pair.low, sign * pair.high]),
        "outside": float(outside.mean()) if len(outside) else None,
        "verdict": verdict if mask == "box" else "cannot tell",
    }
