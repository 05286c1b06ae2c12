import numpy as np
import pytest
import torch
from fastai.data.transforms import ToTensor
from fastai.vision.augment import aug_transforms
from fastai.vision.core import PILImage, TensorImage, imagenet_stats
from fasttransform import Pipeline

from kimchi_vision.config.sections import Augment
from kimchi_vision.learning import augment
from kimchi_vision.results.preprocess import LARGEST_GAP

HALVES = ((0.5,) * 3, (0.5,) * 3)


def names(tfms):
    return [type(tfm).__name__ for tfm in tfms]


def test_the_defaults_are_those_of_aug_transforms():
    batch_tfms = augment.transforms(Augment(engine="fastai", min_scale=0.75, normalize="none"), HALVES).batch
    expected = aug_transforms(size=224, min_scale=0.75)
    assert list(map(str, batch_tfms)) == list(map(str, expected))


def test_photos_are_presized_by_the_chosen_method():
    (resize,) = augment.transforms(Augment(resize=64, size=32, resize_method="pad"), HALVES).item
    assert (resize.size, resize.method) == ((64, 64), "pad")


@pytest.mark.parametrize(
    ("normalize", "mean"), [("backbone", 0.5), ("imagenet", imagenet_stats[0][0]), ("none", None)]
)
def test_normalisation_uses_the_named_statistics(normalize, mean):
    batch_tfms = augment.transforms(Augment(normalize=normalize), HALVES).batch
    found = [tfm.mean.flatten()[0].item() for tfm in batch_tfms if type(tfm).__name__ == "Normalize"]
    assert found == ([] if mean is None else [pytest.approx(mean)])


def test_photos_reach_their_size_even_when_nothing_moves():
    still = Augment(resize=64, size=32, do_flip=False, max_rotate=0, max_zoom=1, max_warp=0, max_lighting=0)
    batch_tfms = augment.transforms(still, HALVES).batch
    assert names(batch_tfms) == ["RandomResizedCropGPU", "Normalize"]
    assert batch_tfms[0](TensorImage(torch.rand(2, 3, 64, 64)), split_idx=1).shape == (2, 3, 32, 32)


@pytest.mark.parametrize("method", ["crop", "pad", "squish"])
@pytest.mark.parametrize(
    "keys", [{}, {"min_scale": 0.75}, {"mode": "bicubic", "pad_mode": "zeros"}, {"align_corners": False}]
)
def test_the_steps_are_the_transforms_of_a_validation_photo(keys, method):
    section = Augment(resize=48, size=32, resize_method=method, normalize="imagenet", **keys)
    tfms = augment.transforms(section, HALVES)
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    photo = Pipeline([*tfms.item, ToTensor()], split_idx=1)(PILImage.create(pixels))
    expected = Pipeline(tfms.batch, split_idx=1)(TensorImage(photo[None].float() / 255))[0]
    found = tfms.steps(PILImage.create(pixels))
    assert np.abs(found - np.asarray(expected)).max() < LARGEST_GAP
