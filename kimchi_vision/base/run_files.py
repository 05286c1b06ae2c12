"""Every file of a run folder: its name, and what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class File:
    """A file of a run folder: name and, in a sentence, content; as an attribute of RunFiles, its path."""

    def __init__(self, name: str, holds: str) -> None:
        self.name, self.__doc__ = name, holds

    def __get__(self, files: RunFiles | None, owner: type[RunFiles]) -> Path:
        return self if files is None else files.path / self.name  # type: ignore[return-value]


@dataclass(frozen=True)
class RunFiles:
    """The paths of one run's files. path: its folder, such as exports/exp1."""

    path: Path

    experiment = File("experiment.yaml", "The experiment with every value written out.")
    versions = File("versions.json", "Packages, machine and code version.")
    own_parts = File("own_parts.json", "Parts that were given from Python: name, digest of the source.")
    items = File("items.csv", "Photos: path (below the data folder), label, split, sha256, group, crop.")
    data = File("data.json", "The photos' folder, their counts, and what was noted about them.")
    skipped = File("skipped.csv", "Columns path, label, reason: photos that were found but left out.")
    history = File("history.csv", "A row an epoch over all stages.")
    epoch_answers = File("epochs.npz", "Right or wrong, and loss, of each validation photo after each epoch.")
    floor = File("floor.csv", "As predictions, of the linear probe on frozen features, of validation photos.")
    lr_find = File("lr_find.csv", "Rate and loss of each step of the last lr_find.")
    predictions = File("predictions.csv", "The columns of results.predictions.Predictions.")
    averaged = File("tta.csv", "As predictions, from several views of each photo; views: how many varied.")
    metrics = File("metrics.json", "Scores over the validation photos; facts about model and training.")
    calibration = File("calibration.json", "Temperature, threshold for answers, calibration error.")
    classification_report = File("classification_report.txt", "scikit-learn's report, as text.")
    summary = File("summary.txt", "Layers, output shapes and parameters.")
    labels = File("labels.json", "The classes in the order of the model's outputs.")
    folds = File("folds", "Folder of runs that learned without a part of the photos: `evaluate.folds`.")
    figures = File("figures", "Folder of PNG files.")
    background_answers = File("background.csv", "A row a photo: answers when its background is changed.")
    background = File("background.json", "How far the answers rest on backgrounds, with intervals.")
    checkpoints = File("checkpoints", "Folder of weights kept during training.")
    last = File("checkpoints/last.pth", "Everything that the next epoch depends on.")
    best = File("checkpoints/best.pth", "Weights of the best epoch, with `keep: best`.")
    report = File("report.html", "The page about the run.")
    pkl = File("model.pkl", "What learn.export writes; learn.temperature makes its probabilities calibrated.")
    weights = File("weights.pth", "The state dict alone.")
    onnx = File("model.onnx", "The network for onnxruntime, with names, preprocessing and calibration.")
    safetensors = File("model.safetensors", "The state dict, with the metadata of model.onnx.")
    card = File("card.md", "What the model is, how it scores, what it confuses, and its limits.")
    export = File("export.json", "Size, sha256 and proof of each exported file, or why it was refused.")
    log = File("log.txt", "What the run printed.")
    finished = File("finished.json", "Written last: the experiment's digest, code version, files' sha256.")
    test_openings = File("test_openings.csv", "Columns time (UTC), command: when the test part was scored.")
    test_metrics = File("test.json", "Scores over the test photos, which chose nothing.")
    fold_metrics = File(
        "folds.json", "Scores over what `folds` answered: each photo by one that had not seen it."
    )
    unknown = File("unknown.csv", "Columns photo, answer, probability, accepted: photos of no class.")
    embedding = File("map.csv", "Columns path, x, y, near: validation photos where alike ones lie together.")
    drift = File("drift.json", "Whether photos that came in are like those of the run, when last asked.")
    drift_page = File("drift.html", "The same with pictures.")
    unknown_metrics = File("unknown.json", "How many photos of no class are answered by mistake.")

    def sealed(self) -> list[Path]:
        """Those that are there of the files that hold what the run found, and that only Run writes again."""
        before = (self.versions, self.own_parts, self.items, self.data, self.skipped)
        answers = (self.predictions, self.averaged, self.epoch_answers, self.floor)
        said = (self.metrics, self.fold_metrics, self.calibration, self.labels)
        again = (self.test_metrics, self.background, self.embedding, self.export)
        trained = (self.history, self.lr_find, *answers)
        return [file for file in (*before, *trained, *said, *again) if file.is_file()]

    def aside(self) -> Path:
        """The first free name beside the folder, NAME.before-N, under which an earlier run is kept."""
        number = 1
        while (free := self.path.with_name(f"{self.path.name}.before-{number}")).exists():
            number += 1
        return free

    def figure(self, name: str) -> Path:
        """One figure, such as `confusion_matrix`."""
        return self.figures / f"{name}.png"

    def drawn(self) -> list[Path]:
        """The figures that are there, by name; none that a killed process left half-written."""
        return sorted(self.figures.glob("[!.]*.png"))

    def overlay(self, content: str) -> Path:
        """Where the network looks on a photo, drawn on it. content: as Photos.contents has it."""
        # Twelve of the 64 digits of the content hash, and the box if the photo is cut to one.
        return self.figures / "explain" / f"{content[:12]}{content[64:]}.jpg"

    def checkpoint(self, epoch: int) -> Path:
        """What last.pth was after this epoch, counted from 1 over all stages; see train.keep_checkpoints."""
        return self.checkpoints / f"epoch-{epoch:04}.pth"

    def epoch_checkpoints(self) -> list[Path]:
        """Those that are kept, oldest first."""
        return sorted(self.checkpoints.glob("epoch-*.pth"))

    def tracked(self, name: str) -> Path:
        """Folder of a tracker's own files, such as `tensorboard`."""
        return self.path / name

    openvino = File("model.openvino.xml", "The network for OpenVINO, with names and preprocessing.")
    litert = File("model.tflite", "The network for LiteRT on phones, with labels and preprocessing inside.")
    coreml = File("model.coreml.zip", "A classifier for Apple's devices, and check.py, to ask it on a Mac.")
    openvino_weights = File("model.openvino.bin", "Its weights.")

    def smaller(self, kind: str) -> Path:
        """model.onnx in 8-bit whole numbers (`int8`) or half precision (`bf16`, `fp16`)."""
        return self.path / f"model.{kind}.onnx"
