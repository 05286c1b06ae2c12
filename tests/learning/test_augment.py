import numpy as np
import pytest
import torch
from fastai.data.transforms import ToTensor
from fastai.torch_core import set_seed
from fastai.vision.augment import aug_transforms
from fastai.vision.core import PILImage, TensorImage, imagenet_stats
from fasttransform import Pipeline, Transform

from kimchi_vision.config.sections import Augment
from kimchi_vision.learning import augment
from kimchi_vision.results.preprocess import LARGEST_GAP

HALVES = ((0.5,) * 3, (0.5,) * 3)


def names(tfms):
    return [type(tfm).__name__ for tfm in tfms]


def varied(tfms) -> torch.Tensor:
    """What batch transforms make of a few training photos, from a seed."""
    batch = TensorImage(torch.rand(6, 3, 48, 48, generator=torch.Generator().manual_seed(1)))
    set_seed(3)
    for tfm in sorted(tfms, key=lambda tfm: tfm.order):
        batch = tfm(batch, split_idx=0)
    return batch


KEYS = {
    "mult": 1.5, "do_flip": False, "flip_vert": True, "max_rotate": 40.0, "min_zoom": 0.5, "max_zoom": 1.6,
    "max_lighting": 0.5, "max_warp": 0.05, "p_affine": 0.2, "p_lighting": 0.2, "mode": "nearest",
    "pad_mode": "zeros", "align_corners": False, "batch": True, "min_scale": 0.5,
}  # fmt: skip


@pytest.mark.parametrize("key", ["defaults", *KEYS])
def test_each_key_is_that_of_aug_transforms(key):
    keys = {"size": 32} | ({key: KEYS[key]} if key in KEYS else {"min_scale": 0.75})
    found = varied(augment.transforms(Augment(engine="fastai", normalize="none", **keys), HALVES).batch)
    assert torch.equal(found, varied(aug_transforms(**keys)))
    assert not torch.equal(found, varied(aug_transforms(size=32)))


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


@pytest.mark.parametrize("engine", ["fused", "fastai"])
def test_transforms_of_ones_own_stand_beside_the_others_and_leave_validation_alone(engine):
    class Darker(Transform):
        order = 50

        def encodes(self, photos: TensorImage):
            return photos / 2

    section = Augment(engine=engine, size=32, normalize="none")
    tfms = augment.transforms(section, HALVES, batch=[Darker()])
    assert tfms.train is None
    plain = augment.transforms(Augment(engine="fastai", size=32, normalize="none"), HALVES)
    torch.testing.assert_close(varied(tfms.batch), varied(plain.batch) / 2)
    photos = TensorImage(torch.rand(2, 3, 48, 48))
    shown = [Pipeline(each.batch, split_idx=1)(photos.clone()) for each in (tfms, plain)]
    assert torch.equal(*shown)


def test_photos_reach_their_size_even_when_nothing_moves():
    still = Augment(resize=64, size=32, do_flip=False, max_rotate=0, max_zoom=1, max_warp=0, max_lighting=0)
    batch_tfms = augment.transforms(still, HALVES).batch
    assert names(batch_tfms) == ["AffineCoordTfm", "Normalize"]
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
