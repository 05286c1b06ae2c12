"""A run folder: every file name in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import TABLE_ENCODING, replacing, write_json, write_table, write_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RunDir", "replacing", "write_json", "write_table", "write_text"]


@dataclass(frozen=True)
class RunDir:
    """The folder of one run, such as exports/exp1."""

    path: Path

    @property
    def experiment(self) -> Path:
        """The experiment with every value written out."""
        return self.path / "experiment.yaml"

    @property
    def versions(self) -> Path:
        """Packages, machine and code version."""
        return self.path / "versions.json"

    @property
    def items(self) -> Path:
        """Columns path (below the data folder), label, split (train, valid or test), sha256, group."""
        return self.path / "items.csv"

    @property
    def data(self) -> Path:
        """The photos' folder, their counts, and what was noted about them."""
        return self.path / "data.json"

    @property
    def skipped(self) -> Path:
        """Columns path, label, reason: photos that were found but left out."""
        return self.path / "skipped.csv"

    @property
    def history(self) -> Path:
        """A row an epoch over all stages."""
        return self.path / "history.csv"

    @property
    def predictions(self) -> Path:
        """Columns path, split, truth, predicted, loss, and `p:CLASS`, the probability of each class."""
        return self.path / "predictions.csv"

    @property
    def averaged(self) -> Path:
        """With evaluate.tta: as predictions, from several views of each photo, and views: how many varied."""
        return self.path / "tta.csv"

    @property
    def metrics(self) -> Path:
        """Scores over the validation photos, and facts about model and training."""
        return self.path / "metrics.json"

    @property
    def calibration(self) -> Path:
        """Temperature, threshold for answers, and how far confidence is from accuracy."""
        return self.path / "calibration.json"

    @property
    def classification_report(self) -> Path:
        """scikit-learn's classification report and the confusion matrix as text."""
        return self.path / "classification_report.txt"

    @property
    def summary(self) -> Path:
        """Layers, output shapes and parameters."""
        return self.path / "summary.txt"

    @property
    def labels(self) -> Path:
        """The classes in the order of the model's outputs."""
        return self.path / "labels.json"

    @property
    def lr_find(self) -> Path:
        """Rate and loss of each step of the last lr_find."""
        return self.path / "lr_find.csv"

    @property
    def figures(self) -> Path:
        """Folder of PNG files."""
        return self.path / "figures"

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

    @property
    def background_answers(self) -> Path:
        """A row a photo: what the network says when its background is hidden, blurred or swapped."""
        return self.path / "background.csv"

    @property
    def background(self) -> Path:
        """How far the answers rest on backgrounds, with intervals."""
        return self.path / "background.json"

    @property
    def checkpoints(self) -> Path:
        """Folder of weights kept during training."""
        return self.path / "checkpoints"

    @property
    def last(self) -> Path:
        """Everything that the next epoch depends on, after the last one that ended."""
        return self.checkpoints / "last.pth"

    @property
    def best(self) -> Path:
        """Weights of the best epoch, with `keep: best`."""
        return self.checkpoints / "best.pth"

    def checkpoint(self, epoch: int) -> Path:
        """What last.pth was after this epoch, counted from 1 over all stages; see train.keep_checkpoints."""
        return self.checkpoints / f"epoch-{epoch:04}.pth"

    def epoch_checkpoints(self) -> list[Path]:
        """Those that are kept, oldest first."""
        return sorted(self.checkpoints.glob("epoch-*.pth"))

    def tracked(self, name: str) -> Path:
        """Folder of a tracker's own files, such as `tensorboard`."""
        return self.path / name

    @property
    def report(self) -> Path:
        """The page about the run."""
        return self.path / "report.html"

    @property
    def pkl(self) -> Path:
        """What learn.export writes."""
        return self.path / "model.pkl"

    @property
    def weights(self) -> Path:
        """The state dict alone."""
        return self.path / "weights.pth"

    @property
    def onnx(self) -> Path:
        """The network in one file that onnxruntime runs, with names, preprocessing and calibration."""
        return self.path / "model.onnx"

    def smaller(self, kind: str) -> Path:
        """model.onnx in 8-bit whole numbers (`int8`) or half precision (`bf16`, `fp16`)."""
        return self.path / f"model.{kind}.onnx"

    @property
    def safetensors(self) -> Path:
        """The state dict, with the same metadata as model.onnx."""
        return self.path / "model.safetensors"

    @property
    def card(self) -> Path:
        """What the model is, how it scores, what it confuses, and its limits."""
        return self.path / "card.md"

    @property
    def export(self) -> Path:
        """Size, sha256 and proof of each exported file, or why it was refused."""
        return self.path / "export.json"

    @property
    def log(self) -> Path:
        """What the run printed."""
        return self.path / "log.txt"

    @property
    def finished(self) -> Path:
        """Written last: the experiment's digest, code version and seconds."""
        return self.path / "finished.json"

    @property
    def test_openings(self) -> Path:
        """Columns time (UTC) and command: each time that the test part was scored."""
        return self.path / "test_openings.csv"

    @property
    def test_metrics(self) -> Path:
        """Scores over the test photos, when they were asked for."""
        return self.path / "test.json"

    @property
    def unknown(self) -> Path:
        """Columns photo, answer, probability, accepted: photos of no class, the surest answer first."""
        return self.path / "unknown.csv"

    @property
    def unknown_metrics(self) -> Path:
        """How many photos of no class are answered by mistake."""
        return self.path / "unknown.json"

    def times_opened(self) -> int:
        """How often the test part was scored."""
        return len(self.read_table(self.test_openings)) if self.test_openings.is_file() else 0

    def open_test(self, command: str) -> None:
        """Note in test_openings that a command is about to score the test part."""
        import pandas as pd

        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        known = [self.read_table(self.test_openings)] if self.test_openings.is_file() else []
        opening = pd.DataFrame({"time": [now], "command": [command]})
        write_table(self.test_openings, pd.concat([*known, opening], ignore_index=True))

    def read_json(self, path: Path) -> Any:
        """Read one of the folder's JSON files. Raises InputError when it is missing or damaged."""
        try:
            return json.loads(self._text(path))
        except ValueError as error:
            raise InputError(f"{path} is damaged: {error}. Run the experiment again with --force.") from None

    def read_table(self, path: Path) -> pd.DataFrame:
        """Read one of the folder's CSV files. Raises InputError when it is missing."""
        import pandas as pd

        if not path.is_file():
            raise InputError(f"{path} is missing. Is {self.path} a finished run folder?")
        # Class names such as "NA" or "001" are text.
        text = dict.fromkeys(("path", "label", "split", "sha256", "truth", "predicted", "stage"), str)
        return pd.read_csv(
            path, dtype=text, keep_default_na=False, na_values={"loss": [""]}, encoding=TABLE_ENCODING
        )

    def _text(self, path: Path) -> str:
        if not path.is_file():
            raise InputError(f"{path} is missing. Is {self.path} a finished run folder?")
        return path.read_text(encoding="utf-8")
