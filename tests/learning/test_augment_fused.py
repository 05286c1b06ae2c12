"""The fused engine against fastai's transforms, which get the same drawn parameters."""

import numpy as np
import pytest
import torch
from fastai.vision import augment as fastai
from fastai.vision.core import TensorImage
from PIL import Image, ImageFilter
from scipy.stats import ks_2samp

from kimchi_vision.config.sections import Augment
from kimchi_vision.learning import augment
from kimchi_vision.learning.augment.geometry import draw

STRONG = {"flip_vert": True, "max_rotate": 40, "max_warp": 0.4, "max_zoom": 1.5, "max_lighting": 0.4}


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    """Smooth photos, on which one interpolation equals two."""
    random = np.random.default_rng(0)
    coarse = [random.integers(0, 256, (8, 8, 3), dtype=np.uint8) for _ in range(6)]
    large = [Image.fromarray(pixels).resize((96, 96), Image.Resampling.BICUBIC) for pixels in coarse]
    return [photo.filter(ImageFilter.GaussianBlur(7)) for photo in large]


def by_fastai(section, photos, draws):
    """aug_transforms' own classes with the draws of the fused engine."""
    images = torch.stack([torch.from_numpy(np.array(photo)).permute(2, 0, 1) for photo in photos])
    images = TensorImage(images.float() / 255)
    options = {"size": section.size if section.min_scale == 1 else None, "pad_mode": section.pad_mode}
    options["align_corners"] = section.align_corners
    moves = [
        fastai.Dihedral(p=1, draw=draws.symmetry.tolist(), **options),
        fastai.Warp(p=1, draw_x=draws.warp[:, 0].tolist(), draw_y=draws.warp[:, 1].tolist(), **options),
        fastai.Rotate(p=1, draw=draws.rotation.tolist(), **options),
        fastai.Zoom(
            *(1, 2, 1, draws.zoom.tolist(), draws.centre[:, 0].tolist(), draws.centre[:, 1].tolist()),
            **options,
        ),
        fastai.Brightness(p=1, draw=draws.brightness.tolist()),
        fastai.Contrast(p=1, draw=draws.contrast.tolist()),
    ]
    for tfm in fastai.setup_aug_tfms(moves):
        images = tfm(images, split_idx=0)
    if section.min_scale < 1:
        crops = [
            image[None, :, top : top + side, left : left + side]
            for image, (left, top, side) in zip(images, draws.crop, strict=True)
        ]
        images = torch.cat([crop.affine_coord(sz=(section.size,) * 2) for crop in crops])
    return images.permute(0, 2, 3, 1).numpy()


def by_fused(section, photos, stats=None):
    fused = augment.transforms(section, stats).train
    draws = fused.draw(len(photos), 64, seed=1)
    small = [fused.presize(photo) for photo in photos]
    pictures = fused.empty(len(photos))
    fused(small, draws, pictures)
    windows = fused.room(len(small), torch.device("cpu"))
    fused.windows(small, draws, windows.numpy())
    torch_pictures = fused.on_device(windows, draws, "cpu").permute(0, 2, 3, 1)
    return pictures, torch_pictures.numpy(), draws


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"min_scale": 0.75},
        {"min_scale": 0.5, **STRONG},
        {"min_scale": 0.75, "align_corners": False},
        {"min_scale": 0.75, "pad_mode": "border"},
        {"mult": 2, "do_flip": False},
        {"batch": True, "min_scale": 0.75},
    ],
    ids=str,
)
def test_the_same_draws_give_fastais_pictures(photos, keys):
    section = Augment(engine="fused", resize=96, size=64, normalize="none", **keys)
    opencv, on_device, draws = by_fused(section, photos)
    expected = by_fastai(section, photos, draws)
    assert np.abs(on_device - expected).mean() * 255 < 0.1
    # OpenCV rounds the moved photo to 256 levels, a quarter of a level on average, before light spreads them.
    assert np.abs(opencv - expected).mean() * 255 < 0.35


def test_a_photo_that_shrinks_much_is_averaged_as_fastai_does(photos):
    section = Augment(engine="fused", resize=96, size=24, normalize="none")
    opencv, _, draws = by_fused(section, photos)
    assert np.abs(opencv - by_fastai(section, photos, draws)).mean() * 255 < 2


def test_the_largest_crops_are_as_soft_as_fastais():
    random = np.random.default_rng(0)
    rough = [Image.fromarray(random.integers(0, 256, (96, 96, 3), dtype=np.uint8)) for _ in range(48)]
    section = Augment(engine="fused", resize=96, size=46, min_scale=0.85, crop_batch=False, normalize="none")
    opencv, on_device, draws = by_fused(section, rough)
    large = draws.crop[:, 2] > 92
    assert 10 < large.sum() < 40
    expected = details(by_fastai(section, rough, draws))
    for ours in (details(opencv), details(on_device)):
        for some in (large, ~large):
            assert ours[some].mean() == pytest.approx(expected[some].mean(), rel=0.15)


def details(pictures):
    """Of each picture: the mean square of differences between neighbours."""
    return np.square(np.diff(pictures, axis=2)).mean(axis=(1, 2, 3))


def test_pictures_are_normalised(photos):
    stats = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
    plain, normalised = (
        by_fused(Augment(engine="fused", resize=96, size=64, normalize=how), photos, stats)
        for how in ("none", "backbone")
    )
    for before, after in zip(plain[:2], normalised[:2], strict=True):
        np.testing.assert_allclose(after, (before - stats[0]) / stats[1], atol=1e-5)


@pytest.mark.parametrize("method", ["crop", "squish", "pad"])
def test_presized_photos_have_the_announced_shape(method):
    photo = Image.new("RGB", (120, 60), "red")
    presize = augment.transforms(
        Augment(engine="fused", resize=48, size=32, resize_method=method), None
    ).train.presize
    small = presize(photo)
    assert small.shape[:2] == presize.shape(120, 60)
    assert presize.window(small, np.array((0.9, 0.2))).shape == (48, 48, 3)


def test_parameters_have_fastais_distributions():
    section = Augment(min_scale=0.5, crop_batch=False, **STRONG)
    draws, count = draw(section, 3000, 64, seed=0), 3000
    x = torch.zeros(count, 3, 1, 1)
    torch.manual_seed(0)
    rotation = fastai.rotate_mat(x, 40, p=0.75)
    zoom = fastai.zoom_mat(x, 1, 1.5, p=0.75)
    warp = fastai._WarpCoord(0.4, 0.75)
    warp.before_call(x)
    brightness, contrast = fastai._BrightnessLogit(0.4), fastai._ContrastLogit(0.4)
    for light in (brightness, contrast):
        light.before_call(x)
    crop = fastai.RandomResizedCropGPU(224, min_scale=0.5, ratio=(1, 1))
    sides = []
    for _ in range(500):
        crop.before_call(torch.zeros(1, 3, 460, 460), 0)
        sides.append(crop.cp_size[0])
    pairs = {
        "rotation": (np.radians(draws.rotation), torch.atan2(rotation[:, 0, 1], rotation[:, 0, 0])),
        "zoom": (draws.zoom, 1 / zoom[:, 0, 0]),
        "centre": (((1 - 1 / draws.zoom)[:, None] * (2 * draws.centre - 1))[:, 0], zoom[:, 0, 2]),
        "warp": (draws.warp[:, 0], -1 - warp.targ_pts[:, 0, 1]),
        "brightness": (draws.brightness, brightness.change),
        "contrast": (draws.contrast, contrast.change),
        "crop": (draws.crop[:, 2], torch.tensor(sides)),
    }
    for name, (ours, theirs) in pairs.items():
        assert ks_2samp(ours, np.asarray(theirs)).pvalue > 1e-3, name
    assert np.bincount(draws.symmetry, minlength=8) / count == pytest.approx(
        [9 / 16, *[1 / 16] * 7], abs=0.03
    )


def test_a_seed_decides_every_draw():
    fused = augment.transforms(Augment(min_scale=0.5, flip_vert=True), None).train
    first, again, other = (vars(fused.draw(50, 4, seed)) for seed in (1, 1, 2))
    for name, drawn in first.items():
        assert np.array_equal(drawn, again[name]), name
        assert not np.array_equal(drawn, other[name]), name


@pytest.mark.parametrize(("p_affine", "p_lighting"), [(0, 0.3), (0.3, 0), (1, 0.6)])
def test_movements_and_light_have_probabilities_of_their_own(p_affine, p_lighting):
    draws = draw(Augment(p_affine=p_affine, p_lighting=p_lighting), 2000, 64, seed=0)
    for moved in (draws.rotation != 0, draws.zoom != 1, draws.warp[:, 0] != 0, draws.warp[:, 1] != 0):
        assert moved.mean() == pytest.approx(p_affine, abs=0.04)
    for lit in (draws.brightness != 0.5, draws.contrast != 1):
        assert lit.mean() == pytest.approx(p_lighting, abs=0.04)
    assert (draws.symmetry != 0).mean() == pytest.approx(0.5, abs=0.04)


def test_mult_makes_movements_and_light_stronger_but_not_the_zoom():
    weak, strong = (draw(Augment(mult=mult, min_zoom=0.8), 2000, 64, seed=0) for mult in (1, 2))
    assert np.abs(weak.rotation).max() == pytest.approx(10, rel=0.02)
    np.testing.assert_allclose(strong.rotation, 2 * weak.rotation)
    np.testing.assert_allclose(strong.warp, 2 * weak.warp)
    np.testing.assert_allclose(strong.brightness - 0.5, 2 * (weak.brightness - 0.5))
    assert np.abs(np.log(strong.contrast)).max() == pytest.approx(np.log(1 / 0.6), rel=0.02)
    assert np.array_equal(strong.zoom, weak.zoom)
    assert (weak.zoom.min(), weak.zoom.max()) == pytest.approx((0.8, 1.1), abs=0.01)


def test_nothing_is_flipped_when_flips_are_off():
    assert not draw(Augment(do_flip=False, flip_vert=True), 100, 4, seed=0).symmetry.any()
    assert set(draw(Augment(), 100, 4, seed=0).symmetry) == {0, 1}


def test_a_crop_is_that_of_the_batch_or_of_the_photo():
    shared, own = (draw(Augment(crop_batch=b, min_scale=0.5), 6, 3, seed=0).crop for b in (True, False))
    assert np.ptp(shared[:3], axis=0).max() == np.ptp(shared[3:], axis=0).max() == 0
    assert np.ptp(shared[:, 2]) > 0
    assert np.ptp(own[:3, 2]) > 0


def test_draws_of_a_batch_agree_when_asked_to():
    draws = draw(Augment(batch=True, min_scale=0.5), 6, 3, seed=0)
    assert np.ptp(draws.rotation[:3]) == np.ptp(draws.crop[:3, 2]) == 0
    assert np.ptp(draws.rotation) > 0


def test_validation_is_the_same_with_both_engines(photos):
    images = TensorImage(torch.stack([torch.from_numpy(np.array(p)).permute(2, 0, 1) for p in photos]) / 255)
    for keys in ({"min_scale": 0.75}, {}, {"max_rotate": 0, "max_warp": 0, "max_zoom": 1, "do_flip": False}):
        shown = []
        for engine in ("fastai", "fused"):
            found = augment.transforms(
                Augment(resize=96, size=40, engine=engine, normalize="none", **keys), None
            )
            batch = images.clone()
            for tfm in found.batch:
                batch = tfm(batch, split_idx=1)
            shown.append(batch)
        assert torch.allclose(*shown, atol=1e-5)
