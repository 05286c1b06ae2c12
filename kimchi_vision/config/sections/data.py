"""Sections `data` and `augment`: photos in class folders, how they are split, resized, varied, normalised."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from kimchi_vision.base.sentence import Sentence
from kimchi_vision.config.base import Probability, Section


class Sample(Section):
    """Drawn photos with known truth, for trying things out without a data set."""

    short = (str, "name")

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

    error stops before training, skip leaves the photos out, fix reads them rightly wherever they are opened,
    keep uses them as they are. Files are never changed; `data check --fix-to` writes whole ones elsewhere.
    What is missing of a damaged photo cannot be put right, so `unreadable` has no fix. It holds for a photo
    that goes bad during training, too; one of validation always stops the run, since a score without it is
    another score.
    """

    unreadable: Literal["error", "skip"] = Field("error", description="empty, damaged, or no photo at all")
    tiny: Literal["error", "skip", "keep"] = Field("skip", description="a side below 16 pixels")
    elongated: Literal["error", "skip", "keep"] = Field("skip", description="over 8 times as long as wide")
    conflict: Literal["error", "skip", "keep"] = Field("skip", description="one picture in two classes")
    rotated: Literal["error", "skip", "fix"] = Field("fix", description="turned by EXIF; fix: upright")
    mode: Literal["error", "skip", "fix"] = Field(
        "fix", description="CMYK, palette, 16 bits, transparent; fix: scaled to RGB, on white"
    )
    ending: Literal["error", "skip", "fix"] = Field(
        "fix", description="a PNG named .jpg and the like; fix: read by content"
    )
    animated: Literal["error", "skip", "fix"] = Field("fix", description="fix: the first frame")


class Data(Section):
    """Photos in class folders, and how they are split."""

    path: Path | None = Field(None, description="folder of photos in class folders, or with a file of labels")
    layout: Literal["auto", "first", "folder", "path", "parts", "table"] = Field(
        "auto",
        description="where classes are read. auto: asks when that is not plain. first: the first level of "
        "folders below the root or train/; folder: the folder that a photo lies in; path: all of them, "
        "apple/ripe; parts: folders named train and test are parts, what lies beside them is set aside; "
        "table: a CSV or JSON file in the folder",
    )
    missing_class: Literal["error", "drop"] = Field(
        "error", description="a class without a photo that can be used: stop, or train without it"
    )
    sample: Sample | None = Field(None, description="draw photos instead of reading a folder")
    per_class: int | None = Field(None, ge=2, description="keep the first N photos of each class, by name")
    exclude: Path | None = Field(None, description="CSV with a column path: photos to leave out")
    relabel: Path | None = Field(None, description="CSV with columns path and suggested: better classes")
    new_classes: tuple[str, ...] = Field((), description="classes that only `relabel` gives, so no slips")
    crop: Literal["none", "box"] = Field("none", description="box: cut each photo to its box in boxes.csv")
    policy: Policy = Policy()
    duplicates: Literal["group", "skip", "keep"] = Field(
        "group", description="copies of one picture stay in one part, are left out, or are not looked for"
    )
    group_by: str | None = Field(
        None,
        description="regular expression on the path; photos with the same match stay in one part and "
        "count as one in intervals and tests",
    )
    splitter: Literal["auto", "random", "stratified", "hashed", "kfold", "folders"] = Field(
        "auto",
        description="auto: the set's own parts, such as train/ and val/, else random; random: fastai's "
        "RandomSplitter; stratified: the same by class; hashed: by a hash of each photo's content, so that "
        "photos that are added move none of those there; kfold: one of `folds` parts by class; folders: the "
        "set's own parts, where test validates when there is no valid",
    )
    parts: Literal["keep", "pool"] = Field(
        "keep",
        description="a set's own parts: kept, or train and valid shared out anew by the splitter; its test "
        "part is never trained on",
    )
    split: Path | None = Field(None, description="a split made before (`data split`), instead of a splitter")
    valid_pct: float = Field(0.2, gt=0, lt=1, description="share of photos for validation")
    test_pct: float = Field(0.0, ge=0, lt=1, description="share held out for the final evaluation")
    train_share: float = Field(
        1.0, gt=0, le=1, description="share of each class's training photos to use; smaller within larger"
    )
    draw: int = Field(0, ge=0, description="which photos `train_share` takes; another number draws others")
    folds: int = Field(5, ge=2, description="parts of `kfold`")
    fold: int = Field(0, ge=0, description="the part that validates, counted from 0")
    seed: int = Field(42, ge=0, description="seed of the split")

    def contradictions(self) -> Iterator[Sentence]:
        """Two sources or none, and parts that leave nothing."""
        if (self.path is None) == (self.sample is None):
            yield Sentence("give either `path` (a folder of photos) or `sample: kimchi` (drawn photos)")
        if self.valid_pct + self.test_pct >= 1:
            yield Sentence("valid_pct and test_pct leave nothing to train on")
        if self.test_pct and self.splitter in ("kfold", "folders"):
            yield Sentence("test_pct has no meaning for the splitter {splitter}", splitter=self.splitter)
        if self.fold >= self.folds:
            counted = "fold {fold} is not below folds {folds}; they count from 0"
            yield Sentence(counted, fold=self.fold, folds=self.folds)


class Augment(Section):
    """Item transform (Resize) and batch transforms, with the names of fastai's aug_transforms.

    Source of the defaults: fastai.vision.augment.aug_transforms, docs.fast.ai/vision.augment.html.
    """

    engine: Literal["fused", "fastai"] = Field(
        "fused", description="one warp and one table for each training photo, or fastai's own transforms"
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
    crop_batch: bool = Field(
        True, description="photos of a batch share their crop, as fastai's do; false: each its own"
    )
    normalize: Literal["backbone", "imagenet", "none"] = Field(
        "backbone", description="statistics that the backbone was trained with, ImageNet's, or none"
    )

    def contradictions(self) -> Iterator[Sentence]:
        """Sizes, zooms and crops."""
        if self.size > self.resize:
            yield Sentence("size {size} is larger than resize {resize}", size=self.size, resize=self.resize)
        if self.min_zoom > self.max_zoom:
            zooms = {"min_zoom": self.min_zoom, "max_zoom": self.max_zoom}
            yield Sentence("min_zoom {min_zoom} is larger than max_zoom {max_zoom}", **zooms)
        if self.engine == "fastai" and not self.crop_batch:
            yield Sentence("crop_batch false needs the engine fused: fastai crops a batch alike")
