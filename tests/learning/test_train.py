import math

import numpy as np
import pandas as pd
import pytest
import torch
from fastai.callback.core import Callback
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat, LabelSmoothingCrossEntropyFlat
from fastai.vision.learner import vision_learner
from fastcore.basics import noop
from torch import nn
from torchvision.models import resnet18

from kimchi_vision import data
from kimchi_vision.base.errors import RunError
from kimchi_vision.base.run_files import RunDir
from kimchi_vision.config.sections import Augment, Data, Loader, Train
from kimchi_vision.config.sections.train import EarlyStop
from kimchi_vision.learning import augment, loader, train

TINY = Augment(resize=40, size=32)
HALVES = ((0.5,) * 3, (0.5,) * 3)
# Four noise photos a step: the loss leaps at once, so the mock training must not stop for that.
LR_FIND = {"lr_find": {"num_it": 30, "stop_div": False}}


@pytest.fixture
def make(folder_of, tmp_path):
    """A learner on a few noise photos, seeded as a run seeds it, and a run folder."""
    root = folder_of({"갓김치": 10, "백김치": 10})

    def learner(section: Train, name: str = "run") -> tuple[Learner, RunDir]:
        photos = data.load(Data(path=root, splitter="stratified"), tmp_path)
        train.seed(section)
        dls = loader.build(Loader(batch_size=4, workers=0), photos, augment.transforms(TINY, HALVES))
        run = RunDir(tmp_path / name)
        return vision_learner(dls, resnet18, pretrained=False, normalize=False, path=run.path), run

    return learner


def stages(*entries, **options) -> Train:
    return Train.model_validate({"stages": list(entries), **options})


def trainable(module) -> bool:
    return all(parameter.requires_grad for parameter in module.parameters())


def same_weights(a: Learner, b: Learner) -> bool:
    pairs = zip(a.model.state_dict().values(), b.model.state_dict().values(), strict=True)
    return all(torch.equal(left, right) for left, right in pairs)


def test_fine_tune_is_fastais_own_bit_for_bit(make):
    section = stages({"fine_tune": {"epochs": 2, "freeze_epochs": 1, "base_lr": 1e-3}}, precision="fp32")
    ours, run = make(section)
    history = train.fit(section, ours, run)
    plain, _ = make(section)
    with plain.no_bar(), plain.no_logging():
        plain.fine_tune(2, base_lr=1e-3, freeze_epochs=1)
    assert same_weights(ours, plain)
    assert history["stage"].tolist() == ["fine_tune (frozen)", "fine_tune", "fine_tune"]


def test_a_seed_gives_the_same_metrics_bit_for_bit(make):
    section = stages(LR_FIND, {"fit_one_cycle": {"epochs": 1, "lr_max": "auto"}}, seed=7)
    first, second = (train.fit(section, *make(section, name)) for name in ("a", "b"))
    pd.testing.assert_frame_equal(
        first.drop(columns="seconds"), second.drop(columns="seconds"), check_exact=True
    )


def test_history_has_one_row_an_epoch_over_all_stages(make):
    section = stages(
        {"fit": {"epochs": 1, "lr": 1e-3}}, {"fit_one_cycle": {"epochs": 2, "lr_max": [1e-5, 1e-4]}}
    )
    learn, run = make(section)
    train.fit(section, learn, run)
    history = run.read_table(run.history)
    assert history["epoch"].tolist() == [1, 2, 3]
    assert history["stage"].tolist() == ["fit", "fit_one_cycle", "fit_one_cycle"]
    assert history["kept"].tolist() == [False, False, True]
    assert history["lr"].iloc[0] == pytest.approx(1e-3)
    assert history["lr_lowest"].iloc[1:].max() == pytest.approx(1e-5, rel=0.2)
    assert history["macro_recall"].between(0, 1).all()


def test_lr_find_writes_its_curve_and_figure(make):
    section = stages(LR_FIND)
    learn, run = make(section)
    history = train.fit(section, learn, run)
    assert run.read_table(run.lr_find)["lr"].is_monotonic_increasing
    assert run.figure("lr_find").stat().st_size > 1000
    assert train.facts(history)["kept_epoch"] is None


def test_best_keeps_the_epoch_that_scored_best_over_all_stages(make):
    section = stages(
        {"fit": {"epochs": 2, "lr": 1e-4}},
        {"fit": {"epochs": 1, "lr": 1.0}},
        keep="best",
        monitor="valid_loss",
    )
    learn, run = make(section)
    history = train.fit(section, learn, run)
    best = history.loc[history["valid_loss"].idxmin()]
    assert history.loc[history["kept"], "epoch"].tolist() == [best["epoch"]]
    with learn.no_logging():
        assert learn.validate(cbs=[])[0] == pytest.approx(best["valid_loss"], rel=1e-4)


def test_feature_extract_leaves_the_body_as_it_is(make):
    section = stages({"feature_extract": {"epochs": 1}})
    learn, run = make(section)
    body = {name: value.clone() for name, value in learn.model[0].state_dict().items()}
    head = [value.clone() for value in learn.model[1].parameters()]
    train.fit(section, learn, run)
    assert all(torch.equal(value, body[name]) for name, value in learn.model[0].state_dict().items())
    assert not all(torch.equal(a, b) for a, b in zip(learn.model[1].parameters(), head, strict=True))


def test_gradual_unfreeze_adds_one_group_an_epoch(make):
    section = stages({"gradual_unfreeze": {"epochs": 2}})
    learn, run = make(section)
    train.fit(section, learn, run)
    assert trainable(learn.model[1])
    assert trainable(learn.model[0][6:])
    assert not trainable(learn.model[0][:6])


def test_freeze_and_unfreeze_hold_for_the_stages_after_them(make):
    section = stages("freeze", {"fit": {"epochs": 1}})
    learn, run = make(section)
    train.fit(section, learn, run)
    assert not trainable(learn.model[0])
    section = stages("freeze", "unfreeze", {"fit": {"epochs": 1}})
    learn, run = make(section, "other")
    train.fit(section, learn, run)
    assert trainable(learn.model[0])


def test_a_loss_that_is_no_number_stops_the_run_and_says_what_to_try(make):
    section = stages({"fit": {"epochs": 3, "lr": 0.01}})
    learn, run = make(section)
    learn.loss_func = NoNumber()
    with pytest.raises(
        RunError, match=r"no longer a number in epoch 1 \(fit, rate 0.01\). Try a rate of 0.001"
    ):
        train.fit(section, learn, run)
    assert len(run.read_table(run.history)) == 1


class NoNumber(CrossEntropyLossFlat):
    def __call__(self, *args, **kwargs):
        return super().__call__(*args, **kwargs) * math.nan


class StopAfter(Callback):
    order = 101  # after the checkpoint of the epoch

    def __init__(self, epochs: int) -> None:
        self.left = epochs

    def after_epoch(self):
        self.left -= not hasattr(self.learn, "lr_finder")
        if not self.left:
            raise KeyboardInterrupt


@pytest.mark.parametrize("epochs", [1, 2, 4])
def test_an_interrupted_training_goes_on_bit_for_bit(make, epochs):
    section = stages(
        LR_FIND,
        {"fine_tune": {"epochs": 2, "base_lr": "auto"}},
        LR_FIND,
        {"fit_one_cycle": {"epochs": 2, "lr_max": "auto"}},
        keep="best",
    )
    learn, run = make(section, "undisturbed")
    undisturbed = train.fit(section, learn, run)
    dying, run = make(section, "interrupted")
    dying.add_cb(StopAfter(epochs))
    with pytest.raises(KeyboardInterrupt):
        train.fit(section, dying, run)
    again, run = make(section, "interrupted")
    history = train.fit(section, again, run)
    assert same_weights(learn, again)
    pd.testing.assert_frame_equal(
        history.drop(columns="seconds"), undisturbed.drop(columns="seconds"), check_exact=True
    )


@pytest.fixture
def linear(make):
    """A learner whose head is one linear layer, and a head for it."""

    def learner(section: Train, name: str = "run"):
        learn, run = make(section, name)
        learn.model[1] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 2))
        head = np.full((2, 512), 0.01), np.array([1.0, -1.0])
        return learn, run, head

    return learner


def test_a_probe_sets_the_head_and_trains_nothing(linear):
    section = stages("probe", keep="best")
    learn, run, head = linear(section)
    before = learn.model[0].state_dict()["0.weight"].clone()
    history = train.fit(section, learn, run, head)
    assert history.empty
    assert learn.model[1][-1].bias.tolist() == [1, -1]
    assert torch.equal(learn.model[0].state_dict()["0.weight"], before)
    assert train.facts(history)["epochs"] == 0


def test_the_probe_is_kept_when_no_epoch_is_better(linear):
    section = stages("probe", {"fit": {"epochs": 1, "lr": 10.0}}, keep="best", monitor="valid_loss")
    learn, run, head = linear(section)
    history = train.fit(section, learn, run, head)
    assert train.facts(history)["kept_epoch"] == 0
    assert learn.model[1][-1].bias.tolist() == [1, -1]


def test_freeze_bn_holds_statistics_always_and_weights_while_frozen(make):
    section = stages({"fine_tune": {"epochs": 1, "freeze_epochs": 1}}, freeze_bn=True)
    learn, run = make(section)
    norms = [module for module in learn.model[0].modules() if isinstance(module, nn.BatchNorm2d)]
    seen = []

    class Look(Callback):
        def after_train(self):
            seen.append((norms[0].running_mean.sum().item(), trainable(norms[0]), trainable(learn.model[0])))

    learn.add_cb(Look())
    train.fit(section, learn, run)
    assert seen == [(0.0, False, False), (0.0, True, True)]


def test_min_steps_gives_a_small_folder_more_epochs(make):
    section = stages({"fit_one_cycle": {"epochs": 1, "min_steps": 9}})
    learn, run = make(section)
    assert len(train.fit(section, learn, run)) == math.ceil(9 / len(learn.dls.train))


@pytest.mark.parametrize("key", ["mixup", "cutmix"])
def test_mixing_trains_and_leaves_validation_alone(make, key):
    section = stages({"fit": {"epochs": 1, "lr": 1e-3}}, label_smoothing=0.1, **{key: 0.4})
    learn, run = make(section)
    history = train.fit(section, learn, run)
    smoothed = LabelSmoothingCrossEntropyFlat(eps=0.1)
    outputs, truth = learn.get_preds(act=noop)
    assert history["valid_loss"].iloc[-1] == pytest.approx(float(smoothed(outputs, truth)), rel=1e-4)


def test_a_running_mean_of_the_weights_is_scored_and_kept(make):
    section = stages({"fit": {"epochs": 2, "lr": 1e-2}}, ema=0.5)
    learn, run = make(section)
    mean = learn.model[0][0].weight.detach().clone()

    class Follow(Callback):
        def after_batch(self):
            if self.training:
                mean.lerp_(self.model[0][0].weight.detach(), 0.5)
            else:
                assert torch.allclose(self.model[0][0].weight, mean)

    learn.add_cb(Follow())
    history = train.fit(section, learn, run)
    assert torch.allclose(learn.model[0][0].weight, mean)
    outputs, truth = learn.get_preds(act=noop)
    assert history["valid_loss"].iloc[-1] == pytest.approx(
        float(CrossEntropyLossFlat()(outputs, truth)), rel=1e-4
    )


def test_a_stage_trains_on_photos_of_its_own_size(make):
    section = stages({"fit": {"epochs": 1, "size": 64}}, {"fit": {"epochs": 1}})
    learn, run = make(section)
    seen = []

    class Look(Callback):
        order = 1

        def before_batch(self):
            seen.append((self.training, self.x.shape[-1]))

    learn.add_cb(Look())
    train.fit(section, learn, run)
    assert dict.fromkeys(seen) == dict.fromkeys([(True, 64), (False, 32), (True, 32)])


def test_balanced_classes_count_the_same(make):
    section = stages({"fit": {"epochs": 1}}, class_weights="balanced")
    learn, _ = make(section)
    learn.dls.train.items["label"] = ["갓김치"] * 4 + ["백김치"] * (len(learn.dls.train.items) - 4)
    weights = train.regularize.loss(section, learn).func.weight
    assert weights[0] / weights[1] == pytest.approx((len(learn.dls.train.items) - 4) / 4)


@pytest.mark.parametrize(
    ("values", "over"),
    [
        ([3, 2, 1], False),
        ([1, 2, 3], True),
        ([3, 2, 2.05, 2.1], True),
        ([3, 1, 1.95, 0.9], False),
        ([1], False),
    ],
)
def test_patience_counts_epochs_without_a_better_value(values, over):
    assert EarlyStop(patience=2).is_over(values) == over


def test_early_stop_ends_all_stages_and_the_best_epoch_is_kept(make):
    stop = {"monitor": "train_loss", "patience": 2, "min_delta": 1e9}
    section = stages({"fit": {"epochs": 2}}, {"fit_one_cycle": {"epochs": 5}}, keep="best", early_stop=stop)
    learn, run = make(section)
    history = train.fit(section, learn, run)
    assert history["stage"].tolist() == ["fit", "fit", "fit_one_cycle"]
    assert history["kept"].sum() == 1
