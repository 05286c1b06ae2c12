"""The table of predictions is what the learner says."""

import numpy as np
import pandas as pd
import pytest
import torch
from fastai.callback.progress import ProgressCallback
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat

from kimchi_vision import data
from kimchi_vision.base.errors import RunError
from kimchi_vision.config.sections import Augment, Data, Loader, Train
from kimchi_vision.learning import augment, loader, predict, train

HALVES = ((0.5,) * 3, (0.5,) * 3)
SMALL = augment.transforms(Augment(resize=16, size=16, normalize="none"), HALVES)


def test_one_inference_gives_what_the_learner_says(folder_of, tmp_path):
    photos = data.load(
        Data(path=folder_of({"갓김치": 6, "깍두기": 6}), valid_pct=0.4, test_pct=0.2), tmp_path
    )
    dls = loader.build(Loader(batch_size=4, workers=0), photos, SMALL)
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 2))
    learn = Learner(dls, net, loss_func=CrossEntropyLossFlat())
    predictions = predict.predictions(learn, photos)
    table = predictions.table
    assert predictions.part("valid").loss.mean() == pytest.approx(learn.validate()[0], rel=1e-5)
    items = pd.concat([photos.part("valid"), photos.part("test")], ignore_index=True)
    assert table["split"].nunique() == 2
    assert table[["path", "split", "truth"]].to_numpy().tolist() == (
        items[["path", "split", "label"]].to_numpy().tolist()
    )
    assert table.columns.tolist()[3:] == ["predicted", "loss", "p:갓김치", "p:깍두기"]
    label, _, probabilities = learn.predict(photos.files(table)[0])
    assert label == table["predicted"][0]
    assert table.loc[0, ["p:갓김치", "p:깍두기"]].tolist() == pytest.approx(probabilities.tolist(), abs=1e-6)


def test_outputs_that_are_no_numbers_are_refused(folder_of, tmp_path):
    photos = data.load(Data(path=folder_of({"갓김치": 4, "깍두기": 4}), valid_pct=0.5), tmp_path)
    dls = loader.build(Loader(batch_size=4, workers=0), photos, SMALL)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 2))
    torch.nn.init.constant_(net[1].bias, torch.nan)
    with pytest.raises(RunError, match="no numbers"):
        predict.predictions(Learner(dls, net, loss_func=CrossEntropyLossFlat()), photos)


def test_a_probability_that_float32_rounds_to_0_has_a_finite_loss(of_engine):
    learn, photos, varied = of_engine("fastai")
    torch.nn.init.zeros_(learn.model[1].weight)
    learn.model[1].bias.data = torch.tensor([200.0, 0.0])
    losses = {"갓김치": 0, "깍두기": 200}
    table = predict.predictions(learn, photos).table
    assert table["loss"].tolist() == pytest.approx([losses[name] for name in table["truth"]])
    assert set(table["predicted"]) == {"갓김치"}
    losses["깍두기"] = -np.log(np.finfo(np.float32).tiny)
    averaged = predict.averaged(learn, photos, varied, views=1).table
    assert averaged["loss"].tolist() == pytest.approx([losses[name] for name in averaged["truth"]])


@pytest.fixture
def of_engine(folder_of, tmp_path):
    """Make photos, a linear network that is the same for both engines, and what varies a photo."""
    root = folder_of({"갓김치": 6, "깍두기": 6})

    def make(engine):
        photos = data.load(Data(path=root, valid_pct=0.4, test_pct=0.2), tmp_path)
        section = Augment(resize=32, size=16, engine=engine)
        train.seed(Train(stages=["lr_find"]))
        dls = loader.build(Loader(batch_size=4, workers=0), photos, augment.transforms(section, HALVES))
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 2))
        learn = Learner(dls, net, loss_func=CrossEntropyLossFlat(), path=tmp_path)
        learn.remove_cb(ProgressCallback)
        return learn, photos, augment.varied(section, HALVES)

    return make


@pytest.mark.parametrize("engine", ["fastai", "fused"])
def test_views_are_varied_and_averaged_by_fastai_whatever_the_engine(of_engine, engine):
    learn, photos, varied = of_engine(engine)
    train.seed(Train(stages=["lr_find"]))
    averaged = predict.averaged(learn, photos, varied, views=3).table
    stock, _, _ = of_engine("fastai")
    train.seed(Train(stages=["lr_find"]))
    expected, _ = stock.tta(dl=stock.dls.test_dl(photos.files(averaged)), n=3)
    columns = ["p:갓김치", "p:깍두기"]
    np.testing.assert_allclose(averaged[columns], expected, atol=1e-6)
    one_view = predict.predictions(learn, photos).table
    assert averaged["path"].tolist() == one_view["path"].tolist()
    assert np.abs(averaged[columns] - one_view[columns]).to_numpy().min() > 1e-4
    assert averaged["loss"][0] == pytest.approx(-np.log(averaged[f"p:{averaged['truth'][0]}"][0]), rel=1e-4)


@pytest.mark.parametrize("engine", ["fastai", "fused"])
def test_afterwards_the_learner_sees_one_view_as_before(of_engine, engine):
    learn, photos, varied = of_engine(engine)
    before, dls, batch = predict.predictions(learn, photos), learn.dls, list(learn.dls.valid.after_batch.fs)
    predict.averaged(learn, photos, varied, views=2)
    pd.testing.assert_frame_equal(predict.predictions(learn, photos).table, before.table)
    assert learn.dls is dls
    assert list(dls.valid.after_batch.fs) == batch
    assert not learn.training
