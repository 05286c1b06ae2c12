"""Many trials of settings, each a run, and what the best of them gains where nothing was chosen."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import optuna
import pandas as pd
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from sklearn.model_selection import train_test_split

from kimchi_vision import data
from kimchi_vision.base.errors import InputError, RunError
from kimchi_vision.base.files import write_table
from kimchi_vision.base.plain import Json
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.config import Experiment
from kimchi_vision.jobs import run_lock
from kimchi_vision.jobs.executor import Executor, Serial
from kimchi_vision.jobs.executor.interface import Done, Leaf, training
from kimchi_vision.learning import recipe
from kimchi_vision.results.compare import Comparison, compare
from kimchi_vision.results.run import Run

FEWEST = 3
"""Trials below which the budget is not stopped at: fewer choose nothing."""
NO_FILES = dict.fromkeys(("pkl", "weights", "onnx", "safetensors", "int8", "bf16", "fp16"), False)


class Early(NamedTuple):
    """Trials that ended early, the epochs that they were spared, of how many over all trials; seconds."""

    trials: int
    epochs: int
    of_epochs: int
    seconds: float


@dataclass(frozen=True)
class Search:
    """What a search found.

    trials: a row a trial, best first. best, chosen: runs of `recipe: best` and of the chosen settings.
    comparison: of these two, on photos that no trial has seen. early: what poor trials were spared.
    """

    trials: pd.DataFrame
    best: Run
    chosen: Run
    comparison: Comparison
    early: Early


def search(
    experiment: Experiment,
    seconds: float,
    exports: Path,
    backbones: Sequence[str] = (),
    trials: int = 10_000,
    on: Executor | None = None,
) -> Search:
    """Try settings around `recipe: best` until the time is over, then compare the chosen ones with it.

    The trials train on a part of the training photos and are scored on the rest of them, so that the
    experiment's own validation photos judge the choice without having had a part in it: the best of many
    trials on one validation set flatters itself. Sampler TPE (Bergstra et al., 2011), pruner median: a trial
    ends early that after an epoch is worse than half of those before it were then.
    seconds: no trial begins later; the two last runs come on top. backbones: to choose from, beside the
    experiment's own. trials: at most so many. on: where they run side by side, each chosen by what all
    have found so far; None: in this process. A search goes on where an earlier one in the folder ended.
    Raises InputError when the photos cannot be divided, RunError when every trial failed.
    """
    folder = exports / f"{experiment.name}-search"
    asked = experiment.replace(recipe="best", budget=None, evaluate={"folds": None})
    names = tuple(dict.fromkeys([asked.model.backbone, *backbones]))
    items = data.load(asked.data).items
    inside, own = _inside(asked, items, folder / "split.csv"), own_values(items, names[0])
    study = _study(folder, f"{asked.digest} {' '.join(names)}")
    # Trials that were interrupted are done anew, in their run folders: what was trained is kept.
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params, user_attrs={"folder": _folder(trial)})
    if not study.trials:
        study.enqueue_trial(own)
    # Others are drawn than before when the search goes on.
    study.sampler = optuna.samplers.TPESampler(seed=1000 * len(study.trials), n_startup_trials=5)
    place = on or Serial()
    tries = _Tries(study, inside, names, folder, time.time() + seconds, trials)
    place.run(tries.leaves(), tries.told)
    return _judged(tries, asked, own, place)


@dataclass(frozen=True)
class _Tries:
    """Trials as leaves, each chosen by what has ended before it begins.

    inside: the experiment with its training photos divided. ends: time.time() after which none begins.
    """

    study: optuna.Study
    inside: Experiment
    names: tuple[str, ...]
    folder: Path
    ends: float
    most: int
    going: dict[str, optuna.Trial] = field(default_factory=dict)

    def leaves(self) -> Iterator[Leaf]:
        """Until there are enough, or the time is over."""
        while self._more():
            trial = self.study.ask()
            experiment = self.inside.on_top_of(settings(trial, self.names))
            named = experiment.model_copy(update={"name": _folder(trial)})
            self.going[named.name] = trial
            yield training(named, self.folder, watch=partial(_hopeless, trial))

    def told(self, leaf: Leaf, done: Done) -> None:
        """Cross-entropy of a trial's validation photos, its temperature fitted; lower is better."""
        trial = self.going.pop(leaf.name)
        if done[1] is not None:
            self.study.tell(trial, state=TrialState.FAIL)
            return
        run = Run.open(self.folder / leaf.name)
        trial.set_user_attr("accuracy", run.score["accuracy"].value)
        trial.set_user_attr("seconds", run.metrics["train"]["seconds"])
        self.study.tell(trial, float(run.calibration["after"]["loss"]))

    def _more(self) -> bool:
        trials = self.study.get_trials(deepcopy=False)
        wait = {_folder(trial) for trial in trials if trial.state == TrialState.WAITING}
        begun = {_folder(trial) for trial in trials} - wait
        return len(begun) < self.most and (len(begun) < FEWEST or time.time() < self.ends)


def _hopeless(trial: optuna.Trial, row: Json) -> bool:
    """Whether a trial ends after this epoch."""
    seen = trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values
    if row["epoch"] not in seen:  # it may be trained again where a process died
        trial.report(row["error_rate"], row["epoch"])
    ends = trial.should_prune()
    if ends:
        trial.set_user_attr("ended_after", row["epoch"])
    return ends


def _folder(trial: optuna.Trial | optuna.trial.FrozenTrial) -> str:
    return trial.user_attrs.get("folder", f"trial-{trial.number:03}")


def _inside(asked: Experiment, items: pd.DataFrame, file: Path) -> Experiment:
    """The experiment with its training photos divided, stratified, and all others set apart as test."""
    train = items["split"] == "train"
    labels = items.loc[train, "label"]
    if labels.value_counts().min() < 2:
        raise InputError("A search divides the training photos: each class needs two of them or more.")
    _, valid = train_test_split(labels.index, test_size=0.2, stratify=labels, random_state=0)
    parts = items["split"].where(train, "test").mask(items.index.isin(valid), "valid")
    every = data.load(asked.data.model_copy(update={"train_share": 1.0})).items
    unused = every[~every["path"].isin(items["path"])].assign(split="test")  # by data.train_share
    write_table(file, pd.concat([items.assign(split=parts), unused], ignore_index=True))
    data_of_trials = {"split": str(file), "train_share": 1.0}
    return asked.replace(data=data_of_trials, export=NO_FILES, evaluate={"test": False})


def _study(folder: Path, name: str) -> optuna.Study:
    """A new study, or the one that the folder holds. Raises InputError when it holds another."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    storage = JournalStorage(JournalFileBackend(str(folder / "trials.log")))
    if any(known != name for known in optuna.get_all_study_names(storage)):
        raise InputError(
            "{folder} holds a search with other settings. Rename the experiment, or delete it.", folder=folder
        )
    return optuna.create_study(
        storage=storage,
        study_name=name,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1),
        load_if_exists=True,
    )


def _early(study: optuna.Study) -> Early:
    """What ending poor trials early saved, by what an epoch of each took."""
    found = study.get_trials(states=(TrialState.COMPLETE,))
    count, epochs, seconds = 0, 0, 0.0
    for trial in found:
        asked, after = trial.params["epochs"], trial.user_attrs.get("ended_after")
        if after is not None and after < asked:
            count, epochs = count + 1, epochs + asked - after
            seconds += (asked - after) * trial.user_attrs["seconds"] / after
    return Early(count, epochs, sum(trial.params["epochs"] for trial in found), seconds)


def _judged(tries: _Tries, asked: Experiment, own: Json, on: Executor) -> Search:
    """Run `recipe: best` and the best trial's settings on the experiment's own split."""
    study, folder = tries.study, tries.folder
    if not study.get_trials(states=(TrialState.COMPLETE,)):
        raise RunError("Every trial failed. The messages above say why.")
    trials = study.trials_dataframe(("number", "value", "params", "user_attrs", "state"))
    trials = trials.sort_values("value", ignore_index=True)
    write_table(folder / "trials.csv", trials)
    wanted = {
        name: settings(optuna.trial.FixedTrial(values), tries.names)
        for name, values in (("best", own), ("chosen", study.best_params))
    }
    two = [asked.on_top_of(each).model_copy(update={"name": name}) for name, each in wanted.items()]
    leaves = []
    for each in two:  # an earlier choice is kept under another name
        there = RunFiles(folder / each.name)
        leaves.append(training(each, folder, there.path.is_dir() and run_lock.other(each, there) is not None))
    if refused := on.run(leaves).refused:
        raise RunError("{names} failed. The messages above say why.", names=", ".join(refused))
    found = [Run.open(folder / each.name) for each in two]
    return Search(trials, *found, compare(found), _early(study))


def own_values(items: pd.DataFrame, backbone: str) -> Json:
    """The values of `recipe: best` itself, by the names of `settings`."""
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


def settings(trial: optuna.Trial, names: tuple[str, ...]) -> Json:
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
