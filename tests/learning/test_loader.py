import numpy as np
import pytest
import torch
from fastai.vision.core import PILImage
from PIL import Image

from kimchi_vision import data
from kimchi_vision.base.errors import DataError
from kimchi_vision.config.sections import Augment, Data, Loader
from kimchi_vision.data.photo import Photo, Photos
from kimchi_vision.learning import augment, loader

SMALL = Augment(resize=48, size=32, normalize="none")


@pytest.fixture
def photos(folder_of, tmp_path) -> Photos:
    return data.load(Data(path=folder_of({"배추김치": 8, "깍두기": 8}), splitter="stratified"), tmp_path)


def build(photos, **section):
    tfms = augment.transforms(SMALL, ((0.5,) * 3, (0.5,) * 3))
    return loader.build(Loader(workers=0, **section), photos, tfms)


def test_batches_follow_the_table(photos):
    dls = build(photos, batch_size=4)
    images, labels = dls.train.one_batch()
    assert images.shape == (4, 3, 32, 32)
    assert labels.max() < 2
    assert tuple(dls.vocab) == photos.vocab
    assert [len(part) for part in (dls.train_ds, dls.valid_ds)] == [
        len(photos.part(name)) for name in ("train", "valid")
    ]


def test_the_batch_is_never_larger_than_the_training_part(photos):
    assert build(photos, batch_size=64).train.bs == len(photos.part("train"))


@pytest.mark.parametrize(("all_in", "said"), [("train", "0 to validate"), ("valid", "0 photos to train on")])
def test_an_empty_part_is_refused(photos, all_in, said):
    items = photos.items.assign(split=all_in)
    with pytest.raises(DataError, match=said):
        build(Photos(photos.root, items, photos.vocab))


def test_path_bytes_and_picture_give_the_same_batch(photos):
    dls = build(photos, batch_size=4)
    file = photos.files(photos.items)[0].path
    sources = [Photo(file), str(file), file, file.read_bytes(), Image.open(file)]
    batches = [dls.test_dl([source], num_workers=0).one_batch()[0] for source in sources]
    assert all(torch.equal(batch, batches[0]) for batch in batches)


@pytest.mark.parametrize("kind", ["transparent", "deep grey", "deep colour"])
def test_fastais_own_pictures_give_that_batch_too(photos, tmp_path, kind):
    """Where PILImage.create itself leaves something out; what it gives to others stays as it is."""
    ramp = np.tile(np.arange(0, 4096, 64, dtype=np.uint16), (48, 1))
    file = tmp_path / f"{kind}.png"
    if kind == "deep colour":
        pytest.importorskip("cv2").imwrite(str(file), np.stack([ramp] * 3, axis=2))
    else:
        clear = Image.merge("LA", [Image.new("L", (64, 48), 20), Image.linear_gradient("L").resize((64, 48))])
        (clear if kind == "transparent" else Image.fromarray(ramp)).save(file)
    dls = build(photos, batch_size=4)
    sources = [file, file.read_bytes(), PILImage.create(file), PILImage.create(file.read_bytes())]
    batches = [dls.test_dl([source], num_workers=0).one_batch()[0] for source in sources]
    assert all(torch.equal(batch, batches[0]) for batch in batches)
    with Image.open(file) as plain:
        assert np.array_equal(np.asarray(PILImage.create(file)), np.asarray(plain.convert("RGB")))


def test_sample_shows_what_the_model_sees(photos):
    images, labels = loader.sample(build(photos, batch_size=4), count=3)
    assert len(images) == len(labels) == 3
    assert images[0].shape == (32, 32, 3)
    assert set(labels) <= set(photos.vocab)
    assert 0 <= np.min(images) <= np.max(images) <= 1


@pytest.mark.parametrize("engine", ["fused", "fastai"])
def test_a_rare_class_is_drawn_as_often_as_the_others(folder_of, tmp_path, engine):
    path = folder_of({"배추김치": 40, "깍두기": 8})
    photos = data.load(Data(path=path, splitter="stratified"), tmp_path)
    small = Augment(resize=48, size=32, normalize="none", engine=engine)
    tfms = augment.transforms(small, ((0.5,) * 3, (0.5,) * 3))
    dls = loader.build(Loader(workers=0, batch_size=8, sampling="balanced"), photos, tfms)
    labels = torch.cat([labels for _ in range(6) for _, labels in dls.train])
    assert len(labels) > 150
    assert 0.35 < labels.float().mean() < 0.65
