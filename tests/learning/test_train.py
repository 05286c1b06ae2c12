import math
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
import torch
from fastai.callback.core import Callback
from fastai.callback.schedule import minimum, steep
from fastai.learner import Learner, Metric
from fastai.losses import CrossEntropyLossFlat, FocalLossFlat, LabelSmoothingCrossEntropyFlat
from fastcore.basics import noop
from torch import nn

from kimchi_vision.base.errors import RunError
from kimchi_vision.config.sections import Evaluate, Train
from kimchi_vision.config.sections.train import EarlyStop
from kimchi_vision.config.stages import LrFind
from kimchi_vision.learning import train
from kimchi_vision.learning.train.stages import find_rates, phases
from kimchi_vision.results.candidates import Epochs
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.scores import METRICS, scores
from tests.small_network import WIDTH

# Four noise photos a step: the loss leaps at once, so the mock training must not stop for that.
LR_FIND = {"lr_find": {"num_it": 30, "stop_div": False}}


def stages(*entries, **options) -> Train:
    return Train.model_validate({"stages": list(entries), **options})


def trainable(module) -> bool:
    return all(parameter.requires_grad for parameter in module.parameters())


def same_weights(a: Learner, b: Learner) -> bool:
    pairs = zip(a.model.state_dict().values(), b.model.state_dict().values(), strict=True)
    return all(torch.equal(left, right) for left, right in pairs)


OWN = {
    "fine_tune": {
        "epochs": 2,
        "freeze_epochs": 2,
        "base_lr": 3e-3,
        "lr_mult": 7,
        "pct_start": 0.6,
        "div": 3,
        "wd": 0.3,
    },
    "fit_one_cycle": {"epochs": 2, "lr_max": 3e-3, "div": 5, "div_final": 10, "pct_start": 0.6, "wd": 0.3},
    "fit": {"epochs": 2, "lr": 3e-3, "wd": 0.3},
}
"""Stages of fastai with arguments that none of them has by itself."""


@pytest.mark.parametrize("stage", OWN)
def test_a_stage_is_fastais_own_bit_for_bit(tiny_learner, stage):
    section = stages({stage: OWN[stage]}, precision="fp32")
    ours, run = tiny_learner(section)
    history = train.fit(section, ours, run.files)
    plain, _ = tiny_learner(section)
    given = dict(OWN[stage])
    with plain.no_bar(), plain.no_logging():
        getattr(plain, stage)(given.pop("epochs"), **given)
    assert same_weights(ours, plain)
    losses = [values[:2] for values in plain.recorder.values]  # of the last phase
    assert history[["train_loss", "valid_loss"]].iloc[-2:].to_numpy() == pytest.approx(
        np.array(losses), rel=1e-5
    )
    names = ["fine_tune (frozen)"] * 2 if stage == "fine_tune" else []
    assert history["stage"].tolist() == [*names, stage, stage]


class Calls:
    """Remembers how a Learner is called."""

    def __init__(self):
        self.made = []

    def fit_one_cycle(self, *arguments, **named):
        self.made.append((arguments, named))


def test_stages_that_fastai_does_not_have_pass_their_arguments_on(monkeypatch):
    monkeypatch.setattr("kimchi_vision.learning.train.stages.extracted", lambda learn: nullcontext())
    section = stages(
        {"feature_extract": {"epochs": 3, "lr_max": 2e-3, "pct_start": 0.4, "wd": 0.3, "augment": False}},
        {"gradual_unfreeze": {"epochs": 2, "lr_max": 2e-3, "lr_mult": 4, "wd": 0.2}},
    )
    calls = Calls()
    for stage in section.stages:
        for phase in phases(stage, None, steps=4):
            phase.fit(calls, start_epoch=1)
    extract, *gradual = calls.made
    assert extract == ((3, 2e-3), {"pct_start": 0.4, "wd": 0.3, "start_epoch": 1})
    assert gradual == [((1, slice(5e-4, 2e-3)), {"wd": 0.2, "start_epoch": 1})] * 2


@pytest.mark.parametrize(
    "stage", ["fine_tune", "fit_one_cycle", "fit", "feature_extract", "gradual_unfreeze"]
)
def test_auto_is_the_rate_that_lr_find_suggests(stage):
    rate = {"fine_tune": "base_lr", "fit": "lr"}.get(stage, "lr_max")
    _, automatic = stages("lr_find", {stage: {"epochs": 1, rate: "auto"}}).stages
    (given,) = stages({stage: {"epochs": 1, rate: 4e-3}}).stages
    made = []
    for asked in (automatic, given):
        calls = Calls()
        calls.fit = calls.fit_one_cycle
        for phase in phases(asked, 4e-3, steps=4):
            phase.fit(calls)
        made.append(calls.made)
    assert made[0] == made[1]
    with pytest.raises(RunError, match="lr_find suggests no rate, so `auto` has none"):
        phases(automatic, None, steps=4)


def test_a_seed_gives_the_same_metrics_bit_for_bit(tiny_learner):
    section = stages(LR_FIND, {"fit_one_cycle": {"epochs": 1, "lr_max": "auto"}}, seed=7)

    def history(section, name):
        learn, run = tiny_learner(section, name)
        return train.fit(section, learn, run.files)

    first, second = (history(section, name) for name in ("a", "b"))
    pd.testing.assert_frame_equal(
        first.drop(columns="seconds"), second.drop(columns="seconds"), check_exact=True
    )
    other = stages(*section.stages, seed=8)
    assert history(other, "c")["valid_loss"].iloc[0] != first["valid_loss"].iloc[0]


def test_history_has_one_row_an_epoch_over_all_stages(tiny_learner):
    section = stages(
        {"fit": {"epochs": 1, "lr": 1e-3}}, {"fit_one_cycle": {"epochs": 2, "lr_max": [1e-5, 1e-4]}}
    )
    learn, run = tiny_learner(section)
    train.fit(section, learn, run.files)
    history = run.table(run.files.history)
    assert history["epoch"].tolist() == [1, 2, 3]
    assert history["stage"].tolist() == ["fit", "fit_one_cycle", "fit_one_cycle"]
    assert history["kept"].tolist() == [False, False, True]
    assert history["lr"].iloc[0] == pytest.approx(1e-3)
    assert history["lr_lowest"].iloc[1:].max() == pytest.approx(1e-5, rel=0.2)
    assert history["macro_recall"].between(0, 1).all()


def test_every_score_of_an_epoch_is_that_of_all_its_answers(tiny_learner):
    section = stages({"fit": {"epochs": 2, "lr": 1e-2}}, precision="fp32")
    learn, run = tiny_learner(section)
    first_alone = Evaluate(top_k=1)
    learn.metrics = train.epoch_scores(learn.dls.vocab, first_alone)
    history = train.fit(section, learn, run.files)
    with learn.no_bar():
        logits, truth = learn.get_preds(act=noop)
    labels = [learn.dls.vocab[place] for place in truth.tolist()]
    items = pd.DataFrame({"path": range(len(truth)), "split": "valid", "label": labels})
    said = Predictions.from_logits(items, logits.numpy(), learn.dls.vocab)
    found = {score.name: score.value for score in scores(said, first_alone)}
    assert set(found) == set(METRICS)
    assert history[list(found)].iloc[-1].to_dict() == pytest.approx(found, rel=1e-5)


def test_lr_find_writes_its_curve_and_figure(tiny_learner):
    section = stages(LR_FIND)
    learn, run = tiny_learner(section)
    history = train.fit(section, learn, run.files)
    assert run.table(run.files.lr_find)["lr"].is_monotonic_increasing
    assert run.files.figure("lr_find").stat().st_size > 1000
    assert train.facts(history)["kept_epoch"] is None


@pytest.mark.parametrize("name", ["minimum", "steep"])
def test_a_suggestion_is_the_one_that_is_asked_for_and_fastais(tiny_learner, name):
    section = stages(LR_FIND, precision="fp32")
    ours, run = tiny_learner(section)
    given = {**LR_FIND["lr_find"], "end_lr": 1.0}
    found = find_rates(LrFind(**given, suggest=name), ours, run.files)
    plain, _ = tiny_learner(section)
    with plain.no_bar():
        expected = plain.lr_find(**given, show_plot=False, suggest_funcs=(minimum, steep))
    assert found == pytest.approx(getattr(expected, name))
    assert expected.minimum != expected.steep


def test_best_keeps_the_epoch_that_scored_best_over_all_stages(tiny_learner):
    section = stages(
        {"fit": {"epochs": 2, "lr": 1e-4}},
        {"fit": {"epochs": 1, "lr": 1.0}},
        keep="best",
        monitor="valid_loss",
    )
    learn, run = tiny_learner(section)
    history = train.fit(section, learn, run.files)
    best = history.loc[history["valid_loss"].idxmin()]
    assert best["epoch"] < 3
    assert train.facts(history)["kept_epoch"] == best["epoch"]
    assert history.loc[history["kept"], "epoch"].tolist() == [best["epoch"]]
    with learn.no_logging():
        assert learn.validate(cbs=[])[0] == pytest.approx(best["valid_loss"], rel=1e-4)


class Planned(Metric):
    """A score whose values are known beforehand."""

    def __init__(self, name, values):
        self._name, self.left = name, iter(values)

    def reset(self):
        self.now = next(self.left)

    def accumulate(self, learn):
        """Nothing is looked at."""

    @property
    def value(self):
        return self.now

    @property
    def name(self):
        return self._name


@pytest.mark.parametrize(
    ("name", "values"), [("accuracy", [1, 3, 3, 2, 4]), ("error_rate", [0.9, 0.7, 0.7, 0.8, 0.6])]
)
def test_a_score_keeps_its_first_best_epoch_and_stops_by_its_own_direction(tiny_learner, name, values):
    stop = {"monitor": name, "patience": 2}
    section = stages({"fit": {"epochs": 5, "lr": 1e-3}}, keep="best", monitor=name, early_stop=stop)
    learn, run = tiny_learner(section)
    learn.metrics = [Planned(name, values)]
    history = train.fit(section, learn, run.files)
    assert history[name].tolist() == values[:4]
    assert train.facts(history)["kept_epoch"] == 2


def test_feature_extract_leaves_the_body_as_it_is(tiny_learner):
    section = stages({"feature_extract": {"epochs": 1}})
    learn, run = tiny_learner(section)
    body = {name: value.clone() for name, value in learn.model[0].state_dict().items()}
    head = [value.clone() for value in learn.model[1].parameters()]
    train.fit(section, learn, run.files)
    assert all(torch.equal(value, body[name]) for name, value in learn.model[0].state_dict().items())
    assert not all(torch.equal(a, b) for a, b in zip(learn.model[1].parameters(), head, strict=True))


def test_gradual_unfreeze_adds_one_group_an_epoch(tiny_learner):
    section = stages({"gradual_unfreeze": {"epochs": 2}})
    learn, run = tiny_learner(section)
    train.fit(section, learn, run.files)
    assert trainable(learn.model[1])
    assert trainable(learn.model[0][6:])
    assert not trainable(learn.model[0][:6])


def test_freeze_and_unfreeze_hold_for_the_stages_after_them(tiny_learner):
    section = stages("freeze", {"fit": {"epochs": 1}})
    learn, run = tiny_learner(section)
    train.fit(section, learn, run.files)
    assert not trainable(learn.model[0])
    section = stages("freeze", "unfreeze", {"fit": {"epochs": 1}})
    learn, run = tiny_learner(section, "other")
    train.fit(section, learn, run.files)
    assert trainable(learn.model[0])


def test_a_body_that_is_frozen_again_is_not_even_decayed(tiny_learner):
    section = stages("unfreeze", {"fit": {"epochs": 1}}, "freeze", {"fit": {"epochs": 1, "wd": 0.5}})
    learn, run = tiny_learner(section)
    seen = []

    class Look(Callback):
        def after_fit(self):
            seen.append(self.model[0][0].weight.detach().clone())

    before = learn.model[0][0].weight.detach().clone()
    learn.add_cb(Look())
    train.fit(section, learn, run.files)
    assert not torch.equal(before, seen[0])
    assert torch.equal(*seen)


@pytest.mark.parametrize("batches", [0, 4])
def test_a_loss_that_is_no_number_stops_the_run_and_says_what_to_try(tiny_learner, batches):
    """Of training, and of validation alone after four training batches."""
    section = stages({"fit": {"epochs": 3, "lr": 0.01}})
    learn, run = tiny_learner(section)
    learn.loss_func = NoNumber(batches)
    with pytest.raises(
        RunError, match=r"no longer a number in epoch 1 \(fit, rate 0.01\). Try a rate of 0.001"
    ):
        train.fit(section, learn, run.files)
    assert len(run.table(run.files.history)) == 1


class NoNumber(CrossEntropyLossFlat):
    """No number any more after so many batches."""

    def __init__(self, left: int = 0) -> None:
        super().__init__()
        self.left = left

    def __call__(self, *args, **kwargs):
        self.left -= 1
        return super().__call__(*args, **kwargs) * (math.nan if self.left < 0 else 1)


def test_what_is_no_number_is_never_kept(tiny_learner):
    section = stages({"fit": {"epochs": 3}}, keep="best", checkpoint_minutes=1e-9)
    learn, run = tiny_learner(section)
    # An epoch is four training batches and one validation batch; the third batch of the second one fails.
    learn.loss_func = NoNumber(7)
    with pytest.raises(RunError, match=r"in epoch 2 .*checkpoints/best.pth holds the best epoch before it"):
        train.fit(section, learn, run.files)
    position = torch.load(run.files.last, weights_only=True)["position"]
    assert (position["epochs"], position["batches"]) == (1, 2)
    for weights in (torch.load(run.files.last)["model"], torch.load(run.files.best)):
        assert all(tensor.isfinite().all() for tensor in weights.values())


def test_training_ends_when_the_one_who_watches_has_seen_enough(tiny_learner, caplog):
    caplog.set_level("INFO", "kimchi_vision")
    section, seen = stages({"fit": {"epochs": 2}}, {"fit": {"epochs": 3}}), []

    def enough(row) -> bool:
        seen.append(row)
        return row["epoch"] == 3

    learn, run = tiny_learner(section)
    history = train.fit(section, learn, run.files, watch=enough)
    assert [row["epoch"] for row in seen] == history["epoch"].tolist() == [1, 2, 3]
    assert seen[2]["valid_loss"] == history["valid_loss"].iloc[2]
    assert "Training ends here: epoch 3 of 5." in caplog.text


def test_a_tracker_hears_of_each_batch_and_each_epoch_at_its_step(tiny_learner):
    section, told = stages({"fit": {"epochs": 2, "lr": [1e-4, 1e-2]}}), []
    learn, run = tiny_learner(section)
    history = train.fit(section, learn, run.files, tell=lambda values, step: told.append((step, values)))
    batches = [(step, values["lr"]) for step, values in told if "batch_loss" in values]
    assert batches == [(step, 1e-2) for step in range(1, 9)]
    ended = [(step, values["epoch"], values["valid_loss"]) for step, values in told if "epoch" in values]
    assert ended == [(4, 1, history["valid_loss"][0]), (8, 2, history["valid_loss"][1])]


def test_facts_are_sums_over_all_epochs_and_the_kept_one(caplog):
    history = pd.DataFrame(
        {
            "epoch": [1, 2, 3],
            "train_loss": [3.0, 2.0, 1.0],
            "valid_loss": [2.0, 1.0, 1.5],
            "seconds": [1.25, 2.0, 3.1],
            "kept": [False, True, False],
        }
    )
    assert train.facts(history) == {"epochs": 3, "kept_epoch": 2, "seconds": 6.3, "overfits_from": 3}
    none = {"epochs": 0, "kept_epoch": None, "seconds": 0.0, "overfits_from": None}
    assert train.facts(pd.DataFrame()) == none


class StopAfter(Callback):
    order = 101  # after the checkpoint of the epoch

    def __init__(self, epochs: int) -> None:
        self.left = epochs

    def after_epoch(self):
        self.left -= not hasattr(self.learn, "lr_finder")
        if not self.left:
            raise KeyboardInterrupt


@pytest.mark.parametrize("epochs", [1, 4])
def test_an_interrupted_training_goes_on_bit_for_bit(tiny_learner, epochs):
    section = stages(
        LR_FIND,
        {"fine_tune": {"epochs": 2, "base_lr": "auto"}},
        LR_FIND,
        {"fit_one_cycle": {"epochs": 2, "lr_max": "auto"}},
        keep="best",
    )
    learn, run = tiny_learner(section, "undisturbed")
    undisturbed = train.fit(section, learn, run.files)
    dying, run = tiny_learner(section, "interrupted")
    dying.add_cb(StopAfter(epochs))
    with pytest.raises(KeyboardInterrupt):
        train.fit(section, dying, run.files)
    again, run = tiny_learner(section, "interrupted")
    history = train.fit(section, again, run.files)
    assert same_weights(learn, again)
    pd.testing.assert_frame_equal(
        history.drop(columns="seconds"), undisturbed.drop(columns="seconds"), check_exact=True
    )


@pytest.fixture
def linear(tiny_learner):
    """A learner whose head is one linear layer, and a head for it."""

    def learner(section: Train, name: str = "run"):
        learn, run = tiny_learner(section, name)
        learn.model[1] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTH, 2))
        head = np.full((2, WIDTH), 0.01), np.array([1.0, -1.0])
        return learn, run, head

    return learner


def test_a_probe_sets_the_head_and_trains_nothing(linear):
    section = stages("probe", keep="best")
    learn, run, head = linear(section)
    before = learn.model[0].state_dict()["0.weight"].clone()
    history = train.fit(section, learn, run.files, head)
    assert history.empty
    assert learn.model[1][-1].bias.tolist() == [1, -1]
    assert torch.equal(learn.model[0].state_dict()["0.weight"], before)
    assert train.facts(history)["epochs"] == 0


def test_the_probe_is_kept_when_no_epoch_is_better(linear):
    section = stages("probe", {"fit": {"epochs": 1, "lr": 10.0}}, keep="best", monitor="valid_loss")
    learn, run, head = linear(section)
    history = train.fit(section, learn, run.files, head)
    assert train.facts(history)["kept_epoch"] == 0
    assert learn.model[1][-1].bias.tolist() == [1, -1]
    assert Epochs.read(run.files.epoch_answers).epoch.tolist() == [0, 1]


def test_freeze_bn_holds_statistics_always_and_weights_while_frozen(tiny_learner):
    section = stages({"fine_tune": {"epochs": 1, "freeze_epochs": 1}}, freeze_bn=True)
    learn, run = tiny_learner(section)
    norms = [module for module in learn.model[0].modules() if isinstance(module, nn.BatchNorm2d)]
    learn.model[0].append(nn.Dropout())
    seen = []

    class Look(Callback):
        def after_train(self):
            drops = learn.model[0][-1].training
            seen.append(
                (norms[0].running_mean.sum().item(), trainable(norms[0]), trainable(learn.model[0]), drops)
            )

    learn.add_cb(Look())
    train.fit(section, learn, run.files)
    assert seen == [(0.0, False, False, False), (0.0, True, True, True)]


def test_min_steps_gives_a_small_folder_more_epochs(tiny_learner):
    section = stages({"fit_one_cycle": {"epochs": 1, "min_steps": 9}})
    learn, run = tiny_learner(section)
    assert len(train.fit(section, learn, run.files)) == math.ceil(9 / len(learn.dls.train))


@pytest.mark.parametrize("key", ["mixup", "cutmix"])
def test_mixing_trains_and_leaves_validation_alone(tiny_learner, key):
    section = stages({"fit": {"epochs": 1, "lr": 1e-3}}, label_smoothing=0.1, **{key: 0.3})
    learn, run = tiny_learner(section)
    (mixing,) = train.callbacks.wanted(section, learn)
    assert float(mixing.distrib.concentration1) == pytest.approx(0.3)
    assert type(mixing).__name__.lower() == key
    history = train.fit(section, learn, run.files)
    smoothed = LabelSmoothingCrossEntropyFlat(eps=0.1)
    outputs, truth = learn.get_preds(act=noop)
    assert history["valid_loss"].iloc[-1] == pytest.approx(float(smoothed(outputs, truth)), rel=1e-4)


def test_a_running_mean_of_the_weights_is_scored_and_kept(tiny_learner):
    section = stages({"fit": {"epochs": 2, "lr": 1e-2}}, ema=0.8)
    learn, run = tiny_learner(section)
    mean = learn.model[0][0].weight.detach().clone()

    class Follow(Callback):
        def after_batch(self):
            if self.training:
                mean.lerp_(self.model[0][0].weight.detach(), 0.2)
            else:
                assert torch.allclose(self.model[0][0].weight, mean)

    learn.add_cb(Follow())
    history = train.fit(section, learn, run.files)
    assert torch.allclose(learn.model[0][0].weight, mean)
    outputs, truth = learn.get_preds(act=noop)
    assert history["valid_loss"].iloc[-1] == pytest.approx(
        float(CrossEntropyLossFlat()(outputs, truth)), rel=1e-4
    )


def test_a_stage_trains_on_photos_of_its_own_size(tiny_learner):
    section = stages({"fit": {"epochs": 1, "size": 64}}, {"fit": {"epochs": 1}})
    learn, run = tiny_learner(section)
    seen = []

    class Look(Callback):
        order = 1

        def before_batch(self):
            seen.append((self.training, self.x.shape[-1]))

    learn.add_cb(Look())
    train.fit(section, learn, run.files)
    assert dict.fromkeys(seen) == dict.fromkeys([(True, 64), (False, 32), (True, 32)])


@pytest.mark.parametrize("more", [{}, {"label_smoothing": 0.1}, {"loss": "focal"}], ids=str)
def test_balanced_classes_count_the_same(tiny_learner, more):
    section = stages({"fit": {"epochs": 1}}, class_weights="balanced", **more)
    learn, _ = tiny_learner(section)
    learn.dls.train.items["label"] = ["갓김치"] * 4 + ["백김치"] * (len(learn.dls.train.items) - 4)
    weights = train.callbacks.loss(section, learn).func.weight
    assert weights[0] / weights[1] == pytest.approx((len(learn.dls.train.items) - 4) / 4)


@pytest.mark.parametrize("name", train.callbacks.OPTIMIZERS)
def test_an_optimizer_by_its_name_trains_what_is_not_frozen(tiny_learner, name):
    section = stages({"fit": {"epochs": 1, "lr": 1e-3}}, opt_func=name)
    learn, run = tiny_learner(section)
    learn.freeze()
    body, head = learn.model[0][0].weight.clone(), learn.model[1][-1].weight.clone()
    history = train.fit(section, learn, run.files)
    assert np.isfinite(history["train_loss"]).all()
    assert torch.equal(learn.model[0][0].weight, body)
    assert not torch.equal(learn.model[1][-1].weight, head)


def test_the_focal_loss_is_fastais(tiny_learner):
    section = stages({"fit": {"epochs": 1, "lr": 1e-3}}, loss="focal")
    learn, run = tiny_learner(section)
    history = train.fit(section, learn, run.files)
    expected = float(FocalLossFlat()(*learn.get_preds(act=noop)))
    assert history["valid_loss"].iloc[-1] == pytest.approx(expected, rel=1e-4)
    with pytest.raises(ValueError, match="loss: focal"):
        stages(loss="focal", label_smoothing=0.1)


def test_logits_are_adjusted_in_training_alone(tiny_learner):
    section = stages({"fit": {"epochs": 1, "lr": 1e-9}}, logit_adjustment=0.5)
    learn, run = tiny_learner(section)
    count = len(learn.dls.train.items)
    learn.dls.train.items["label"] = ["갓김치"] * (count - 1) + ["백김치"]
    seen, plain = {}, []

    class SeesThePlain(Callback):
        order = 15

        def after_pred(self):
            plain.append(self.pred)

    class SeesTheAdjusted(Callback):
        order = 30

        def after_pred(self):
            seen[self.training] = (self.pred - plain[-1])[0].tolist()

    learn.add_cbs([SeesThePlain(), SeesTheAdjusted()])
    train.fit(section, learn, run.files)
    assert seen[False] == [0, 0]
    assert seen[True][0] - seen[True][1] == pytest.approx(math.log(count - 1) / 2, abs=0.1)


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
    assert EarlyStop(patience=2).is_over(values, sign=-1) == over
    assert EarlyStop(patience=2).is_over([-value for value in values], sign=1) == over


def test_a_value_that_is_hardly_better_counts_as_none():
    stop = EarlyStop(patience=2, min_delta=0.1)
    assert [stop.is_over([1, 0.95, last], sign=-1) for last in (0.92, 0.89)] == [True, False]


def test_early_stop_ends_all_stages_and_the_best_epoch_is_kept(tiny_learner):
    stop = {"monitor": "valid_loss", "patience": 2, "min_delta": 1e9}
    section = stages(
        {"fit": {"epochs": 2, "lr": 1e-3}},
        {"fit_one_cycle": {"epochs": 5, "lr_max": 1.0, "div": 2.0}},
        keep="best",
        monitor="train_loss",
        mode="max",
        early_stop=stop,
    )
    learn, run = tiny_learner(section)
    history = train.fit(section, learn, run.files)
    assert history["stage"].tolist() == ["fit", "fit", "fit_one_cycle"]
    assert history.loc[history["kept"], "epoch"].tolist() == [history["train_loss"].idxmax() + 1] == [3]
    again, run = tiny_learner(section)
    pd.testing.assert_frame_equal(train.fit(section, again, run.files), history)
    assert same_weights(again, learn)
