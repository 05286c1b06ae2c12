import pandas as pd
import pytest
from fastai.vision.learner import vision_learner

from kimchi_vision import data
from kimchi_vision.base.errors import RunError
from kimchi_vision.config.sections import Augment, Data, Loader, Train
from kimchi_vision.learning import augment, loader, train
from kimchi_vision.results.run import Run
from tests.small_network import small

HALVES = ((0.5,) * 3, (0.5,) * 3)
ONE_EPOCH = Train(stages=[{"fit": {"epochs": 1, "lr": 1e-4}}])


@pytest.fixture
def begun(folder_of, tmp_path):
    """A learner, its photos and run folder; what is done about unreadable photos is given."""

    def begin(policy: str, engine: str = "fastai", workers: int = 0):
        root = folder_of({"갓김치": 10, "백김치": 10})
        section = Data(path=root, splitter="stratified", policy={"unreadable": policy})
        photos = data.load(section, tmp_path)
        tfms = augment.transforms(Augment(resize=40, size=32, engine=engine), HALVES)
        train.seed(ONE_EPOCH)
        dls = loader.build(Loader(batch_size=4, workers=workers, cache="none"), photos, tfms)
        run = Run(tmp_path / "run")
        learn = vision_learner(dls, small, pretrained=False, normalize=False, path=run.path)
        return learn, photos, run

    return begin


@pytest.mark.parametrize(("engine", "workers"), [("fastai", 0), ("fastai", 2), ("fused", 1)])
def test_a_photo_that_disappears_is_named(begun, engine, workers):
    learn, photos, run = begun("error", engine, workers)
    lost = photos.files(photos.part("train"))[2].path
    lost.unlink()
    with (
        pytest.raises(RunError, match=rf"{lost.name} is no longer there. Put back what is lost"),
        train.named(photos),
    ):
        train.fit(ONE_EPOCH, learn, run.files)


WITH_WORKERS = pytest.param("fastai", 2, marks=pytest.mark.slow)


@pytest.mark.parametrize(("engine", "workers"), [("fastai", 0), WITH_WORKERS, ("fused", 1)])
def test_a_photo_that_goes_bad_is_left_out_and_listed(begun, engine, workers):
    learn, photos, run = begun("skip", engine, workers)
    bad = photos.part("train")["path"].iloc[2]
    (photos.root / bad).write_bytes(b"no photo any more")
    assert len(train.fit(ONE_EPOCH, learn, run.files)) == 1
    listed = run.table(run.files.skipped)
    assert listed["path"].tolist() == [bad]
    assert "not a photo" in listed["reason"].iloc[0]


def test_a_photo_is_listed_once(tmp_path):
    run = Run(tmp_path)
    for reason in ("cannot be read any more", "is no longer there"):
        train.listed(run.files, pd.DataFrame({"path": ["a.jpg"], "label": ["갓김치"], "reason": [reason]}))
    assert run.table(run.files.skipped)["reason"].tolist() == ["cannot be read any more"]


def test_a_validation_photo_that_goes_bad_stops_the_run(begun):
    learn, photos, run = begun("skip")
    bad = photos.files(photos.part("valid"))[0].path
    bad.write_bytes(b"no photo any more")
    with pytest.raises(RunError, match=bad.name), train.named(photos):
        train.fit(ONE_EPOCH, learn, run.files)


def test_other_errors_stay_what_they_are(begun):
    learn, photos, run = begun("error")
    learn.loss_func = lambda outputs, truth: outputs[:, 7].mean()
    with pytest.raises(IndexError), train.named(photos):
        train.fit(ONE_EPOCH, learn, run.files)


def test_a_photo_that_was_bad_when_the_cache_was_made_comes_back(folder_of, tmp_path, monkeypatch):
    monkeypatch.setenv("KIMCHI_CACHE", str(tmp_path / "packs"))
    photos = data.load(Data(path=folder_of({"a": 6, "b": 6}), policy={"unreadable": "skip"}), tmp_path)
    file = photos.files(photos.part("train"))[1].path
    content = file.read_bytes()
    file.write_bytes(b"no photo any more")
    tfms = augment.transforms(Augment(resize=40, size=32, engine="fused"), HALVES)
    dls = loader.build(Loader(batch_size=5, workers=0, cache="memmap"), photos, tfms)
    seen = [sum(len(classes) for _, classes in dls.train)]
    file.write_bytes(content)
    seen.append(sum(len(classes) for _, classes in dls.train))
    assert seen == [9, 10]
