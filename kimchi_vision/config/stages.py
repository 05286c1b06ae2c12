"""The stages of `train`: each one a method of fastai's Learner, with its argument names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from kimchi_vision.base.sentence import Sentence
from kimchi_vision.config.base import Section

Rate = Annotated[float, Field(gt=0, lt=100)]
Rates = Rate | tuple[Rate, Rate] | Literal["auto"]
"""One rate, two (fastai's slice: first group, head), or `auto`: what the last lr_find suggests."""
Epochs = Annotated[int, Field(ge=1, le=10_000)]
Steps = Annotated[int, Field(ge=0, description="more epochs when these take fewer steps than this")]
Size = Annotated[
    int | None, Field(ge=32, description="side of the training photos, pixels; augment.size when not given")
]
Fraction = Annotated[float, Field(gt=0, lt=1)]


class LrFind(Section):
    """Learner.lr_find: a mock training with growing rates. Smith, 2015, arXiv:1506.01186."""

    start_lr: Rate = 1e-7
    end_lr: Rate = 10.0
    num_it: int = Field(100, ge=30, description="the slide suggestion needs 30")
    stop_div: bool = Field(True, description="stop when the loss explodes")
    suggest: Literal["valley", "slide", "steep", "minimum"] = Field("valley", description="what `auto` takes")


class FineTune(Section):
    """Learner.fine_tune: frozen epochs at base_lr, then unfrozen ones at half of it, slower below."""

    epochs: Epochs
    base_lr: Rate | Literal["auto"] = 2e-3
    freeze_epochs: int = Field(1, ge=0, le=10_000)
    min_steps: Steps = 0
    size: Size = None
    lr_mult: float = Field(100.0, gt=0)
    pct_start: Fraction = 0.3
    div: float = Field(5.0, gt=0)
    wd: float | None = Field(None, ge=0, description="weight decay; fastai's 0.01 when not given")


class FitOneCycle(Section):
    """Learner.fit_one_cycle. Smith, 2018, arXiv:1803.09820."""

    epochs: Epochs
    lr_max: Rates = 1e-3
    min_steps: Steps = 0
    size: Size = None
    div: float = Field(25.0, gt=0)
    div_final: float = Field(1e5, gt=0)
    pct_start: Fraction = 0.25
    wd: float | None = Field(None, ge=0)


class Fit(Section):
    """Learner.fit: a flat rate."""

    epochs: Epochs
    lr: Rates = 1e-3
    size: Size = None
    wd: float | None = Field(None, ge=0)


class FeatureExtract(Section):
    """The body stays as it is, batch-norm statistics too; only the head learns, in one cycle."""

    epochs: Epochs
    lr_max: Rate | Literal["auto"] = 1e-3
    augment: bool = Field(True, description="false: photos do not vary, so their features are computed once")
    pct_start: Fraction = 0.25
    wd: float | None = Field(None, ge=0)


class GradualUnfreeze(Section):
    """One cycle an epoch, each with one more parameter group. Howard and Ruder, 2018, arXiv:1801.06146."""

    epochs: Epochs
    lr_max: Rate | Literal["auto"] = 1e-3
    lr_mult: float = Field(100.0, gt=0, description="the lowest group learns this much slower")
    wd: float | None = Field(None, ge=0)


class Probe(Section):
    """The linear head becomes the one that fits the frozen features best; nothing is trained.

    Kumar et al., 2022, arXiv:2202.10054: tuning that starts there distorts the features less.
    """


class Freeze(Section):
    """Learner.freeze: all groups but the head."""


class Unfreeze(Section):
    """Learner.unfreeze: every group learns."""


class Stage(Section):
    """One entry of `train.stages`: a name, or a name with its arguments."""

    lr_find: LrFind | None = None
    fine_tune: FineTune | None = None
    fit_one_cycle: FitOneCycle | None = None
    fit: Fit | None = None
    feature_extract: FeatureExtract | None = None
    gradual_unfreeze: GradualUnfreeze | None = None
    probe: Probe | None = None
    freeze: Freeze | None = None
    unfreeze: Unfreeze | None = None

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: object) -> object:
        if isinstance(value, str):
            return {value: {}}
        if isinstance(value, dict):
            return {name: {} if arguments is None else arguments for name, arguments in value.items()}
        return value

    def contradictions(self) -> Iterator[Sentence]:
        """Two names, or none."""
        if len(self.model_fields_set) != 1:
            yield Sentence("each stage is one name, with a dash of its own")

    @property
    def name(self) -> str:
        """The stage's name: a field of this class."""
        return next(iter(self.model_fields_set))

    @property
    def arguments(self) -> Section:
        """The stage's arguments: the model under its name."""
        return getattr(self, self.name)
