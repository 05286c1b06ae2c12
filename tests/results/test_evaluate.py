"""Scores come from the table of predictions, over photos."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from fastai.callback.progress import ProgressCallback
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from sklearn.metrics import classification_report

from kimchi_vision import data
from kimchi_vision.base.errors import RunError
from kimchi_vision.config.sections import Augment, Data, Evaluate, Loader, Train
from kimchi_vision.learning import augment, loader, train
from kimchi_vision.results import evaluate

HALVES = ((0.5,) * 3, (0.5,) * 3)
SMALL = augment.transforms(Augment(resize=16, size=16, normalize="none"), HALVES)
VOCAB = ("갓김치", "깍두기", "NA")


def table(rows):
    """Predictions from (truth, probabilities) of each photo."""
    probabilities = np.array([p for _, p in rows], dtype=np.float32)
    frame = pd.DataFrame(
        {
            "path": [f"{i}.jpg" for i in range(len(rows))],
            "split": "valid",
            "truth": [truth for truth, _ in rows],
            "predicted": [VOCAB[i] for i in probabilities.argmax(axis=1)],
            "loss": [-np.log(p[VOCAB.index(truth)]) for truth, p in rows],
        }
    )
    return frame.join(pd.DataFrame(probabilities, columns=[f"p:{name}" for name in VOCAB]))


@pytest.fixture
def predictions():
    return table(
        [
            ("갓김치", [0.8, 0.1, 0.1]),
            ("갓김치", [0.3, 0.6, 0.1]),
            ("깍두기", [0.1, 0.8, 0.1]),
            ("NA", [0.5, 0.1, 0.4]),
        ]
    )


def test_scores_by_hand(predictions):
    scores = evaluate.metrics(predictions, VOCAB, Evaluate(top_k=2, top_losses=2))
    assert scores["accuracy"] == 0.5
    assert scores["top_k_accuracy"] == 1.0
    assert scores["confusion_matrix"] == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert scores["classes"]["깍두기"] == {
        "precision": 0.5,
        "recall": 1.0,
        "f1": pytest.approx(2 / 3),
        "support": 1,
    }
    assert scores["macro_recall"] == pytest.approx((0.5 + 1 + 0) / 3)
    assert scores["most_confused"] == [["갓김치", "깍두기", 1], ["NA", "갓김치", 1]]
    assert scores["top_losses"] == ["1.jpg", "3.jpg"]


def test_a_class_never_predicted_leaves_no_nan(predictions):
    scores = evaluate.metrics(predictions, VOCAB, Evaluate())
    assert scores["classes"]["NA"]["precision"] == 0
    json.dumps(scores, allow_nan=False)


def test_macro_scores_leave_out_a_class_without_photos(predictions):
    without = predictions[predictions["truth"] != "깍두기"]
    assert evaluate.metrics(without, VOCAB, Evaluate())["macro_recall"] == pytest.approx((0.5 + 0) / 2)


def test_the_test_part_is_scored_only_when_asked(predictions):
    held_out = predictions.assign(split=["valid", "valid", "valid", "test"])
    assert evaluate.metrics(held_out, VOCAB, Evaluate())["photos"] == 3
    assert evaluate.metrics(held_out, VOCAB, Evaluate(), split="test")["accuracy"] == 0
    with pytest.raises(RunError, match="train"):
        evaluate.metrics(held_out, VOCAB, Evaluate(), split="train")


def test_text_holds_what_scikit_learn_says(predictions):
    text = evaluate.classification_text(predictions, VOCAB)
    expected = classification_report(
        predictions["truth"], predictions["predicted"], labels=VOCAB, output_dict=True, zero_division=0
    )
    row = next(line for line in text.splitlines() if line.startswith("깍두기"))
    assert row.split()[1:4] == [
        f"{expected['깍두기'][key]:.3f}" for key in ("precision", "recall", "f1-score")
    ]


def test_one_inference_gives_what_the_learner_says(folder_of, tmp_path):
    photos = data.load(
        Data(path=folder_of({"갓김치": 6, "깍두기": 6}), valid_pct=0.4, test_pct=0.2), tmp_path
    )
    dls = loader.build(Loader(batch_size=4, workers=0), photos, SMALL)
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 2))
    learn = Learner(dls, net, loss_func=CrossEntropyLossFlat())
    table = evaluate.predictions(learn, photos)
    valid = table[table["split"] == "valid"]
    assert valid["loss"].mean() == pytest.approx(learn.validate()[0], rel=1e-5)
    assert set(table["path"]) == set(photos.items["path"][photos.items["split"] != "train"])
    label, _, probabilities = learn.predict(photos.files(table)[0])
    assert label == table["predicted"][0]
    assert table.loc[0, ["p:갓김치", "p:깍두기"]].tolist() == pytest.approx(probabilities.tolist(), abs=1e-6)


def test_outputs_that_are_no_numbers_are_refused(folder_of, tmp_path):
    photos = data.load(Data(path=folder_of({"갓김치": 4, "깍두기": 4}), valid_pct=0.5), tmp_path)
    dls = loader.build(Loader(batch_size=4, workers=0), photos, SMALL)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 2))
    torch.nn.init.constant_(net[1].bias, torch.nan)
    with pytest.raises(RunError, match="no numbers"):
        evaluate.predictions(Learner(dls, net, loss_func=CrossEntropyLossFlat()), photos)


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
    averaged = evaluate.averaged(Evaluate(tta=3), learn, photos, varied)
    stock, _, _ = of_engine("fastai")
    train.seed(Train(stages=["lr_find"]))
    expected, _ = stock.tta(dl=stock.dls.test_dl(photos.files(averaged)), n=3)
    columns = ["p:갓김치", "p:깍두기"]
    np.testing.assert_allclose(averaged[columns], expected, atol=1e-6)
    one_view = evaluate.predictions(learn, photos)
    assert averaged["path"].tolist() == one_view["path"].tolist()
    assert set(averaged["views"]) == {3}
    assert np.abs(averaged[columns] - one_view[columns]).to_numpy().min() > 1e-4
    assert averaged["loss"][0] == pytest.approx(-np.log(averaged[f"p:{averaged['truth'][0]}"][0]), rel=1e-4)


@pytest.mark.parametrize("engine", ["fastai", "fused"])
def test_afterwards_the_learner_sees_one_view_as_before(of_engine, engine):
    learn, photos, varied = of_engine(engine)
    before, dls, batch = evaluate.predictions(learn, photos), learn.dls, list(learn.dls.valid.after_batch.fs)
    evaluate.averaged(Evaluate(tta=2), learn, photos, varied)
    pd.testing.assert_frame_equal(evaluate.predictions(learn, photos), before)
    assert learn.dls is dls
    assert list(dls.valid.after_batch.fs) == batch
    assert not learn.training


def test_without_the_key_nothing_is_averaged(of_engine):
    learn, photos, varied = of_engine("fastai")
    assert evaluate.averaged(Evaluate(), learn, photos, varied) is None
