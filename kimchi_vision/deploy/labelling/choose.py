"""Which photos to label first: those that the model is unsure of, and no two that look alike to it."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.data.folder import walk
from kimchi_vision.data.tables import matched, read_csv
from kimchi_vision.deploy.labelling.labels import Labels
from kimchi_vision.deploy.predictor import CHUNK, Predictor
from kimchi_vision.results.run import Run

SHORTLIST = 2
"""Photos of the smallest margins among which those are chosen that differ, for each that is chosen; what it
saves: benchmarks/labels.md."""


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


Shown = Callable[[Sequence[list[str]]], Iterable[list[str]]]


def choose(source: Path, run: Path, n: int, shown: Shown = lambda chunks: chunks) -> Chosen:
    """The n photos of a folder whose labels would help a run's model most, by margin and k-centre.

    source: a folder, photos at any depth, or the answers.csv that `serve --collect` wrote beside photos.
    shown: wraps the chunks of paths. Raises InputError when no photo is left to label.
    """
    predictor, (folder, paths) = Predictor(run), _paths(source)
    labelled = Labels.beside(folder).of.keys()
    waiting = [path for path in paths if path not in labelled]
    chosen = Chosen(folder, known=len(paths) - len(waiting))
    found: list[str] = []
    answers: list[tuple[np.ndarray, np.ndarray]] = []
    for chunk in _unseen(chosen, waiting, predictor, _known(Run(run)), shown):
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
    chosen.asked = [Asked(found[place], _ranked(predictor.vocab, rows[place])) for place in places]
    return chosen


def _unseen(
    chosen: Chosen, waiting: list[str], predictor: Predictor, known: set[str], shown: Shown
) -> Iterator[dict[str, np.ndarray]]:
    """Chunks of prepared photos by path: those that can be read and whose content is new."""
    own: set[str] = set()
    chunks = [waiting[start : start + CHUNK] for start in range(0, len(waiting), CHUNK)]
    with ThreadPoolExecutor() as pool:
        for paths in shown(chunks):
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


def _known(run: Run) -> set[str]:
    """Content hashes of the run's own photos."""
    return set(run.items["sha256"]) if run.files.items.is_file() else set()


def _ranked(vocab: tuple[str, ...], row: np.ndarray) -> tuple[tuple[str, float], ...]:
    return tuple((vocab[place], float(row[place])) for place in np.argsort(-row, kind="stable"))
