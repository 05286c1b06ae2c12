"""Many trials of settings, each a run, and what the best of them gains where nothing was chosen."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from sklearn.model_selection import train_test_split

from kimchi_vision import data
from kimchi_vision.base.errors import InputError, KimchiError, RunError
from kimchi_vision.base.files import write_table
from kimchi_vision.config import Experiment
from kimchi_vision.jobs.experiment import run
from kimchi_vision.learning import recipe
from kimchi_vision.results.compare import Comparison, compare
from kimchi_vision.results.run import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

log = logging.getLogger(__name__)

FEWEST = 3
"""Trials below which the budget is not stopped at: fewer choose nothing."""
NO_FILES = {"pkl": False, "weights": False, "onnx": False, "safetensors": False}


@dataclass(frozen=True)
class Search:
    """What a search found.

    trials: a row a trial, best first. best, chosen: runs of `recipe: best` and of the chosen settings.
    comparison: of these two, on photos that no trial has seen.
    """

    trials: pd.DataFrame
    best: Run
    chosen: Run
    comparison: Comparison


def search(
    experiment: Experiment, seconds: float, exports: Path, backbones: Sequence[str] = (), trials: int = 10_000
) -> Search:
    """Try settings around `recipe: best` until the time is over, then compare the chosen ones with it.

    The trials train on a part of the training photos and are scored on the rest of them, so that the
    experiment's own validation photos judge the choice without having had a part in it: the best of many
    trials on one validation set flatters itself. Sampler TPE (Bergstra et al., 2011), pruner median.
    seconds: no trial begins later; the two last runs come on top. backbones: to choose from, beside the
    experiment's own. trials: at most so many. A search goes on where an earlier one in the folder ended.
    Raises InputError when the photos cannot be divided, RunError when every trial failed.
    """
    folder = exports / f"{experiment.name}-search"
    asked = experiment.model_copy(update={"recipe": "best", "budget": None})
    names = tuple(dict.fromkeys([asked.model.backbone, *backbones]))
    items = data.load(asked.data).items
    inside, own = _inside(asked, items, folder / "split.csv"), _own(items, names[0])
    study = _study(folder, asked, names, own)
    ends = time.monotonic() + seconds

    def objective(trial: optuna.Trial) -> float:
        return _score(inside.on_top_of(_settings(trial, names)), trial, folder)

    def stop(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        done = len(study.trials)
        if done >= trials or (done >= FEWEST and time.monotonic() > ends):
            study.stop()

    if len(study.get_trials(states=_ENDED)) < trials:
        study.optimize(objective, callbacks=[stop], catch=(KimchiError,))
    return _judged(study, asked, names, own, folder)


_ENDED = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.FAIL)


def _inside(asked: Experiment, items: pd.DataFrame, file: Path) -> Experiment:
    """The experiment with its training photos divided, stratified, and all others set apart as test."""
    train = items["split"] == "train"
    labels = items.loc[train, "label"]
    if labels.value_counts().min() < 2:
        raise InputError("A search divides the training photos: each class needs two of them or more.")
    _, valid = train_test_split(labels.index, test_size=0.2, stratify=labels, random_state=0)
    parts = items["split"].where(train, "test").mask(items.index.isin(valid), "valid")
    write_table(file, items.assign(split=parts))
    plain = asked.model_dump(mode="json", exclude_unset=True)
    plain["data"] = {**plain["data"], "split": str(file)}
    plain["export"] = NO_FILES
    plain["evaluate"] = {**plain.get("evaluate", {}), "test": False}
    return Experiment.model_validate(plain)


def _study(folder: Path, asked: Experiment, names: tuple[str, ...], own: dict[str, Any]) -> optuna.Study:
    """A new study, or the one that the folder holds; its first trial is `recipe: best` itself."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    storage = JournalStorage(JournalFileBackend(str(folder / "trials.log")))
    name = f"{asked.digest} {' '.join(names)}"
    others = [known for known in optuna.get_all_study_names(storage) if known != name]
    if others:
        raise InputError(
            "{folder} holds a search with other settings. Rename the experiment, or delete it.", folder=folder
        )
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=5),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1),
        load_if_exists=True,
    )
    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)  # its process died
        study.enqueue_trial(trial.params)
    if not study.trials:
        study.enqueue_trial(own)
    return study


def _own(items: pd.DataFrame, backbone: str) -> dict[str, Any]:
    """The values of `recipe: best` itself, by the names of `_settings`."""
    tree = recipe.settings("best", int((items["split"] == "train").sum()))
    cycle = tree["train"]["stages"][-1]["fit_one_cycle"]
    body, rate = cycle["lr_max"]
    return {
        "rate": rate,
        "body": body / rate,
        "epochs": cycle["epochs"],
        "backbone": backbone,
        "mult": 1.0,
        "min_scale": tree["augment"]["min_scale"],
        "smoothing": tree["train"]["label_smoothing"],
    }


def _settings(trial: optuna.Trial, names: tuple[str, ...]) -> dict[str, Any]:
    """The recipe's sections with a trial's values in them."""
    rate = trial.suggest_float("rate", 2e-5, 2e-3, log=True)
    body = trial.suggest_float("body", 0.01, 1, log=True)
    epochs = trial.suggest_int("epochs", 1, recipe.MOST_EPOCHS)
    tree = recipe.settings("best", epochs=epochs)
    for section, key in (("loader", "batch_size"), ("augment", "size"), ("augment", "resize")):
        del tree[section][key]  # the recipe's own, by backbone and photos
    tree["model"]["backbone"] = trial.suggest_categorical("backbone", names)
    tree["augment"]["mult"] = trial.suggest_float("mult", 0.0, 2.0)
    tree["augment"]["min_scale"] = trial.suggest_float("min_scale", 0.2, 1.0)
    tree["train"]["label_smoothing"] = trial.suggest_float("smoothing", 0.0, 0.2)
    tree["train"]["stages"][-1]["fit_one_cycle"]["lr_max"] = [rate * body, rate]
    return tree


def _score(experiment: Experiment, trial: optuna.Trial, folder: Path) -> float:
    """Cross-entropy of a trial's validation photos, its temperature fitted; lower is better."""
    named = experiment.model_copy(update={"name": f"trial-{trial.number:03}"})

    def hopeless(row: dict[str, Any]) -> bool:
        trial.report(row["error_rate"], row["epoch"])
        return trial.should_prune()

    done = run(named, folder, watch=hopeless)
    trial.set_user_attr("accuracy", done.score["accuracy"].value)
    return float(done.calibration["after"]["loss"])


def _judged(
    study: optuna.Study, asked: Experiment, names: tuple[str, ...], own: dict[str, Any], folder: Path
) -> Search:
    """Run `recipe: best` and the best trial's settings on the experiment's own split."""
    if not study.get_trials(states=(optuna.trial.TrialState.COMPLETE,)):
        raise RunError("Every trial failed. The messages above say why.")
    trials = study.trials_dataframe(("number", "value", "params", "user_attrs", "state"))
    trials = trials.sort_values("value", ignore_index=True)
    write_table(folder / "trials.csv", trials)
    found = [
        run(
            asked.on_top_of(_settings(optuna.trial.FixedTrial(values), names)).model_copy(
                update={"name": name}
            ),
            folder,
        )
        for name, values in (("best", own), ("chosen", study.best_params))
    ]
    return Search(trials, *found, compare(found))
