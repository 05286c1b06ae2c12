"""A user's own parts of a run, given from Python: they are named in the run folder, never in YAML."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.messages import TEXTS
from kimchi_vision.results.intervals import Estimate
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.scores import METRICS, OWN, Asked, Metric, own

if TYPE_CHECKING:
    from fastai.callback.core import Callback
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fasttransform import Transform


@dataclass(frozen=True)
class OwnParts:
    """Parts that replace or join the package's own. Raises InputError for a part that cannot be one.

    learner: from DataLoaders to an untrained Learner, in place of vision_learner.
    callbacks: fastai callbacks beside the training.
    scores: functions from Predictions to a share, 0 to 1, higher is better; each becomes a score of its name.
    item_tfms, batch_tfms: fastai transforms of training photos beside the package's own, in the `order` that
    each has; with them fastai's engine varies photos.
    """

    learner: Callable[[DataLoaders], Learner] | None = None
    callbacks: Sequence[Callback] = ()
    scores: Sequence[Callable[[Predictions], float]] = ()
    item_tfms: Sequence[Transform] = ()
    batch_tfms: Sequence[Transform] = ()

    def named(self) -> dict[str, list[dict[str, str]]]:
        """For the run folder: what was given by its kind, each with name and digest of its source."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        listed = {name: [value] if callable(value) else list(value or ()) for name, value in given.items()}
        return {name: [_named(part) for part in parts] for name, parts in listed.items() if parts}

    @contextmanager
    def beside(self, learn: Learner) -> Iterator[None]:
        """Inside the block the callbacks are the Learner's; an exported one does not hold them."""
        with learn.added_cbs(list(self.callbacks)):
            yield

    @contextmanager
    def registered(self) -> Iterator[None]:
        """Inside the block `scores` are in the registry of scores."""
        before = dict(METRICS)
        METRICS.update({function.__name__: _metric(function) for function in self.scores})
        try:
            yield
        finally:
            METRICS.clear()
            METRICS.update(before)


NO_PARTS = OwnParts()


def _metric(function: Callable[[Predictions], float]) -> Metric:
    def estimate(predictions: Predictions, section: Asked) -> Estimate:
        return Estimate(float(function(predictions)), None, None)

    name = function.__name__
    taken = name in METRICS or (name in TEXTS and TEXTS.get(f"{name}_explained") != OWN)
    if taken or not name.isidentifier():
        raise InputError(
            "scores: a function called `{name}` cannot be a score; give it a name of its own.", name=name
        )
    return own(name, estimate)


def _named(part: object) -> dict[str, str]:
    kind = part if inspect.isfunction(part) or inspect.isclass(part) else type(part)
    try:
        source = inspect.getsource(kind)
    except (OSError, TypeError):  # typed at a prompt, or compiled
        source = kind.__qualname__
    return {"name": kind.__qualname__, "digest": hashlib.sha256(source.encode()).hexdigest()[:12]}
