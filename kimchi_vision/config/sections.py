"""The sections of an experiment file: one frozen model each, every default in one place."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kimchi_vision.config.stages import Stage

Probability = Annotated[float, Field(ge=0, le=1)]
Monitor = Literal[
    "valid_loss", "train_loss", "accuracy", "error_rate", "macro_recall", "macro_precision", "macro_f1"
]


class Section(BaseModel):
    """Base of all sections: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Sample(Section):
    """Drawn photos with known truth, for trying things out without a data set."""

    name: Literal["kimchi"] = "kimchi"
    per_class: int = Field(40, ge=2, description="photos drawn for each class")
    seed: int = Field(0, ge=0, description="the same seed draws the same photos")
    label_errors: Probability = Field(0.0, description="share of photos put under a wrong class")
    duplicates: Probability = Field(0.0, description="share of photos that are near-copies of another one")
    background: Probability = Field(
        0.0, description="share of photos whose table gives the class away (a planted shortcut)"
    )


class Policy(Section):
    """What is done about photos with a problem; every photo that is left out is listed with its reason.

    error stops before training, skip leaves the photos out, keep trains on them.
    """

    unreadable: Literal["error", "skip"] = Field("error", description="empty, damaged, or no photo at all")
    tiny: Literal["error", "skip", "keep"] = Field("skip", description="a side below 16 pixels")
    elongated: Literal["error", "skip", "keep"] = Field("skip", description="over 8 times as long as wide")
    conflict: Literal["error", "skip", "keep"] = Field("skip", description="one picture in two classes")


class Data(Section):
    """Photos in class folders, and how they are split."""

    path: Path | None = Field(None, description="folder whose leaf folders are named after the classes")
    sample: Sample | None = Field(None, description="draw photos instead of reading a folder")
    per_class: int | None = Field(None, ge=2, description="keep the first N photos of each class, by name")
    exclude: Path | None = Field(None, description="CSV with a column path: photos to leave out")
    relabel: Path | None = Field(None, description="CSV with columns path and suggested: better classes")
    policy: Policy = Policy()
    duplicates: Literal["group", "skip", "keep"] = Field(
        "group", description="copies of one picture stay in one part, are left out, or are not looked for"
    )
    group_by: str | None = Field(
        None, description="regular expression on the path; photos with the same match stay in one part"
    )
    splitter: Literal["random", "stratified", "kfold", "folders"] = Field(
        "random",
        description="fastai's RandomSplitter, the same by class, one of `folds` parts by class, "
        "or folders named train/valid/test",
    )
    split: Path | None = Field(None, description="a split made before (`data split`), instead of a splitter")
    valid_pct: float = Field(0.2, gt=0, lt=1, description="share of photos for validation")
    test_pct: float = Field(0.0, ge=0, lt=1, description="share held out for the final evaluation")
    folds: int = Field(5, ge=2, description="parts of `kfold`")
    fold: int = Field(0, ge=0, description="the part that validates, counted from 0")
    seed: int = Field(42, ge=0, description="seed of the split")

    @model_validator(mode="before")
    @classmethod
    def _sample_by_name(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("sample"), str):
            return {**value, "sample": {"name": value["sample"]}}
        return value

    @model_validator(mode="after")
    def _one_source(self) -> Data:
        if (self.path is None) == (self.sample is None):
            raise ValueError("give either `path` (a folder of photos) or `sample: kimchi` (drawn photos)")
        if self.valid_pct + self.test_pct >= 1:
            raise ValueError("valid_pct and test_pct leave nothing to train on")
        if self.test_pct and self.splitter in ("kfold", "folders"):
            raise ValueError(f"test_pct has no meaning for the splitter {self.splitter}")
        if self.fold >= self.folds:
            raise ValueError(f"fold {self.fold} is not below folds {self.folds}; they count from 0")
        return self


class Augment(Section):
    """Item transform (Resize) and batch transforms, with the names of fastai's aug_transforms.

    Source of the defaults: fastai.vision.augment.aug_transforms, docs.fast.ai/vision.augment.html.
    """

    engine: Literal["fused", "fastai"] = Field(
        "fastai", description="fastai's own transforms, or one warp and one table for each training photo"
    )
    resize: int = Field(460, ge=8, description="presize, pixels")
    resize_method: Literal["crop", "squish", "pad"] = Field("crop", description="fastai's ResizeMethod")
    size: int = Field(224, ge=8, description="size that the model sees, pixels")
    mult: float = Field(1.0, ge=0, description="multiplies max_rotate, max_lighting, max_warp")
    do_flip: bool = Field(True, description="flip left and right at random")
    flip_vert: bool = Field(False, description="all eight flips and quarter turns")
    max_rotate: float = Field(10.0, ge=0, le=180, description="degrees")
    min_zoom: float = Field(1.0, gt=0)
    max_zoom: float = Field(1.1, gt=0)
    max_lighting: float = Field(0.2, ge=0, lt=1, description="brightness and contrast")
    max_warp: float = Field(0.2, ge=0, lt=1, description="perspective")
    p_affine: Probability = 0.75
    p_lighting: Probability = 0.75
    mode: Literal["bilinear", "nearest", "bicubic"] = "bilinear"
    pad_mode: Literal["reflection", "border", "zeros"] = "reflection"
    align_corners: bool = True
    batch: bool = Field(False, description="the same draw for all photos of a batch")
    min_scale: float = Field(1.0, gt=0, le=1, description="smallest share of the area that a crop keeps")
    normalize: Literal["backbone", "imagenet", "none"] = Field(
        "backbone", description="statistics that the backbone was trained with, ImageNet's, or none"
    )

    @model_validator(mode="after")
    def _sizes_agree(self) -> Augment:
        if self.size > self.resize:
            raise ValueError(f"size {self.size} is larger than resize {self.resize}")
        if self.min_zoom > self.max_zoom:
            raise ValueError(f"min_zoom {self.min_zoom} is larger than max_zoom {self.max_zoom}")
        return self


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


class Model(Section):
    """Backbone, weights and head."""

    backbone: str = Field("resnet18", min_length=1, description="a torchvision or timm name; see `models`")
    weights: str = Field(
        "default", min_length=1, description="default, none, offline, or a .pth or .safetensors file"
    )
    ps: float = Field(0.5, ge=0, lt=1, description="dropout of the head")
    lin_ftrs: tuple[Annotated[int, Field(ge=1)], ...] | None = Field(
        None, description="widths of hidden layers"
    )
    concat_pool: bool = Field(True, description="average and maximum pooling, or average only")


class Train(Section):
    """Stages in order, and which epoch is kept. A plain list is short for `{stages: [...]}`."""

    stages: tuple[Stage, ...] = Field(min_length=1)
    keep: Literal["last", "best"] = Field("last", description="the epoch that is evaluated and exported")
    monitor: Monitor = Field("valid_loss", description="what `best` looks at")
    mode: Literal["min", "max"] | None = Field(None, description="by default max for scores, min for losses")
    seed: int = Field(42, ge=0, description="seed of head, order and augmentation")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto", description="of training steps; auto takes the half precision that this hardware multiplies"
    )

    @model_validator(mode="before")
    @classmethod
    def _list_is_stages(cls, value: Any) -> Any:
        return {"stages": value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _auto_follows_lr_find(self) -> Train:
        names = [stage.name for stage in self.stages]
        for number, stage in enumerate(self.stages):
            if "auto" in stage.arguments.model_dump().values() and "lr_find" not in names[:number]:
                raise ValueError(f"the rate `auto` of {stage.name} needs the stage lr_find before it")
        return self

    @property
    def sign(self) -> int:
        """1 when a larger `monitor` is better, -1 when a smaller one is."""
        lower = self.monitor in ("valid_loss", "train_loss", "error_rate")
        return {"min": -1, "max": 1, None: -1 if lower else 1}[self.mode]

    @property
    def worst(self) -> float:
        """A value of `monitor` that every epoch beats."""
        return -self.sign * math.inf


class Evaluate(Section):
    """What is computed from the predictions."""

    top_k: int = Field(5, ge=1, description="a photo counts when its class is among the k most probable")
    top_losses: int = Field(9, ge=1, description="photos shown")


class Calibrate(Section):
    """What probabilities are worth, and when the model says that it does not know."""

    bins: int = Field(15, ge=2, le=100, description="bins of the reliability diagram, of equal width")
    abstain_at: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None, description="share of wrong answers to keep, by leaving the least sure photos unanswered"
    )


class Goals(Section):
    """What the model has to reach to be used."""

    accuracy: Probability | None = Field(None, description="share of photos that must be right")
    fps: float | None = Field(None, gt=0, description="photos a second, one after the other")


class Report(Section):
    """The page about the run."""

    lang: Literal["auto", "ko", "en"] = Field("auto", description="auto takes the language of the system")


class Export(Section):
    """Files that leave the run."""

    pkl: bool = Field(True, description="model.pkl, for fastai's load_learner")
    weights: bool = Field(True, description="weights.pth, the state dict alone")
    onnx: bool = Field(True, description="model.onnx, for onnxruntime; what `predict` and `serve` use")
    safetensors: bool = Field(True, description="model.safetensors, the state dict without a program in it")
