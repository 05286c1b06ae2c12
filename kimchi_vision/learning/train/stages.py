"""A stage of `train` becomes phases: which parameters learn, then one call of the Learner; lr_find, too."""

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from typing import Any

import pandas as pd
import torch
from fastai.callback.core import Callback
from fastai.callback.schedule import minimum, slide, steep, valley
from fastai.data.core import DataLoaders, TfmdDL
from fastai.layers import AdaptiveConcatPool2d, Flatten
from fastai.learner import Learner
from fastcore.basics import noop
from torch import nn, tensor

from kimchi_vision.base.errors import RunError
from kimchi_vision.base.files import write_table
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.config import stages as config
from kimchi_vision.config.base import Section
from kimchi_vision.config.stages import LrFind, Stage
from kimchi_vision.learning.loader import stock
from kimchi_vision.learning.train.callbacks import FreezeBN, Resized
from kimchi_vision.results import plots

log = logging.getLogger(__name__)

POOLING = (AdaptiveConcatPool2d, nn.AdaptiveAvgPool2d, Flatten, nn.Flatten)


@dataclass(frozen=True)
class Phase:
    """Epochs under one schedule.

    prepare: chooses what learns; noop leaves it as the stages before did.
    fit: calls the Learner; `loop` is its `cbs` and `start_epoch`.
    cbs: callbacks that the phase needs.
    """

    name: str
    epochs: int
    prepare: Callable[[Learner], None]
    fit: Callable[..., None] = lambda learn, **loop: None
    cbs: tuple[Callback, ...] = ()


def phases(stage: Stage, suggested: float | None, steps: int) -> list[Phase]:
    """The phases of a stage.

    suggested: the rate for `auto`; RunError when it is needed and None. steps: batches of an epoch.
    """
    arguments = stage.arguments
    wanted = getattr(arguments, "min_steps", 0)
    if wanted:
        epochs = max(arguments.epochs, -(-wanted // steps))
        arguments = arguments.model_copy(update={"epochs": epochs})
    found = _PHASES[stage.name](arguments, suggested)
    size = getattr(arguments, "size", None)
    return [replace(phase, cbs=(*phase.cbs, Resized(size))) for phase in found] if size else found


def count_epochs(stages: tuple[Stage, ...], steps: int) -> int:
    """Epochs over all stages. steps: batches of an epoch."""
    trained = [stage for stage in stages if stage.name in _PHASES]
    return sum(phase.epochs for stage in trained for phase in phases(stage, 1.0, steps))


def freeze(learn: Learner, trainable_groups: int = 1) -> None:
    """Learner.freeze_to, which leaves gradients behind that weight decay would act on."""
    if learn.opt is None:
        learn.create_opt()
    frozen = max(0, len(learn.opt.param_lists) - trainable_groups)
    learn.freeze_to(frozen)
    for group in learn.opt.param_lists[:frozen]:
        for parameter in group:
            parameter.grad = None


def hold_batch_norm(learn: Learner) -> None:
    """Freeze what fastai's freeze leaves trainable in frozen groups: their batch and layer norms."""
    if learn.opt is None:
        return
    for group in learn.opt.param_lists[: learn.opt.frozen_idx]:
        for parameter in group:
            parameter.requires_grad_(False)
            parameter.grad = None


def _freeze_body(learn: Learner) -> None:
    freeze(learn)
    hold_batch_norm(learn)


def _rate(rate: float | tuple[float, ...] | str, suggested: float | None) -> float | slice:
    """A rate as fastai takes it: a number, or a slice from the first group to the head."""
    if rate != "auto":
        return slice(*rate) if isinstance(rate, tuple) else rate
    if suggested is None:
        raise RunError("lr_find suggests no rate, so `auto` has none: give a number, such as 1e-3.")
    return suggested


def _cycle(a: Section, epochs: int, rates: float | slice) -> Callable[..., None]:
    """Learner.fit_one_cycle with those of a stage's arguments that it has, too."""
    options = a.model_dump(include={"div", "div_final", "pct_start", "wd"})
    return lambda learn, **loop: learn.fit_one_cycle(epochs, rates, **options, **loop)


def _fine_tune(a: config.FineTune, suggested: float | None) -> list[Phase]:
    """Learner.fine_tune in its two phases, so that each can be recorded and taken up again."""
    rate = _rate(a.base_lr, suggested)
    half = rate / 2

    def frozen(learn: Learner, **loop: object) -> None:
        learn.fit_one_cycle(a.freeze_epochs, slice(rate), pct_start=0.99, wd=a.wd, **loop)

    last = Phase("fine_tune", a.epochs, Learner.unfreeze, _cycle(a, a.epochs, slice(half / a.lr_mult, half)))
    return [Phase("fine_tune (frozen)", a.freeze_epochs, freeze, frozen), last] if a.freeze_epochs else [last]


def _fit_one_cycle(a: config.FitOneCycle, suggested: float | None) -> list[Phase]:
    return [Phase("fit_one_cycle", a.epochs, noop, _cycle(a, a.epochs, _rate(a.lr_max, suggested)))]


def _fit(a: config.Fit, suggested: float | None) -> list[Phase]:
    rate = _rate(a.lr, suggested)
    return [Phase("fit", a.epochs, noop, lambda learn, **loop: learn.fit(a.epochs, rate, wd=a.wd, **loop))]


def _feature_extract(a: config.FeatureExtract, suggested: float | None) -> list[Phase]:
    cycle = _cycle(a, a.epochs, _rate(a.lr_max, suggested))

    def fit(learn: Learner, **loop: object) -> None:
        with nullcontext() if a.augment else extracted(learn):
            cycle(learn, **loop)

    return [Phase("feature_extract", a.epochs, _freeze_body, fit, (FreezeBN(),))]


def _gradual_unfreeze(a: config.GradualUnfreeze, suggested: float | None) -> list[Phase]:
    rate = _rate(a.lr_max, suggested)
    cycle = _cycle(a, 1, slice(rate / a.lr_mult, rate))
    return [
        Phase(f"gradual_unfreeze {k}", 1, partial(freeze, trainable_groups=k), cycle)
        for k in range(1, a.epochs + 1)
    ]


_PHASES: dict[str, Callable[[Any, float | None], list[Phase]]] = {
    "fine_tune": _fine_tune,
    "fit_one_cycle": _fit_one_cycle,
    "fit": _fit,
    "feature_extract": _feature_extract,
    "gradual_unfreeze": _gradual_unfreeze,
    "freeze": lambda a, suggested: [Phase("freeze", 0, freeze)],
    "unfreeze": lambda a, suggested: [Phase("unfreeze", 0, Learner.unfreeze)],
}


def find_rates(arguments: LrFind, learn: Learner, files: RunFiles) -> float | None:
    """Run lr_find, write its curve, print all suggestions, and return the chosen one.

    None when the loss grew too early to read a rate from it.
    """
    learn.lr_find(**arguments.model_dump(exclude={"suggest"}), show_plot=False, suggest_funcs=None)
    curve = pd.DataFrame({"lr": learn.recorder.lrs, "loss": [float(loss) for loss in learn.recorder.losses]})
    write_table(files.lr_find, curve)
    suggestions = _suggestions(learn, arguments.num_it)
    plots.save(plots.lr_find(curve, suggestions), files.figure("lr_find"))
    if suggestions:
        found = ", ".join(f"{name} {rate:.2g}" for name, rate in suggestions.items())
        log.info("lr_find suggests: %s", found)
    else:
        log.info("lr_find suggests nothing: the loss grew too early.")
    return suggestions.get(arguments.suggest)


def _suggestions(learn: Learner, num_it: int) -> dict[str, float]:
    """Rates by name, as Learner.lr_find trims the curve; a way that finds nothing is left out."""
    lrs = tensor(learn.recorder.lrs[num_it // 10 : -5])
    losses = tensor([float(loss) for loss in learn.recorder.losses[num_it // 10 : -5]])
    finite = losses.isfinite()
    lrs, losses = lrs[finite], losses[finite]
    found: dict[str, float] = {}
    for method in (valley, slide, steep, minimum):
        try:
            rate, _ = method(lrs, losses, num_it)
        except (IndexError, ValueError, RuntimeError):
            continue
        if rate is not None and math.isfinite(rate) and rate > 0:
            found[method.__name__] = float(rate)
    return found


@contextmanager
def extracted(learn: Learner) -> Iterator[None]:
    """Inside the block the loaders give pooled features, which the body and the head's pooling pass on.

    Training photos look as validation photos do. The order of training photos is drawn as it would be.
    """
    photos, head = learn.dls, learn.model[1]
    layers = [learn.model[0], *takewhile(lambda layer: isinstance(layer, POOLING), head)]
    still = photos.test_dl(photos.train_ds.items, with_labels=True)
    loaders = zip((photos.train, photos.valid), (still, photos.valid), strict=True)
    learn.dls = DataLoaders(*(_loader(layers, dl, source) for dl, source in loaders), device=photos.device)
    log.info("The features of %d photos are computed; epochs train the head on them.", len(still.dataset))
    for layer in layers:
        layer.forward = noop
    try:
        yield
    finally:
        for dl, replaced in zip(photos.loaders, learn.dls.loaders, strict=True):
            dl.rng = replaced.rng  # an epoch replaces it; the order goes on from there
        learn.dls = photos
        for layer in layers:
            layer.__dict__.pop("forward")


@torch.no_grad()
def _loader(
    layers: list[nn.Module], dl: TfmdDL, source: Iterable[tuple[torch.Tensor, torch.Tensor]]
) -> TfmdDL:
    """A loader like dl over the features of source, with dl's generator of random numbers."""
    network = nn.Sequential(*layers).eval()
    items = []
    for pictures, classes in source:
        items += zip(network(pictures), classes, strict=True)
    options = {"bs": dl.bs, "shuffle": dl.shuffle, "drop_last": dl.drop_last, "device": dl.device}
    found = TfmdDL(items, num_workers=0, **options)
    found.rng = dl.rng
    if stock.is_balanced(dl):
        found.shuffle_fn = lambda order: stock.evenly(dl.items["label"], found.rng, order)
    return found
