from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from kimchi_vision import data
from kimchi_vision.config.sections import Augment, Data, Loader
from kimchi_vision.data.photo import open_photo
from kimchi_vision.learning import augment, loader
from kimchi_vision.results import validation_transforms
from kimchi_vision.results.preprocess import LARGEST_GAP, Preprocess

STATS = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"min_scale": 0.75},
        {"resize_method": "squish"},
        {"resize_method": "pad", "min_scale": 0.5},
        {"resize": 160, "size": 65},
        {"resize": 64, "size": 64},
        {"align_corners": False, "resize": 230},
        {"mode": "nearest"},
        {"mode": "bicubic", "pad_mode": "zeros"},
        {"normalize": "none", "do_flip": False, "max_rotate": 0, "max_zoom": 1, "max_warp": 0},
    ],
    ids=str,
)
def test_a_photo_is_prepared_as_fastai_prepares_validation_photos(changes, folder_of):
    section = Augment(**{"resize": 100, "size": 64, **changes})
    photos = data.load(Data(path=folder_of({"a": 6, "b": 6}), valid_pct=0.4))
    tfms = augment.transforms(section, STATS)
    dls, chosen = loader.build(Loader(workers=0), photos, tfms), tfms.steps
    expected = dls.valid.one_batch()[0].numpy()
    dls.train.one_batch()  # after which fastai's transforms remember the training part
    steps = validation_transforms.read(dls)
    found = [steps(open_photo(file)) for file in photos.files(photos.part("valid"))]
    assert np.abs(np.stack(found) - expected).max() < LARGEST_GAP
    assert np.array_equal([*steps.mean, *steps.std], np.float32([*chosen.mean, *chosen.std]))
    assert replace(steps, mean=chosen.mean, std=chosen.std) == chosen


@pytest.mark.parametrize("size", [(301, 512), (97, 64), (5, 900)])
@pytest.mark.parametrize("method", ["crop", "squish", "pad"])
def test_pixels_are_those_of_fastais_resize(method, size):
    from fastai.vision.augment import Resize
    from fastai.vision.core import PILImage

    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    photo = PILImage.create(pixels)
    expected = Resize(70, method=method)(photo, split_idx=1)
    assert np.array_equal(np.asarray(Preprocess(70, 64, method).square(photo)), np.asarray(expected))


def test_a_strip_is_not_padded_to_a_square_that_fills_the_memory():
    with pytest.raises(ValueError, match="65000 x 65000"):
        Preprocess(64, 32, "pad")(Image.new("RGB", (65_000, 1)))
