"""Keys `recipe` and `budget`: settings that follow from the photos, the backbone and the time there is."""

import logging
import math
from collections.abc import Callable

from kimchi_vision.base.plain import Json
from kimchi_vision.base.sentence import Sentence, Sentences
from kimchi_vision.config import Experiment
from kimchi_vision.data.photo import Photos
from kimchi_vision.learning.model import Backbone

log = logging.getLogger(__name__)

FEWEST_EPOCHS, MOST_EPOCHS = 4, 10
"""Epochs of `best` on a large folder and on a small one; a budget gives none to the most."""
SEEN = 25_600
"""Photos that `best` learns from, each counted once an epoch, as far as these bounds allow it."""
MANY = 2000
"""Training photos from which batches are twice as large, at rates of one and a half: as many steps, in which
each photo is seen twice as often."""

Pace = Callable[[int], tuple[float, float]]
"""From a side in pixels to the seconds that a photo takes, in a forward pass and in a training step."""


def resolve(asked: Experiment, photos: Photos, backbone: Backbone, pace: Pace | None = None) -> Experiment:
    """The experiment with its recipe's settings written out; what the user set stays as it is.

    backbone: with size and fixed. pace: needed when there is a budget to keep.
    """
    if asked.recipe is None:
        return asked
    given = asked.augment.size if "size" in asked.augment.model_fields_set else None
    size, train = backbone.size if backbone.fixed else given or backbone.size, len(photos.part("train"))
    epochs = None
    if asked.recipe == "best" and asked.budget:
        epochs = _affordable(asked, photos, pace(size))
    chosen = settings(asked.recipe, train, size, epochs, pretrained=asked.model.weights != "none")
    return asked.on_top_of(chosen)


def reasons(experiment: Experiment, photos: Photos) -> Sentences | None:
    """What `best` decided for these photos and why, a sentence or two; None for everything else.

    experiment: as `resolve` gives it.
    """
    cycle = experiment.train.stages[-1].arguments
    if experiment.recipe != "best" or not hasattr(cycle, "lr_max"):
        return None
    train, batch = len(photos.part("train")), experiment.loader.batch_size
    said = [
        Sentence(
            "recipe best: {epochs} epochs of {train} training photos at {size} pixels, in batches of "
            "{batch}. Training ends after {seen} photos or {most} epochs, whichever is less, but not before "
            "{fewest}; from {many} photos on batches are larger.",
            epochs=cycle.epochs,
            train=train,
            size=experiment.augment.size,
            batch=batch,
            seen=SEEN,
            most=MOST_EPOCHS,
            fewest=FEWEST_EPOCHS,
            many=MANY,
        )
    ]
    first, *others = experiment.model.backbone.split("+")
    if others:
        stay = Sentence(
            "{first} learns; {others} stay as they are and have 3 parts of 10 in each answer.",
            first=first,
            others=", ".join(others),
        )
        said.append(stay)
    return Sentences(said, " ")


def usual_epochs(train: int) -> int:
    """Epochs of `best` without a budget. train: number of training photos, at least 1."""
    return min(MOST_EPOCHS, max(FEWEST_EPOCHS, math.ceil(SEEN / train)))


def settings(
    recipe: str, photos: int = 1, size: int = 224, epochs: int | None = None, pretrained: bool = True
) -> Json:
    """The sections that a recipe sets.

    tutorial: fastai's tutorials, as in experiments/exp1.yaml. quick: a linear head on frozen features. best:
    the same as a start, then all layers, the lower ones slower (Kumar et al., 2022, arXiv:2202.10054).
    photos: how many there are to train on. size: side of the photos, pixels. epochs: of `best`, usual_epochs
    when not given; 0 leaves the head alone.
    Chosen on five classes of Food-101; benchmarks/recipes.md says how, and what the others gave.
    """
    if recipe == "tutorial":
        stages = [
            "lr_find",
            {"fine_tune": {"epochs": 3, "freeze_epochs": 1}},
            {"fit_one_cycle": {"epochs": 2, "lr_max": 1e-4}},
        ]
        augment = {"resize": math.ceil(size * 460 / 224), "size": size, "min_scale": 0.75}
        return {"augment": augment, "train": {"stages": stages}}
    epochs = usual_epochs(photos) if epochs is None else epochs
    # Kept this much larger, photos stay sharp: two small steps down blur them twice.
    resize = math.ceil(size * 384 / 224)
    augment = {"resize": resize, "size": size, "min_scale": 0.35, "crop_batch": False}
    if not pretrained:
        stages = [{"fit_one_cycle": {"epochs": max(epochs, 1), "min_steps": 600, "lr_max": 3e-3}}]
        return {"augment": augment, "loader": {"batch_size": 32}, "train": {"stages": stages, "keep": "best"}}
    stages = ["probe"]
    if recipe == "best" and epochs:
        rates = [3e-4, 9e-4] if photos >= MANY else [2e-4, 6e-4]
        stages += ["unfreeze", {"fit_one_cycle": {"epochs": epochs, "lr_max": rates}}]
    # With few photos tuning may cost more than it brings: the running mean of the weights stays near their
    # start after few steps, and the start itself is kept when no epoch is better.
    train = {"stages": stages, "keep": "best", "ema": 0.99, "freeze_bn": True, "label_smoothing": 0.1}
    model = {"head": "linear", "ps": 0.2}
    batches = {"batch_size": 32 if photos >= MANY else 16}
    return {"augment": augment, "loader": batches, "model": model, "train": train}


def _affordable(asked: Experiment, photos: Photos, pace: tuple[float, float]) -> int:
    """Epochs that fit into the budget, by this machine's pace; 0 when not even one does."""
    forward, step = pace
    train, valid = len(photos.part("train")), len(photos.part("valid"))
    # Features of all photos, the predictions and a second look at them for the export's proof.
    once = forward * (train + 3 * valid)
    epoch = step * train + forward * valid
    trainings = 1 + (asked.evaluate.folds or 0)
    epochs = min(MOST_EPOCHS, int((asked.budget_seconds / trainings - once) / epoch))
    if epochs < 1:
        log.warning(
            "budget: %s is too short for an epoch, which takes about %.0f s here: the head alone is fitted.",
            asked.budget,
            epoch,
        )
        return 0
    log.info("budget: %s. Epochs that it gives: %d, of about %.0f s.", asked.budget, epochs, epoch)
    return epochs
