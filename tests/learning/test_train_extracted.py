"""feature_extract without augmentation: the body sees each photo once."""

from types import SimpleNamespace

import pytest
import torch
from test_train_checkpoint import die, same
from torch import nn

from kimchi_vision import data
from kimchi_vision.config.sections import Augment, Data, Loader, Train
from kimchi_vision.learning import augment, loader, train
from kimchi_vision.learning.train.stages import extracted

ONCE = {"feature_extract": {"epochs": 3, "augment": False, "lr_max": 1e-2}}


@pytest.mark.parametrize("engine", ["fastai", "fused"])
def test_the_body_sees_each_photo_once(tiny_learner, engine):
    section = Train(stages=[ONCE])
    learn, run = tiny_learner(section, engine=engine)
    photos, seen = learn.dls, []
    first = next(layer for layer in learn.model[0].modules() if isinstance(layer, nn.Conv2d))
    hook = first.register_forward_hook(lambda layer, _, pictures: seen.append(len(pictures)))
    history = train.fit(section, learn, run.files)
    hook.remove()
    assert sum(seen) == 20
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0]
    assert learn.dls is photos
    with learn.no_logging():
        assert learn.validate()[0] == pytest.approx(history["valid_loss"].iloc[-1], rel=1e-5)


@pytest.mark.parametrize("batches", [6, 14])
def test_it_goes_on_where_it_died(tiny_learner, batches):
    section = Train(stages=[ONCE, {"fit": {"epochs": 1, "lr": 1e-3}}], checkpoint_minutes=1e-9)
    learn, run = tiny_learner(section, "whole", engine="fused")
    train.fit(section, learn, run.files)
    die(tiny_learner, batches, section, engine="fused")
    again, run = tiny_learner(section, "died", engine="fused")
    train.fit(section, again, run.files)
    assert same(learn, again)


@pytest.mark.parametrize("engine", ["fastai", "fused"])
def test_rare_classes_are_drawn_as_often_as_others_there_too(folder_of, tmp_path, engine):
    photos = data.load(Data(path=folder_of({"many": 40, "rare": 10}), splitter="stratified"), tmp_path)
    small = Augment(resize=48, size=32, normalize="none", engine=engine)
    tfms = augment.transforms(small, ((0.5,) * 3, (0.5,) * 3))
    dls = loader.build(Loader(workers=0, batch_size=8, sampling="balanced"), photos, tfms)
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    learn = SimpleNamespace(dls=dls, model=nn.Sequential(nn.Conv2d(3, 4, 3), head))
    with extracted(learn):
        labels = torch.cat([labels for _ in range(6) for _, labels in learn.dls.train])
    assert 0.35 < labels.float().mean() < 0.65
