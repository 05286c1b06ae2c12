"""Section `data`: photos in class folders, and how they are split."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from kimchi_vision.base.sentence import Sentence
from kimchi_vision.config.sections.base import Probability, Section


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

    @model_validator(mode="before")
    @classmethod
    def _sample_by_name(cls, value: object) -> object:
        if isinstance(value, dict) and isinstance(value.get("sample"), str):
            return {**value, "sample": {"name": value["sample"]}}
        return value

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
