"""Which photos to label first: unsure ones, no two of which look alike; and how they lie for people."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import numpy as np

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_json, write_text
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.data.folder import walk
from kimchi_vision.data.tables import matched, read_csv
from kimchi_vision.deploy.labelling.labels import Labels
from kimchi_vision.deploy.labelling.places import check_apart, check_classes, write
from kimchi_vision.deploy.predictor import CHUNK, Predictor
from kimchi_vision.results.run import Run

SHORTLIST = 2
"""Photos of the smallest margins among which those are chosen that differ, for each that is chosen; what it
saves: benchmarks/labels.md."""

Form = Literal["folder", "label-studio", "fiftyone"]


class Asked(NamedTuple):
    """A photo to label. path: below its folder. classes: all, with probabilities, most probable first."""

    path: str
    classes: tuple[tuple[str, float], ...]


@dataclass
class Chosen:
    """Photos to label, the most useful first, and why others of the folder are not among them.

    known: photos of the run itself, or labelled already. copies: with the content of another one.
    unreadable: why, by path.
    """

    folder: Path
    asked: list[Asked] = field(default_factory=list)
    known: int = 0
    copies: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)


Shown = Callable[[Iterable[list[str]], int], Iterable[list[str]]]


def choose(source: Path, run: Path, n: int, shown: Shown = lambda chunks, count: chunks) -> Chosen:
    """The n photos of a folder whose labels would help a run's model most, by margin and k-centre.

    source: a folder, photos at any depth, or the answers.csv that `serve --collect` wrote beside photos.
    shown: wraps the chunks of paths. Raises InputError when no photo is left to label.
    """
    predictor, (folder, paths), own = Predictor(run), _paths(source), Run(run)
    known = set(own.items["sha256"]) if own.files.items.is_file() else set()
    labelled = Labels.beside(folder).of.keys()
    waiting = [path for path in paths if path not in labelled]
    chosen = Chosen(folder, known=len(paths) - len(waiting))
    found: list[str] = []
    answers: list[tuple[np.ndarray, np.ndarray]] = []
    for chunk in _unseen(chosen, waiting, predictor, known, shown):
        rows, features = predictor.seen(list(chunk.values()))
        found += chunk
        answers.append((rows, features.astype(np.float16)))  # 100,000 photos of 1,280 features: 256 MB
    if not found:
        what = "{folder} holds no photo to label: {known} are known, {unreadable} cannot be read."
        raise InputError(
            what, folder=folder, known=chosen.known + chosen.copies, unreadable=len(chosen.unreadable)
        )
    rows, features = (np.concatenate(each) for each in zip(*answers, strict=True))
    places = pick(rows, features, n)
    for place in places:
        ranked = np.argsort(-rows[place], kind="stable")
        classes = tuple((predictor.vocab[each], float(rows[place][each])) for each in ranked)
        chosen.asked.append(Asked(found[place], classes))
    return chosen


def _unseen(
    chosen: Chosen, waiting: list[str], predictor: Predictor, known: set[str], shown: Shown
) -> Iterator[dict[str, np.ndarray]]:
    """Chunks of prepared photos by path: those that can be read and whose content is new."""
    own: set[str] = set()
    chunks = [waiting[start : start + CHUNK] for start in range(0, len(waiting), CHUNK)]
    with ThreadPoolExecutor() as pool:
        for paths in shown(chunks, len(chunks)):
            ready = {}
            opened = pool.map(lambda path: predictor.read(chosen.folder / path), paths)
            for path, (photo, prepared) in zip(paths, opened, strict=True):
                content = hashlib.sha256(photo).hexdigest()
                if isinstance(prepared, str):
                    chosen.unreadable[path] = prepared
                elif content in known:
                    chosen.known += 1
                elif content in own:
                    chosen.copies += 1
                else:
                    own.add(content)
                    ready[path] = prepared
            if ready:
                yield ready


def pick(probabilities: np.ndarray, features: np.ndarray, n: int, shortlist: int = SHORTLIST) -> np.ndarray:
    """Rows of n photos, or of all: k-centre among the shortlist * n smallest margins, the smallest first.

    probabilities: (photos, classes). features: (photos, features).
    Sources: Scheffer, Decomain and Wrobel, 2001, "Active Hidden Markov Models for Information Extraction"
    (margin); Sener and Savarese, 2018, "Active Learning for Convolutional Neural Networks: A Core-Set
    Approach", arXiv:1708.00489 (greedy k-centre).
    """
    best = np.sort(probabilities, axis=1)[:, -2:]
    unsure = np.argsort(best[:, 1] - best[:, 0], kind="stable")[: shortlist * n]
    looks = features[unsure].astype(np.float32)
    looks /= np.linalg.norm(looks, axis=1, keepdims=True) + 1e-12
    chosen, nearest = [0], looks @ looks[0]
    while len(chosen) < min(n, len(unsure)):
        nearest[chosen] = np.inf
        chosen.append(int(nearest.argmin()))
        nearest = np.maximum(nearest, looks @ looks[chosen[-1]])
    return unsure[chosen]


def _paths(source: Path) -> tuple[Path, list[str]]:
    """A folder, and photos below it."""
    if source.is_dir():
        return source, walk(source).files()
    table = read_csv(source, ["file"], Sentence("`serve --collect` writes one."))
    there = walk(source.parent).files()
    return source.parent, matched(table["file"], there, source).dropna().drop_duplicates().tolist()


def write_tasks(chosen: Chosen, to: Path, form: Form, model: str) -> Path:
    """Lay photos out in a new folder; what a person opens first. model: what the guesses are by.

    folder: the photos, numbered, beside an empty folder for each class to move them into.
    label-studio: tasks.json, in which photos stay where they are, and interface.xml.
    fiftyone: data/ and labels.json (FiftyOneImageClassificationDataset), guesses with their confidence.
    Raises InputError when `to` holds something, or a class cannot be a folder.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise InputError("{to} is there already; name a folder that is not.", to=to)
    check_apart(chosen.folder, to)
    return {"folder": _folder, "label-studio": _label_studio, "fiftyone": _fiftyone}[form](chosen, to, model)


def _folder(chosen: Chosen, to: Path, model: str) -> Path:
    vocab = tuple(sorted(label for label, _ in chosen.asked[0].classes))
    check_classes(vocab)
    for number, each in enumerate(chosen.asked, 1):
        photo = chosen.folder / each.path
        write(photo, to / _numbered(number, each), photo.read_bytes())
    for label in vocab:
        (to / label).mkdir(parents=True, exist_ok=True)
    return to


def _label_studio(chosen: Chosen, to: Path, model: str) -> Path:
    """Paths are below the folder that LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT names: that of the photos."""
    tasks = []
    for each in chosen.asked:
        label, score = each.classes[0]
        choice = {"from_name": "class", "to_name": "image", "type": "choices", "value": {"choices": [label]}}
        guess = {"model_version": model, "score": score, "result": [choice]}
        image = f"/data/local-files/?d={quote(each.path)}"
        tasks.append({"data": {"image": image}, "predictions": [guess]})
    choices = "\n".join(
        f"    <Choice value={quoteattr(label)}/>" for label in sorted(dict(chosen.asked[0].classes))
    )
    interface = (
        '<View>\n  <Image name="image" value="$image"/>\n'
        f'  <Choices name="class" toName="image" choice="single">\n{choices}\n  </Choices>\n</View>\n'
    )
    write_text(to / "interface.xml", interface)
    write_json(to / "tasks.json", tasks)
    return to / "tasks.json"


def _fiftyone(chosen: Chosen, to: Path, model: str) -> Path:
    vocab = sorted(dict(chosen.asked[0].classes))
    labels = {}
    for number, each in enumerate(chosen.asked, 1):
        name, (label, probability) = _numbered(number, each), each.classes[0]
        photo = chosen.folder / each.path
        write(photo, to / "data" / name, photo.read_bytes())
        labels[PurePosixPath(name).stem] = {"label": vocab.index(label), "confidence": probability}
    write_json(to / "labels.json", {"classes": vocab, "labels": labels})
    return to / "labels.json"


def _numbered(number: int, each: Asked) -> str:
    """A name that no other photo has, with or without its ending."""
    return f"{number:04}-{PurePosixPath(each.path).name}"
