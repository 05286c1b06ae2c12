"""The package from Python: `run`, and the layers below it that fastai's users expect."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from weakref import WeakKeyDictionary

from fastai.data.core import DataLoaders
from fastai.learner import Learner

from kimchi_vision import config, data
from kimchi_vision.base.errors import InputError
from kimchi_vision.config import Experiment, Table
from kimchi_vision.deploy.export.learner import portable
from kimchi_vision.jobs import experiment as story
from kimchi_vision.jobs import table as tables
from kimchi_vision.jobs.folder import from_folder
from kimchi_vision.jobs.notebook import Run
from kimchi_vision.jobs.prepared import OwnParts, Prepared, prepare
from kimchi_vision.jobs.process import undisturbed
from kimchi_vision.jobs.table import Rows
from kimchi_vision.learning import train
from kimchi_vision.results import compare as comparisons
from kimchi_vision.results.compare import Comparison

Source = str | Path | Experiment | Table
"""A folder of photos, an experiment file, or what `load` returned."""

_PARTS = {field.name for field in fields(OwnParts)}
_PREPARED: WeakKeyDictionary[Learner, Prepared] = WeakKeyDictionary()
"""What each Learner of `learner` stands on: an attribute of it would go into model.pkl."""


def load(source: Source) -> Experiment | Table:
    """The experiment, or table of them, that a file or a folder of photos means.

    Raises ConfigError, which names file, line and key, and DataError for a folder without photos.
    """
    if isinstance(source, Experiment | Table):
        return source
    path = Path(source).expanduser()
    return from_folder(path) if path.is_dir() else config.load(path)


def run(
    source: Source, exports: str | Path = "exports", force: bool = False, **changes: object
) -> Run | Rows:
    """Train, explain and export, into exports/NAME; a table gives its rows.

    changes: sections with other values, such as model={"backbone": "resnet50"}, and `name`; or own parts:
    learner, callbacks, scores, item_tfms, batch_tfms, as OwnParts has them.
    force: replace another experiment's run of the same name, or run a finished one again.
    The process is left as it was: random states, threads, warnings, logging.
    Raises InputError before anything is written, RunError when the run could not go on.
    """
    asked = load(source)
    own = OwnParts(**{name: changes.pop(name) for name in list(changes) if name in _PARTS})
    if isinstance(asked, Table) and (changes or own.named()):
        raise InputError("A table is run as its file says: change its rows there, or run one of them.")
    with undisturbed():
        if isinstance(asked, Table):
            return tables.run_rows(asked, Path(exports), force)
        return Run.open(story.run(asked.replace(**changes), Path(exports), force, own=own))


def compare(
    *runs: str | Path | Run, margin: float = 0.01, test: bool = False, lang: str = "auto"
) -> Comparison:
    """Which of several runs is better, as results.compare.compare has it: sentences, and `.table`."""
    return comparisons.compare(runs, margin, test, lang)


def dataloaders(source: Source) -> DataLoaders:
    """fastai's DataLoaders of an experiment, seeded as a run seeds them."""
    prepared = _prepared(source)
    train.seed(prepared.experiment.train)
    return prepared.dataloaders()


def learner(source: Source, exports: str | Path = "exports") -> Learner:
    """fastai's Learner of an experiment, untrained, with `finish` to come: `learn.fit_one_cycle(3)` as usual.

    exports: where `finish` will write the run. What `learn.export` writes loads where this package is not.
    """
    prepared = _prepared(source)
    files = story.check(prepared.experiment, Path(exports))
    train.seed(prepared.experiment.train)
    learn = portable(prepared.learner(prepared.dataloaders(), files.path))
    _PREPARED[learn] = prepared
    return learn


def finish(learn: Learner, force: bool = False) -> Run:
    """Score, explain and export what a Learner of `learner` has learnt, as the end of `run` does.

    force: replace another run of the same name. Raises InputError for a Learner from elsewhere.
    """
    prepared = _PREPARED.get(learn)
    if prepared is None:
        raise InputError("finish takes a Learner that kimchi_vision.learner made.")
    with undisturbed(), learn.no_bar():
        done = Run.open(story.finish(learn, prepared, force))
    learn.temperature = done.calibration.get("temperature", 1.0)
    return done


def _prepared(source: Source) -> Prepared:
    asked = load(source)
    if isinstance(asked, Table):
        names = ", ".join(row.name for row in asked.rows)
        raise InputError("This is a table of {names}; give one experiment.", names=names)
    return prepare(asked, data.load(asked.data))
