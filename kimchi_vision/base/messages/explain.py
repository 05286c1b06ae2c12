"""What background.json and metrics.json say of training and backgrounds, in sentences."""

from kimchi_vision.base.numbers import percent, points
from kimchi_vision.base.plain import Json
from kimchi_vision.base.sentence import Note, Sentences, noted

ADVISED = ("background_no_boxes", "background_relies")
"""Verdicts with something to do next."""


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


def about_gain(name: str, found: Json) -> Sentences:
    """What training brought beside the `floor`, or averaging beside one view, `tta`.

    found: the entry of that name in metrics.json.
    """
    shown = {"n": found.get("n"), "accuracy": percent(found["accuracy"]), "gain": points(found["gain"])}
    if found["accuracy_interval"] is None or found["gain_interval"] is None:
        return noted([(f"{name}_few", shown)])
    shown |= zip(("least", "most"), map(percent, found["accuracy_interval"]), strict=True)
    shown |= zip(("low", "high"), map(points, found["gain_interval"]), strict=True)
    return noted([(f"{name}_{found['verdict'].replace(' ', '_')}", shown)])
