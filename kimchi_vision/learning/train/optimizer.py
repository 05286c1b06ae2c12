"""Key `train.opt_func`: which optimizer takes the steps."""

from __future__ import annotations

from functools import partial

from fastai.learner import Learner
from fastai.optimizer import SGD, Adam, Lamb, OptimWrapper, QHAdam, RAdam, RMSProp, ranger
from timm.optim import Lion

from kimchi_vision.config.sections import Train

OPTIMIZERS = {
    "adam": Adam,
    "lamb": Lamb,
    "lion": partial(OptimWrapper, opt=Lion),
    "qhadam": QHAdam,
    "radam": RAdam,
    "ranger": ranger,
    "rmsprop": RMSProp,
    "sgd": SGD,
}


def choose(section: Train, learn: Learner) -> None:
    """Give the learner the section's optimizer, with the same groups frozen; Adam leaves it what it has."""
    if section.opt_func == "adam":
        return
    frozen = learn.opt.frozen_idx if learn.opt is not None else 0
    learn.opt_func = OPTIMIZERS[section.opt_func]
    learn.create_opt()
    learn.freeze_to(frozen)
