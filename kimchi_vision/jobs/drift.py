"""Photos that came in, beside those that a run knows: are its scores still true of them?"""

import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_json
from kimchi_vision.base.messages import Text, catalogue, language
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.plain import Json
from kimchi_vision.data import duplicates
from kimchi_vision.data.folder import walk
from kimchi_vision.data.memory import KEY, Memory
from kimchi_vision.data.photo import Photo, Photos
from kimchi_vision.data.scan import scan
from kimchi_vision.jobs.seeing import Seeing, Seen, present
from kimchi_vision.results import drift as results
from kimchi_vision.results.report import charts, pictures
from kimchi_vision.results.run import Run

log = logging.getLogger(__name__)

TRAINED = 2000
"""Training photos, evenly over all, from which distances are measured."""
COUNTS = ("photos", "groups", "known_groups")
SHOWN = 24
"""Photos most unlike that the page shows."""
NAMED = 5
"""Near copies of the run's photos that a sentence names; drift.json names all."""


def drift(run: Run, folder: Path, page: Path | None = None, lang: str = "auto") -> Iterator[str]:
    """Whether the photos of a folder are like those that a run was trained on, line by line.

    drift.json in the run folder keeps what was found; a page, by default beside it, shows the most unlike.
    Raises InputError when the folder holds no new photo, the run has no model.safetensors, or its photos are
    gone.
    """
    say, seeing, own = catalogue(language(lang)), Seeing.of(run), present(run)
    asked = came_in(folder, own)
    equal = asked.items["sha256"].isin(run.items["sha256"])
    near = ~equal & (asked.items["copy_of"] != "")
    items = asked.items[~equal & ~near].reset_index(drop=True)
    if not len(items):
        raise InputError(
            "{folder} holds photos of the run, or copies of them, alone. Give those that came in since.",
            folder=folder,
        )
    incoming, (known, trained) = seeing(asked, items), _of_run(own, seeing)
    threshold = seeing.facts.abstain_threshold
    measured = results.measure(_side(known), _side(incoming), trained.features, run.vocab, threshold)
    counts = {
        "copies": equal.sum(),
        "near_copies": near.sum(),
        "unreadable": len(items) - len(incoming.items),
    }
    measured |= {"folder": str(folder), "left_out": {name: int(count) for name, count in counts.items()}}
    measured["near_copies"] = dict(asked.items.loc[near, ["path", "copy_of"]].itertuples(index=False))
    write_json(run.files.drift, measured)
    sentences = list(_sentences(measured, say))
    title = say("drift_title", run=run.name, folder=folder.resolve().name)
    far = results.distances(trained.features, incoming.features)
    groups = [_most_unlike(asked.files(incoming.items), incoming, far, run.vocab, say)]
    plot = (say("drift_classes"), _plot(measured))
    page = page or run.files.drift_page
    legend = {"baseline": say("drift_known"), "own": say("drift_incoming")}
    pictures.write(page, pictures.Page(title, sentences[0], sentences[1:], groups, plot, legend), lang)
    yield from [*sentences, say("written_to", path=page)]


def came_in(folder: Path, own: Photos) -> Photos:
    """Photos of a folder at any depth, equal files once; copies of one picture share a number in `group`.

    Column copy_of: a photo of `own` that shows the same picture, or "".
    Raises InputError when there is none, DataError when the folder is missing.
    """
    new = pd.DataFrame([file for files in walk(folder).photos.values() for file in files], columns=[*KEY])
    if not len(new):
        raise InputError("{folder} holds no photo.", folder=folder)
    with closing(Memory(own.root)) as memory:  # which knows the run's photos
        listing = pd.concat([new.assign(path=str(folder.resolve()) + "/" + new["path"]), _listing(own)])
        items = scan(own.root, listing.reset_index(drop=True), memory)
        copies = duplicates.groups(own.root, items[items["problem"] == ""], memory)
    items = items.assign(label="", group=copies.reindex(items.index, fill_value=-1))
    came, known = items[: len(new)], items[len(new) :]
    of = known[known["group"] >= 0].drop_duplicates("group").set_index("group")["path"]
    came = came.assign(path=new["path"], copy_of=came["group"].map(of).fillna(""))
    return Photos(folder, came.drop_duplicates("sha256", ignore_index=True), ())


def _listing(photos: Photos) -> pd.DataFrame:
    paths = photos.items["path"].unique()
    facts = [(photos.root / path).stat() for path in paths]
    rows = [(path, fact.st_size, fact.st_mtime_ns) for path, fact in zip(paths, facts, strict=True)]
    return pd.DataFrame(rows, columns=[*KEY])


def _of_run(own: Photos, seeing: Seeing) -> tuple[Seen, Seen]:
    """Held-out photos of a run, which no training saw, and training photos."""
    train = own.part("train")
    some = train.iloc[np.unique(np.linspace(0, len(train) - 1, TRAINED).astype(int))]
    return seeing(own, own.items[own.items["split"] != "train"]), seeing(own, some)


def _side(seen: Seen) -> results.Side:
    groups = seen.items["group"].to_numpy(int) if "group" in seen.items else np.arange(len(seen.items))
    return results.Side(seen.features, seen.probabilities, groups)


def _sentences(found: Json, say: Text) -> Iterator[str]:
    """The verdict, and what it stands on."""
    kind = found["verdict"].replace(" ", "_")
    few, counts = found["auc_interval"] is None, {key: found[key] for key in COUNTS}
    yield say("drift_few" if few else f"drift_{kind}", **counts, least=results.FEWEST)
    if found["groups"] < found["photos"]:
        yield say("drift_groups", **counts)
    if not few:
        yield say("drift_auc", known=found["known_photos"], photos=found["photos"], **_spoken(found, "auc"))
    if found["unlike_share_interval"]:
        usual = percent(1 - results.USUAL)
        yield say("drift_unlike", usual=usual, **_spoken(found, "unlike_share"))
    sides = {key: found[key] for key in ("known", "incoming")}
    for name in ("confidence", "unanswered"):
        if name in sides["known"]:
            yield say(f"drift_{name}", **{key: percent(side[name]) for key, side in sides.items()})
    known, incoming = (side["classes"] for side in sides.values())
    name = max(known, key=lambda name: abs(incoming[name]["share"] - known[name]["share"]))
    shares = {key: percent(side["classes"][name]["share"]) for key, side in sides.items()}
    yield say("drift_class", name=name, **shares)
    names = ", ".join(f"{name} ({own})" for name, own in [*found["near_copies"].items()][:NAMED])
    for name, count in found["left_out"].items():
        if count:
            yield say(f"drift_{name}", count=count, names=names)


def _spoken(found: Json, name: str) -> dict[str, str]:
    low, high = found[f"{name}_interval"]
    return {"share": percent(found[name]), "low": percent(low), "high": percent(high)}


def _most_unlike(
    files: list[Photo], seen: Seen, far: np.ndarray, classes: tuple[str, ...], say: Text
) -> pictures.Group:
    order = np.argsort(-far, kind="stable")[:SHOWN]
    shown = [
        pictures.Picture(files[place], seen.taken(place, classes), files[place].path.name) for place in order
    ]
    return pictures.Group(say("drift_most_unlike"), shown)


def _plot(found: Json) -> charts.Intervals:
    """The share of each class among the answers, held-out photos beside those that came in."""
    rows = []
    for name, own in found["known"]["classes"].items():
        other = found["incoming"]["classes"][name]
        marks = [_mark("baseline", own), _mark("own", other)]
        rows.append(charts.Row(name, marks, " → ".join(mark.tip for mark in marks)))
    return charts.Intervals.of(rows)


def _mark(kind: str, found: Json) -> charts.Mark:
    low, high = found["share_interval"] or (None, None)
    return charts.Mark(found["share"], low, high, kind, percent(found["share"]))
