"""Sections `loader`, `features`, `model`, `train` and `jobs`: what learns, from what, how, and on what."""

import math
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from kimchi_vision.base.sentence import Sentence
from kimchi_vision.config.base import Section
from kimchi_vision.config.stages import Stage

Monitor = str
"""A score of results.scores by its name, or valid_loss or train_loss."""


class Loader(Section):
    """How batches are made."""

    batch_size: int = Field(64, ge=1, description="never above the number of training photos")
    workers: int = Field(
        2, ge=0, description="threads (engine fused) or processes (engine fastai) that make batches"
    )
    cache: Literal["auto", "memmap", "jpeg", "none"] = Field(
        "auto",
        description="how small photos are kept between epochs and runs; auto packs JPEG when memory is short",
    )
    sampling: Literal["shuffle", "balanced"] = Field(
        "shuffle", description="balanced: photos are drawn so that an epoch shows all classes alike"
    )


class Features(Section):
    """What the frozen backbone sees in the photos, and how well a linear head on that does: the floor."""

    floor: bool = Field(True, description="fit a linear head on frozen features before any training")
    folds: int = Field(5, ge=2, description="parts of the cross-validation that chooses its regularisation")


def _joined(backbones: Any) -> Any:
    """A list of names as one name."""
    return "+".join(map(str, backbones)) if isinstance(backbones, list | tuple) else backbones


class Model(Section):
    """Backbone, weights and head."""

    backbone: Annotated[str, BeforeValidator(_joined)] = Field(
        "resnet18",
        min_length=1,
        description="a torchvision or timm name; see `models`. Of several, [a, b] or a+b, the first learns",
    )
    weights: str = Field(
        "default", min_length=1, description="default, none, offline, or a .pth or .safetensors file"
    )
    head: Literal["fastai", "linear"] = Field(
        "fastai", description="fastai's two layers, or average pooling and one linear layer"
    )
    ps: float = Field(0.5, ge=0, lt=1, description="dropout of the head")
    lin_ftrs: tuple[Annotated[int, Field(ge=1)], ...] | None = Field(
        None, description="widths of hidden layers"
    )
    concat_pool: bool = Field(True, description="average and maximum pooling, or average only")


class EarlyStop(Section):
    """When training ends before its last epoch, counted over all stages."""

    monitor: Monitor = "valid_loss"
    patience: int = Field(3, ge=1, description="epochs without a better value")
    min_delta: float = Field(0.0, ge=0, description="a value is better when it is so much better")

    def is_over(self, values: Sequence[float], sign: int) -> bool:
        """Whether the last `patience` epochs brought nothing better.

        values: of `monitor`, one an epoch. sign: 1 when higher ones are better, -1 when lower ones are.
        """
        best, since = -math.inf, 0
        for value in values:
            since += 1
            if sign * value > best + self.min_delta:
                best, since = sign * value, 0
        return since >= self.patience


class Train(Section):
    """Stages in order, and which epoch is kept. A plain list is short for `{stages: [...]}`."""

    short = (list, "stages")

    stages: tuple[Stage, ...] = Field((), description="needed unless there is a recipe")
    keep: Literal["last", "best"] = Field("last", description="the epoch that is evaluated and exported")
    monitor: Monitor = Field("valid_loss", description="what `best` looks at")
    mode: Literal["min", "max"] | None = Field(None, description="by default max for scores, min for losses")
    freeze_bn: bool = Field(
        False,
        description="batch norms of the body keep their statistics, and frozen stages train nothing of it",
    )
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="share of each label that is spread over all classes"
    )
    class_weights: Literal["none", "balanced"] = Field(
        "none", description="balanced: a photo of a rare class counts more, as scikit-learn weighs it"
    )
    logit_adjustment: float = Field(
        0.0,
        ge=0,
        description="1: training adds the log of its share to each class's logit, so that rare classes count",
    )
    loss: Literal["cross_entropy", "focal"] = Field(
        "cross_entropy", description="focal: fastai's, in which photos that are told well count less"
    )
    opt_func: Literal["adam", "lamb", "lion", "qhadam", "radam", "ranger", "rmsprop", "sgd"] = Field(
        "adam", description="fastai's optimizers by their names, and timm's lion; each wants its own rates"
    )
    mixup: float = Field(0.0, ge=0, description="alpha of fastai's MixUp; 0 mixes nothing")
    cutmix: float = Field(0.0, ge=0, description="alpha of fastai's CutMix; 0 mixes nothing")
    ema: float = Field(
        0.0, ge=0, lt=1, description="share of a running mean of the weights that stays at each step; 0: none"
    )
    early_stop: EarlyStop | None = Field(None, description="end when this many epochs bring nothing better")
    keep_checkpoints: int = Field(1, ge=1, description="epochs whose states are kept, beside the best one")
    checkpoint_minutes: float = Field(
        10.0, gt=0, description="time between two checkpoints within a long epoch"
    )
    seed: int = Field(42, ge=0, description="seed of head, order and augmentation")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto", description="of training steps; auto takes the half precision that this hardware multiplies"
    )
    compile: bool = Field(False, description="torch.compile: minutes at the start, for long runs on a GPU")
    devices: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        1,
        description="GPUs that train together, each with its part of a batch; auto: all that have 16 photos "
        "of it or more. Without a GPU, processes",
    )

    def contradictions(self) -> Iterator[Sentence]:
        """Stages in an order that cannot be, and settings that exclude each other."""
        names = [stage.name for stage in self.stages]
        for number, stage in enumerate(self.stages):
            if "auto" in stage.arguments.model_dump().values() and "lr_find" not in names[:number]:
                yield Sentence("the rate `auto` of {name} needs the stage lr_find before it", name=stage.name)
        if self.mixup and self.cutmix:
            yield Sentence("give either mixup or cutmix: each takes the whole batch")
        if self.compile and self.devices != 1:
            yield Sentence("give either `compile: true` or several devices")
        if self.loss == "focal" and self.label_smoothing:
            yield Sentence("give either `loss: focal` or label_smoothing: fastai has no loss with both")
        if "probe" in names[1:]:
            yield Sentence("the stage probe comes first: it knows the features of the untrained body")

    @property
    def sizes(self) -> set[int]:
        """Sides of training photos, pixels, that stages ask for themselves."""
        return {size for stage in self.stages if (size := getattr(stage.arguments, "size", None))}


class Jobs(Section):
    """What one training needs, where several run side by side; a table's own key, beside `rows`."""

    cpus: int = Field(1, ge=1, description="processors, and so threads: a result's last bits hang on them")
    gpus: float | None = Field(None, ge=0, description="by default one where the machines have any")
    memory: str | None = Field(None, description="such as 8GB; by default it is not looked at")

    @field_validator("memory")
    @classmethod
    def _is_an_amount(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"\d+(\.\d+)? ?[MG]B", value):
            raise ValueError(Sentence("write an amount of memory as 500MB or 8GB"))
        return value

    @property
    def bytes(self) -> int:
        """`memory` as a number, 0 when it is not given."""
        units = {"MB": 10**6, "GB": 10**9}
        return int(float(self.memory[:-2]) * units[self.memory[-2:]]) if self.memory else 0
