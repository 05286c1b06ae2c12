"""How far a run's answers rest on backgrounds, from what it said about photos with other backgrounds."""

import numpy as np
import pandas as pd
from scipy import stats

from kimchi_vision.base.numbers import percent, points
from kimchi_vision.base.plain import Json
from kimchi_vision.base.sentence import Note, noted
from kimchi_vision.results.compare import paired
from kimchi_vision.results.intervals import Estimate, named, wilson

CONDITIONS = ("plain", "food_only", "blurred", "background_only", "same", "other")
LITTLE = 0.1
"""A difference in accuracy below which backgrounds are said to matter little."""
ADVISED = ("background_no_boxes", "background_relies")
"""Verdicts with something to do next."""


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
    gap = _difference(right["same"][both], right["other"][both])
    apart = answers[answers["other"] != ""]
    return {
        "photos": len(answers),
        "masks": {str(kind): int(count) for kind, count in answers["mask"].value_counts().items()},
        "chance": float(answers["truth"].value_counts(normalize=True).max()),
        "conditions": {name: _condition(answers[name], right[name], right["plain"]) for name in CONDITIONS},
        **named("gap", gap),
        **named("followed", _share(apart["other"] == apart["other_class"])),
        **named("outside", _attention(answers)),
        "area": float(answers["area"].mean()) if answers["outside"].count() > 1 else None,
        "verdict": _verdict(gap, boxed=bool((answers["mask"] == "box").all())),
    }


def _condition(said: pd.Series, right: pd.Series, plain: pd.Series) -> Json:
    asked = said != ""
    accuracy, change = _share(right[asked]), _difference(right[asked], plain[asked])
    return {"photos": int(asked.sum()), **named("accuracy", accuracy), **named("change", change)}


def _share(hits: pd.Series) -> Estimate | None:
    return None if hits.empty else Estimate(float(hits.mean()), *wilson(hits.mean(), len(hits)).tolist())


def _difference(first: pd.Series, second: pd.Series) -> Estimate | None:
    if first.empty:
        return None
    counts = int((first & ~second).sum()), int((second & ~first).sum())
    ends = paired.difference_interval(*counts, len(first)).tolist()
    return Estimate((counts[0] - counts[1]) / len(first), *ends)


def _attention(answers: pd.DataFrame) -> Estimate | None:
    """Mean share of the map outside the food; its interval is Student's."""
    shares = answers["outside"].dropna().to_numpy(float)
    if len(shares) < 2:
        return None
    half = float(stats.t.ppf(0.975, len(shares) - 1) * shares.std(ddof=1) / np.sqrt(len(shares)))
    mean = float(shares.mean())
    return Estimate(mean, max(mean - half, 0.0), min(mean + half, 1.0))


def _verdict(gap: Estimate | None, boxed: bool) -> str:
    if not boxed:
        return "no boxes"
    if gap is not None and gap.low > 0:
        return "relies"
    return "little" if gap is not None and gap.high < LITTLE else "cannot tell"


def about_background(found: Json) -> list[Note]:
    """What background.json says, in sentences: the verdict, what to do next, and what it stands on."""
    gap, conditions = found["gap"], found["conditions"]
    if gap is None:
        return [("background_no_pairs", {}), _asked(found)]
    low, high = (points(edge) for edge in found["gap_interval"])
    shares = {name: percent(conditions[name]["accuracy"]) for name in ("same", "other")}
    # Folders of before call what no boxes bear out a suspicion, or little.
    boxed = set(found["masks"]) == {"box"}
    verdict = f"background_{found['verdict'].replace(' ', '_')}" if boxed else "background_no_boxes"
    sentences: list[Note] = [(verdict, {"gap": points(gap), "low": low, "high": high, **shares})]
    if verdict in ADVISED:
        sentences.append((f"{verdict}_next", {}))
    for name, more in (("followed", {}), ("outside", {"area": found["area"]})):
        if boxed and found[name] is not None:
            edges = dict(zip(("low", "high"), found[f"{name}_interval"], strict=True))
            values = {name: found[name], **edges, **more}
            sentences.append((f"background_{name}", {k: percent(v) for k, v in values.items()}))
    guessing = ("background_guessing", {"chance": percent(found["chance"])})
    return [*sentences, guessing, _asked(found)]


def _asked(found: Json) -> Note:
    masks = noted(((f"mask_{kind}", {"n": count}) for kind, count in found["masks"].items()), ", ")
    return "background_asked", {"photos": found["photos"], "masks": masks}
