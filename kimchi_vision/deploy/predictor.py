"""A run's model answers for photos: load once, predict many. No torch."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np

from kimchi_vision.base.errors import InputError
from kimchi_vision.data.decoding import check_size
from kimchi_vision.data.folder import walk
from kimchi_vision.data.formats import RAW, without_reader
from kimchi_vision.data.photo import Photo, PhotoSource, open_photo
from kimchi_vision.deploy.runtime import Classifier, OpenVinoClassifier
from kimchi_vision.results.run import Run

CHUNK = 64
"""Photos that `stream` holds at once."""
Prepared = np.ndarray | str
"""A photo as `classify` takes it, or why it cannot be read."""


@dataclass(frozen=True)
class Prediction:
    """The classes of one photo with their calibrated probabilities, most probable first.

    known: False when the first probability is below the model's threshold, so that the answer is
    "I don't know". error: why the photo cannot be read; it then has no classes.
    """

    photo: str
    classes: tuple[tuple[str, float], ...]
    known: bool = True
    error: str | None = None

    @property
    def label(self) -> str | None:
        """The most probable class; None when there is none that the model would stand for."""
        return self.classes[0][0] if self.known and self.classes else None


class Predictor:
    """The exported model of a run.

    source: a run folder or a model.onnx. A run folder's calibration.json goes before what the file says.
    runtime: openvino takes the model.openvino.xml of the run.
    Raises InputError when there is no model, or it is not what the run wrote.
    """

    def __init__(
        self,
        source: Run | str | os.PathLike[str],
        runtime: Literal["onnxruntime", "openvino"] = "onnxruntime",
    ) -> None:
        run = source if isinstance(source, Run) else Run(Path(source))
        kind, file, name = Classifier, run.files.onnx, "onnx"
        if runtime == "openvino":
            kind, file, name = OpenVinoClassifier, run.files.openvino, "openvino"
        if run.path.is_dir() and not file.is_file():
            what = (
                "{run} holds no {file}. Give a finished run, or write the file with: kimchi-vision export "
                "{run} --format {name}"
            )
            raise InputError(what, run=run.path, file=file.name, name=name)
        self.file = run.sound(file) if run.path.is_dir() else run.path
        self._classifier = kind(self.file)
        self.facts = self._classifier.facts
        self._source = run.path
        self._label_sets: dict[str, float | None] = run.calibration.get("label_sets", {})
        if run.calibration:
            self.facts = self.facts.calibrated(run.calibration)
            self._classifier.facts = self.facts

    @property
    def vocab(self) -> tuple[str, ...]:
        """The classes in the order of the model's outputs."""
        return self.facts.classes

    def predict(self, photos: PhotoSource | Sequence[PhotoSource], top: int = 5) -> list[Prediction]:
        """The `top` most probable classes of each photo; one photo may stand alone.

        Raises InputError that names an unreadable one.
        """
        alone = isinstance(photos, PhotoSource)
        predictions = list(self.stream([photos] if alone else photos, top))
        for prediction in predictions:
            if prediction.error:
                what = "{photo} cannot be read as a photo: {error}"
                raise InputError(what, photo=prediction.photo, error=prediction.error)
        return predictions

    def stream(
        self, photos: Iterable[PhotoSource], top: int = 5, share: float | None = None
    ) -> Iterator[Prediction]:
        """Answers in order, for any number of photos in little memory; unreadable ones carry an error.

        share: instead of `top` classes, those among which the right one is for this share of fresh photos.
        Raises InputError where the run can promise no such set.
        """
        remaining, least = iter(photos), self._least_probable(share)
        with ThreadPoolExecutor() as pool:
            while chunk := list(islice(remaining, CHUNK)):
                prepared = list((pool.map if len(chunk) > 1 else map)(self._try_prepare, chunk))
                yield from self.answers(map(_name, chunk), prepared, top, least)

    def answers(
        self, names: Iterable[str], prepared: Sequence[Prepared], top: int = 5, least: float | None = None
    ) -> Iterator[Prediction]:
        """What `answer` says of each photo, in order, for one batch; errors are passed on."""
        rows = iter(self.classify([each for each in prepared if not isinstance(each, str)]))
        for name, each in zip(names, prepared, strict=True):
            if isinstance(each, str):
                yield Prediction(name, (), False, each)
            else:
                yield self.answer(next(rows), top, name, least)

    def read(self, file: Path) -> tuple[bytes, Prepared]:
        """The bytes of a file, which is read once, and the photo in them."""
        try:
            check_size(file)
            if file.suffix.lower() in RAW:
                return b"", f"cannot be read: {without_reader(file.name)}"
            content = file.read_bytes()
            return content, self.prepare(content)
        except OSError as error:
            return b"", f"cannot be read: {error.strerror or error}"
        except (ValueError, TypeError) as error:
            return b"", str(error).removeprefix("the photo ")

    def prepare(self, photo: PhotoSource) -> np.ndarray:
        """Float32 (3, size, size), as `classify` takes it. Raises ValueError and OSError as open_photo."""
        return self.facts.preprocess(open_photo(photo))

    def classify(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """Calibrated probabilities (photos, classes) of prepared photos."""
        return self._classifier.probabilities_of(inputs)

    def seen(self, inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """The same, and features (photos, features): what the last layer stands on. Needs onnx."""
        return self._classifier.seen(inputs)

    def answer(
        self, probabilities: np.ndarray, top: int = 5, photo: str = "photo", least: float | None = None
    ) -> Prediction:
        """One photo's row of probabilities as its most probable classes: `top`, or all from `least` on."""
        number = top if least is None else max(int((probabilities >= least).sum()), 1)
        order = np.argsort(-probabilities, kind="stable")[:number]
        classes = tuple((self.vocab[place], float(probabilities[place])) for place in order)
        threshold = self.facts.abstain_threshold
        return Prediction(photo, classes, threshold is None or classes[0][1] >= threshold)

    def _least_probable(self, share: float | None) -> float | None:
        if share is None:
            return None
        least = self._label_sets.get(str(share))
        if least is None:
            known = [name for name, each in self._label_sets.items() if each is not None]
            what = (
                "Sets with the right class of {share} of the photos cannot be promised by {run}, only of: "
                "{known}. More validation photos allow higher shares. A model.onnx alone, or the folder of "
                "an older run, has none: give that of a new run."
            )
            raise InputError(what, share=share, run=self._source, known=", ".join(known) or "none")
        return least

    def _try_prepare(self, photo: PhotoSource) -> Prepared:
        try:
            return self.prepare(photo)
        except (OSError, ValueError, TypeError) as error:
            return str(error)


def find_photos(paths: Sequence[Path]) -> list[Path]:
    """Photos among paths, folders searched to any depth, in order, by the rule that training has.

    Raises InputError when there is none.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += [path / name for name in walk(path).files()]
        elif path.is_file():
            found.append(path)
        else:
            raise InputError("{path}: there is no such photo or folder.", path=path)
    if not found:
        raise InputError("{paths}: no photos there.", paths=", ".join(map(str, paths)))
    return found


def _name(photo: PhotoSource) -> str:
    return str(photo) if isinstance(photo, Photo | str | Path) else "photo"
