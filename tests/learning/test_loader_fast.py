"""Training on kept photos beside fastai's own loaders."""

import numpy as np
import pytest
import torch
from fastai.torch_core import set_seed

from kimchi_vision import data
from kimchi_vision.config.sections import Augment, Data, Loader
from kimchi_vision.data.photo import Photos
from kimchi_vision.learning import augment, loader
from kimchi_vision.learning.loader import FastDL

STATS = ((0.5,) * 3, (0.25,) * 3)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KIMCHI_CACHE", str(tmp_path / "packs"))
    return tmp_path / "packs" / "photos"


@pytest.fixture
def photos(folder_of, tmp_path) -> Photos:
    return data.load(Data(path=folder_of({"배추김치": 9, "깍두기": 9}), splitter="stratified"), tmp_path)


def build(photos, engine="fused", seed=0, **section):
    set_seed(seed)
    tfms = augment.transforms(Augment(resize=48, size=32, min_scale=0.75, engine=engine), STATS)
    return loader.build(Loader(**{"batch_size": 4, "workers": 0, **section}), photos, tfms)


def epoch(dl) -> torch.Tensor:
    return torch.cat([images for images, _ in dl])


@pytest.mark.parametrize("cache", ["memmap", "jpeg", "none"])
def test_a_seed_gives_the_same_photos_for_any_number_of_workers(photos, cache):
    one, three = (build(photos, workers=workers, cache=cache) for workers in (1, 3))
    for _ in range(2):
        assert torch.equal(epoch(one.train), epoch(three.train))


def test_batches_made_ahead_are_the_same(photos):
    here, ahead = build(photos), build(photos)
    ahead.train.ahead = 2  # as on a GPU
    assert torch.equal(epoch(here.train), epoch(ahead.train))


def test_epochs_and_seeds_differ(photos):
    first, other = build(photos), build(photos, seed=1)
    seen = epoch(first.train)
    assert not torch.equal(seen, epoch(first.train))
    assert not torch.equal(seen, epoch(other.train))


def test_each_epoch_and_each_seed_varies_its_photos_in_its_own_way(photos):
    drawn = []
    for dls in (build(photos), build(photos), build(photos, seed=1)):
        for _ in range(2):
            epoch(dls.train)
            drawn.append(dls.train.draws.rotation)
    first, second, *again, other, _ = drawn
    assert np.array_equal([first, second], again)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_the_cache_changes_nothing(photos):
    assert torch.equal(epoch(build(photos, cache="none").train), epoch(build(photos, cache="memmap").train))


def test_photos_come_in_the_order_of_the_plain_loader(photos):
    fused, plain = build(photos), build(photos, engine="fastai")
    for _ in range(2):
        orders = [torch.cat([labels for _, labels in dls.train]).tolist() for dls in (fused, plain)]
        assert orders[0] == orders[1]


@pytest.mark.parametrize("cache", ["auto", "jpeg"])
def test_validation_and_prediction_show_fastais_pictures(photos, cache):
    dls, plain = build(photos, cache=cache), build(photos, engine="fastai")
    expected = epoch(plain.valid)
    assert torch.allclose(epoch(dls.valid), expected, atol=1e-5)
    files = photos.files(photos.part("valid"))
    assert torch.allclose(torch.cat([b[0] for b in dls.test_dl(files)]), expected, atol=1e-5)
    assert isinstance(dls.valid, FastDL) == (cache == "auto")


def shown(photos, stats=STATS, **keys) -> tuple[torch.Tensor, torch.Tensor]:
    set_seed(0)
    tfms = augment.transforms(Augment(**{"resize": 48, "size": 32, "min_scale": 0.75, **keys}), stats)
    dls = loader.build(Loader(batch_size=4, workers=0), photos, tfms)
    return epoch(dls.train), epoch(dls.valid)


OTHER = ({"resize_method": "squish"}, {"p_affine": 0.2}, {"resize": 64}, {"stats": ((0.4,) * 3, (0.2,) * 3)})


@pytest.mark.parametrize("keys", OTHER, ids=str)
def test_photos_that_were_kept_for_other_settings_are_not_taken(photos, keys, monkeypatch, tmp_path):
    shown(photos)
    there = shown(photos, **keys)
    monkeypatch.setenv("KIMCHI_CACHE", str(tmp_path / "empty"))
    for one, other in zip(there, shown(photos, **keys), strict=True):
        assert torch.equal(one, other)


def test_a_changed_photo_is_read_anew(photos, photo, tmp_path):
    before = epoch(build(photos).train)
    for number, file in enumerate(photos.files(photos.items)):
        photo(file.path, seed=1000 + number)
    changed = data.load(Data(path=photos.root, splitter="stratified"), tmp_path)
    assert not torch.equal(epoch(build(changed).train), before)


def test_empty_loaders_for_an_export_are_fastais(photos):
    empty = build(photos).new_empty()
    assert not any(isinstance(dl, FastDL) for dl in empty.loaders)


def test_photos_can_be_shown(photos):
    images, labels = loader.sample(build(photos), count=3)
    assert np.shape(images) == (3, 32, 32, 3)
    assert set(labels) <= set(photos.vocab)
