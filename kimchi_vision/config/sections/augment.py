"""Section `augment`: how photos are resized, varied and normalised."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from kimchi_vision.base.sentence import Sentence
from kimchi_vision.config.sections.base import Probability, Section


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
