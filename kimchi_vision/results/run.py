"""A run: its folder, opened. The only code that reads a run's files."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import read_table, readable, write_json, write_table
from kimchi_vision.base.plain import Json
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.config import Experiment, load
from kimchi_vision.data.photo import Photos
from kimchi_vision.results import seal

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from kimchi_vision.results.predictions import Predictions
    from kimchi_vision.results.scores import Score

_TEXT = ("path", "label", "split", "sha256", "truth", "predicted", "stage", "crop", "box")
"""Columns that are text whatever they look like: classes are called "NA" or "001"."""


class Run:
    """A run folder, such as exports/exp1, each file of which is read when it is asked for, once."""

    def __init__(self, path: str | Path) -> None:
        self.files = RunFiles(Path(path))

    @classmethod
    def open(cls, path: str | Path | Run) -> Self:
        """The run in a folder. Raises InputError when there is none."""
        run = cls(path.path if isinstance(path, Run) else path)
        if not run.path.is_dir():
            raise InputError("{path}: there is no such run folder.", path=run.path)
        if not run.files.experiment.is_file():
            raise InputError(
                "{file} is missing. Is {path} a run folder?", file=run.files.experiment, path=run.path
            )
        return run

    @property
    def path(self) -> Path:
        """The folder."""
        return self.files.path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @cached_property
    def experiment(self) -> Experiment:
        """What was run, with every value. Raises ConfigError when experiment.yaml is damaged."""
        return load(self.files.experiment)

    @cached_property
    def vocab(self) -> tuple[str, ...]:
        """The classes in the order of the model's outputs."""
        return tuple(self.json(self.files.labels))

    @cached_property
    def photos(self) -> Photos:
        """The photos with their classes and parts, where they lay when the run was made."""
        notes = tuple((says, values) for says, values in self.data.get("notes", ()))
        return Photos(Path(self.data.get("root", ".")), self.items, self.vocab, notes)

    @cached_property
    def items(self) -> pd.DataFrame:
        """The table of Photos."""
        return self.table(self.files.items)

    @cached_property
    def data(self) -> Json:
        """data.json; empty in a folder of before it was written."""
        return self.json_if(self.files.data)

    @cached_property
    def predictions(self) -> Predictions:
        """What the model said about validation and test photos, and folds beside it, with groups."""
        from kimchi_vision.results.predictions import Predictions

        return Predictions.read(self.sound(self.files.predictions), self.vocab, self.items)

    @cached_property
    def metrics(self) -> Json:
        """metrics.json: scores with intervals, and facts about model and training."""
        return self.json(self.files.metrics)

    @cached_property
    def score(self) -> dict[str, Score]:
        """The scores over the validation photos, by name."""
        return self.scored("valid")

    def scored(self, part: str) -> dict[str, Score]:
        """The same over one part, valid, test or folds. Raises InputError where none was scored."""
        from kimchi_vision.results.scores import recorded

        if part == "folds":
            return recorded(self.mistakes)
        return recorded(self.json(self.files.test_metrics) if part == "test" else self.metrics)

    @property
    def scores(self) -> pd.DataFrame:
        """Of the validation photos: index name; columns value, low, high (95 %; NaN where unknown), n."""
        import pandas as pd

        rows = {name: (each.value, each.low, each.high, each.n) for name, each in self.score.items()}
        table = pd.DataFrame.from_dict(rows, "index", columns=["value", "low", "high", "n"])
        return table.astype({"low": float, "high": float}).rename_axis("score")

    @cached_property
    def mistakes(self) -> Json:
        """What is right and wrong of most photos that the answering model had not seen, as `metrics` has it.

        Of folds beside the model, which answer all photos but test photos; else of the validation photos.
        """
        return self.json_if(self.files.fold_metrics) or self.metrics

    @property
    def answers(self) -> Predictions:
        """What `mistakes` are over."""
        return self.predictions.part(self.mistakes["split"])

    @cached_property
    def history(self) -> pd.DataFrame:
        """A row an epoch over all stages; empty when nothing was trained."""
        import pandas as pd

        return self.table(self.files.history) if self.files.history.is_file() else pd.DataFrame()

    @cached_property
    def calibration(self) -> Json:
        """calibration.json; empty when there is none."""
        return self.json_if(self.files.calibration)

    @cached_property
    def exported(self) -> Json:
        """export.json: file name → size, sha256 and proof; empty when there is none."""
        return self.json_if(self.files.export)

    @cached_property
    def scored_photos(self) -> frozenset[str]:
        """Content hashes of the photos behind the scores: runs with the same ones can be compared."""
        items = self.items
        return frozenset(items["sha256"][items["split"] == self.metrics["split"]])

    @property
    def is_finished(self) -> bool:
        """Whether the run came to its end."""
        return self.files.finished.is_file()

    def times_opened(self) -> int:
        """How often any of the test photos was scored as one: by this run, or by others on this machine."""
        from kimchi_vision.results import openings

        file = self.files.test_openings
        own = self.table(file).itertuples(index=False, name=None) if file.is_file() else ()
        return len({*own, *openings.of(self._test_photos)})

    def open_test(self, command: str) -> None:
        """Note in test_openings.csv, and beside all runs, that a command is about to score the test part."""
        import pandas as pd

        from kimchi_vision.results import openings

        file = self.files.test_openings
        now = datetime.now(timezone.utc).isoformat()
        opening = pd.DataFrame({"time": [now], "command": [command]})
        known = self.table(file) if file.is_file() else None
        write_table(file, pd.concat([known, opening], ignore_index=True))
        openings.note(self._test_photos, (now, command))

    @property
    def _test_photos(self) -> list[str]:
        """Content hashes."""
        if not self.files.items.is_file():
            return []
        return list(self.items["sha256"][self.items["split"] == "test"])

    def damaged(self) -> list[str]:
        """Files that are gone, but for exports, or not what the run left at its end; none before that."""
        return seal.damaged(self.files) if self.is_finished else []

    def sound(self, file: Path) -> Path:
        """One of the folder's files. Raises InputError when it is not what the run left at its end."""
        if file.parent == self.path and file.is_file() and seal.is_other(self.files, file):
            raise InputError(
                "{file} is damaged, or was changed: it is not what the run wrote. Put a copy back, or run "
                "the experiment again with --force, which keeps this folder under another name.",
                file=file,
            )
        return file

    def json(self, file: Path) -> Any:
        """One of the folder's JSON files. Raises InputError when it is missing or damaged."""
        with readable(file, ValueError):
            return json.loads(self.sound(file).read_text(encoding="utf-8-sig"))

    def json_if(self, file: Path) -> Json:
        """The same; empty when there is no such file."""
        return self.json(file) if file.is_file() else {}

    def write_json(self, file: Path, value: object) -> None:
        """Write one of the folder's JSON files; of a finished run with its hash, so that damage is told."""
        write_json(file, value)
        seal.renew(self.files, file)

    def write_table(self, file: Path, table: pd.DataFrame) -> None:
        """Write one of the folder's CSV files, as write_json does."""
        write_table(file, table)
        seal.renew(self.files, file)

    def table(self, file: Path) -> pd.DataFrame:
        """One of the folder's CSV files. Raises InputError when it is missing or damaged."""
        return read_table(self.sound(file), _TEXT)

    def plot_confusion_matrix(self, normalize: bool = False) -> Figure:
        """The confusion matrix of the photos behind `mistakes`; normalize: as shares of each row."""
        from kimchi_vision.results import plots

        return plots.shown(plots.confusion_matrix(self.answers.confusion, self.vocab, normalize=normalize))

    def plot_top_losses(self, k: int = 9) -> Figure:
        """The k of them with the largest losses."""
        from kimchi_vision.results import evaluate, plots

        return plots.shown(evaluate.grid(self.answers.worst(k), self.photos))

    def plot_losses(self) -> Figure:
        """Training and validation loss of each epoch. Raises InputError when nothing was trained."""
        from kimchi_vision.results import plots

        if self.history.empty:
            raise InputError("{path} has no history: nothing was trained.", path=self.path)
        return plots.shown(plots.losses(self.history))
