from pathlib import Path

import pytest

from kimchi_vision.base.errors import InputError, InterruptedRunError, RunError
from kimchi_vision.config import Experiment

pytest.importorskip("optuna", reason="needs the extra: pip install 'kimchi-vision[search]'")

from kimchi_vision.jobs import experiment as running
from kimchi_vision.jobs import search as module
from kimchi_vision.jobs.executor import Serial
from kimchi_vision.jobs.search import search
from kimchi_vision.results.scores import recorded
from tests.fake_runs import fake_run


class Done:
    """A run as far as a search reads it."""

    def __init__(self, path: Path, rate: float):
        loss = abs(rate - 1e-3)  # the best rate is 1e-3
        self.path, self.calibration = path, {"after": {"loss": loss}}
        self.score = recorded({"accuracy": 0.5, "photos": 4})
        self.metrics = {"train": {"seconds": 60.0}}


@pytest.fixture
def begun(monkeypatch):
    """Experiments in the order in which they ran, without a training."""
    ran = []

    def run(experiment, exports, force=False, watch=None):
        ran.append(experiment)
        if watch is not None:  # each trial is worse than those before it
            cycle = experiment.train.stages[-1].arguments
            epochs = range(1, 1 + getattr(cycle, "epochs", 1))
            any(watch({"error_rate": len(ran) / 100, "epoch": epoch}) for epoch in epochs)

    class Opened:
        @staticmethod
        def open(path):
            stages = next(one for one in ran if one.name == path.name).train.stages
            return Done(path, stages[-1].arguments.lr_max[1] if stages else 1e-4)

    monkeypatch.setattr(running, "run", run)
    monkeypatch.setattr(module, "Run", Opened)
    monkeypatch.setattr(module, "compare", lambda runs: [run.path.name for run in runs])
    return ran


@pytest.fixture
def experiment(folder_of):
    path = folder_of({"갓김치": 10, "백김치": 10})
    return Experiment.model_validate(
        {"name": "mine", "data": {"path": path, "splitter": "stratified"}, "recipe": "best"}
    )


@pytest.mark.parametrize(("share", "valid"), [(1.0, [6, 2]), (0.5, [3, 1])])
def test_trials_never_see_the_photos_that_judge_the_choice(
    begun, experiment, folder_of, tmp_path, share, valid
):
    uneven = folder_of({"갓김치": 40, "백김치": 10}, tmp_path / "uneven")
    experiment = experiment.replace(data={"path": uneven, "train_share": share}, evaluate={"folds": 3})
    found = search(experiment, 60, tmp_path, trials=4)
    *trials, best, chosen = begun
    outer = module.data.load(experiment.data, tmp_path)
    for trial in trials:
        inner = module.data.load(trial.data, tmp_path)
        assert set(inner.part("train")["path"]) | set(inner.part("valid")["path"]) == set(
            outer.part("train")["path"]
        )
        assert inner.part("valid")["label"].value_counts().tolist() == valid
        assert [trial.evaluate.test, trial.evaluate.folds, trial.export.onnx] == [False, None, False]
    assert best.data == chosen.data == experiment.data
    assert best.export.onnx
    assert chosen.evaluate.test
    assert found.comparison == ["best", "chosen"]


def test_the_best_trial_is_chosen_and_trials_are_a_table(begun, experiment, tmp_path):
    found = search(experiment, 60, tmp_path, trials=6)
    assert found.trials["value"].is_monotonic_increasing
    rates = found.trials["params_rate"]
    assert found.trials["value"].tolist() == pytest.approx(abs(rates - 1e-3).tolist())
    *trials, best, chosen = begun
    first = trials[0]
    body, rate = chosen.train.stages[-1].arguments.lr_max
    values = found.trials.iloc[0]
    assert (rate, body / rate) == pytest.approx((values["params_rate"], values["params_body"]))
    assert chosen.train.stages[-1].arguments.epochs == values["params_epochs"]
    tried = found.trials.sort_values("number")
    for key in ("mult", "min_scale"):
        assert [getattr(trial.augment, key) for trial in trials] == tried[f"params_{key}"].tolist()
    assert [trial.train.label_smoothing for trial in trials] == tried["params_smoothing"].tolist()
    assert first.augment == best.augment  # the recipe's own values
    assert first.train.stages[-1].arguments.lr_max == pytest.approx(best.train.stages[-1].arguments.lr_max)
    assert (tmp_path / "mine-search" / "trials.csv").is_file()


def test_no_trial_begins_when_the_time_is_over_and_three_have(begun, experiment, tmp_path):
    search(experiment, 0, tmp_path, trials=9)
    assert [each.name for each in begun] == ["trial-000", "trial-001", "trial-002", "best", "chosen"]


def test_a_search_goes_on_where_it_ended(begun, experiment, tmp_path):
    search(experiment, 60, tmp_path, trials=3)
    found = search(experiment, 60, tmp_path, trials=5)
    assert found.trials["params_rate"].nunique() == 5  # it draws no settings twice
    assert [e.name for e in begun if e.name.startswith("trial")] == [f"trial-{n:03}" for n in range(5)]


def test_a_search_that_goes_on_may_choose_again(begun, experiment, tmp_path, monkeypatch):
    """The run of the earlier choice is kept under another name, as --force does."""
    plain, forced = running.run, []

    def run(named, exports, force=False, watch=None):
        forced.extend([named.name] * force)
        plain(named, exports, force, watch)

    monkeypatch.setattr(running, "run", run)
    fake_run(tmp_path / "mine-search" / "chosen", module.data.load(experiment.data))
    search(experiment, 60, tmp_path, trials=3)
    assert forced == ["chosen"]


def test_ctrl_c_ends_a_search_and_its_trial_goes_on_with_the_next(begun, experiment, tmp_path, monkeypatch):
    plain = running.run

    def interrupted(named, exports, *more):
        if named.name == "trial-001":
            raise InterruptedRunError("Interrupted.")
        return plain(named, exports, *more)

    monkeypatch.setattr(running, "run", interrupted)
    with pytest.raises(InterruptedRunError):
        search(experiment, 60, tmp_path, trials=3)
    assert [each.name for each in begun] == ["trial-000"]
    monkeypatch.setattr(running, "run", plain)
    search(experiment, 60, tmp_path, trials=3)
    assert begun[1].name == "trial-001"
    assert len(begun) == 5  # three trials, and the two that are compared


def test_keys_that_the_user_gives_are_not_searched(begun, experiment, tmp_path):
    given = experiment.on_top_of({"augment": {"min_scale": 0.9}})
    search(given, 60, tmp_path, trials=3)
    assert {e.augment.min_scale for e in begun} == {0.9}


def test_another_search_is_not_mixed_in(begun, experiment, tmp_path):
    search(experiment, 60, tmp_path, trials=3)
    other = experiment.on_top_of({"loader": {"batch_size": 5}})
    with pytest.raises(InputError, match="holds a search with other settings"):
        search(other, 60, tmp_path, trials=3)


def test_a_trial_is_chosen_when_a_place_is_free_by_what_has_ended(begun, experiment, tmp_path, monkeypatch):
    """One that fails is left out, and one that died and goes on shows its epochs again."""
    plain, asked = running.run, []

    def run(named, exports, force=False, watch=None):
        if named.name == "trial-001":
            raise RunError("no memory")
        plain(named, exports, force, watch)
        if watch is not None:
            watch({"error_rate": 1.0, "epoch": 1})

    class Place(Serial):
        def run(self, leaves, told=None):
            asked.append(isinstance(leaves, list))
            return super().run(leaves, told)

    monkeypatch.setattr(running, "run", run)
    found = search(experiment, 60, tmp_path, trials=4, on=Place())
    assert asked == [False, True]  # the trials one by one, the two that are compared at once
    assert sorted(found.trials["state"]) == ["COMPLETE"] * 3 + ["FAIL"]
    assert [each.name for each in begun][-2:] == ["best", "chosen"]


def test_what_ending_poor_trials_early_spared_is_counted(begun, experiment, tmp_path):
    found = search(experiment, 60, tmp_path, trials=8)
    asked, after = found.trials["params_epochs"], found.trials["user_attrs_ended_after"]
    spared = asked - after.fillna(asked)
    assert found.early.trials == (spared > 0).sum() > 0
    assert found.early[1:3] == (spared.sum(), asked.sum())
    assert found.early.seconds == pytest.approx((60 * spared / after).sum())
