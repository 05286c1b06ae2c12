"""What a search tries: the settings around `recipe: best`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna

from kimchi_vision.base.plain import Json
from kimchi_vision.learning import recipe

if TYPE_CHECKING:
    import pandas as pd


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
