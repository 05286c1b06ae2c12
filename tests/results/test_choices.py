"""What choosing on the photos that score adds to the score."""

import numpy as np
import pandas as pd
import pytest
from answers import said

from benchmarks import choices as simulation
from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_table
from kimchi_vision.config.sections import Train
from kimchi_vision.results import candidates, choices, folds
from kimchi_vision.results.candidates import Candidates, Epochs, Stop
from kimchi_vision.results.intervals import Estimate, wilson
from kimchi_vision.results.run import Run
from kimchi_vision.results.scores import METRICS, Score

UNITS = np.arange(200)


def coins(rows, photos=200, seed=0):
    """Answers that are right by chance alone."""
    return np.random.default_rng(seed).random((rows, photos)) < 0.7


def scored(value, low, high):
    return Score(METRICS["accuracy"], value, low, high, 200)


def predicted(right):
    return said([("a", "a" if hit else "b") for hit in right], ("a", "b"))


@pytest.mark.parametrize(("kind", "alike"), [("equal", 0.3), ("rising", 0.8), ("stopped", 0.3)])
def test_the_corrected_accuracy_of_the_best_of_ten_is_true_on_average(kind, alike):
    found = simulation.winner(400, 10, 0.8, kind, alike, trials=60, draws=60)
    assert kind == "stopped" or found["reported"] > 1  # the last epoch of those that bring nothing better
    assert abs(found["corrected"]) < 1  # the whole grid of 200 trials a cell: python -m benchmarks.choices
    assert found["covered"] >= 90


def test_a_single_candidate_was_not_chosen():
    right = coins(1)
    assert abs(choices.optimism([[Candidates(right, right)]], UNITS)) < 0.004


def test_rows_and_epochs_count_as_one_choice():
    rows = [[Candidates(coins(5, seed=seed), coins(5, seed=seed))] for seed in range(4)]
    of_epochs = choices.optimism(rows[:1], UNITS)
    of_all = choices.optimism(rows, UNITS)
    assert 0.01 < of_epochs < of_all < 0.1


def test_photos_of_one_group_are_drawn_together():
    """Twenty groups of ten alike: choosing gains as much as on twenty photos, not on two hundred."""
    few = np.repeat(coins(10, photos=20), 10, axis=1)
    found = Candidates(few, few)
    grouped = choices.optimism([[found]], np.repeat(np.arange(20), 10))
    alone = choices.optimism([[Candidates(few[:, ::10], few[:, ::10])]], np.arange(20))
    assert grouped == pytest.approx(alone)
    assert grouped > 3 * choices.optimism([[found]], UNITS)


def test_the_epoch_is_chosen_by_what_the_run_monitors(tmp_path):
    """Validation loss prefers the second epoch, accuracy the first."""
    file = tmp_path / "epochs.npz"
    right = [np.arange(100) < count for count in (80, 60)]
    for epoch, hits in enumerate(right, 1):
        candidates.write_epoch(
            file,
            epoch,
            said([("a", "a" if hit else "b") for hit in hits], ("a", "b"), sure=0.99 if epoch == 1 else 0.6),
        )
    valid = predicted(right[0])
    for monitor, best in (("valid_loss", 1), ("loss", 1), ("accuracy", 0), ("macro_f1", 0)):
        section = Train(stages=["lr_find"], keep="best", monitor=monitor)
        assert candidates.candidates(section, valid, file).worth.mean(axis=1).argmax() == best
    upside_down = Train(stages=["lr_find"], keep="best", monitor="valid_loss", mode="max")
    assert candidates.candidates(upside_down, valid, file).worth.mean(axis=1).argmax() == 0
    by_training = {"monitor": "train_loss", "patience": 2}
    for untouched in (
        {"keep": "last"},
        {"keep": "last", "early_stop": by_training},
        {"keep": "best", "monitor": "train_loss"},
    ):
        assert len(candidates.candidates(Train(stages=["lr_find"], **untouched), valid, file)) == 1
        assert choices.of_epochs(Train(stages=["lr_find"], **untouched), valid, file) == {}


def test_a_training_that_photos_ended_chose_by_them(tmp_path):
    """Right of 100 photos: 60, 80, 70, 70; patience 2 ends it, and the last epoch is kept."""
    file = tmp_path / "epochs.npz"
    for epoch, count in enumerate((60, 80, 70, 70), 1):
        candidates.write_epoch(file, epoch, predicted(np.arange(100) < count))
    stop = {"monitor": "accuracy", "patience": 2, "min_delta": 0.05}
    section = Train(stages=["lr_find"], keep="last", early_stop=stop)
    found = candidates.candidates(section, predicted(np.arange(100) < 70), file)
    whole = np.ones((1, 100))
    assert len(found) == 4
    assert found.kept(whole) == [3]
    assert found.kept((np.arange(100) < 60)[None].astype(float)) == [2]  # all are right: nothing is better
    best = candidates.candidates(
        section.model_copy(update={"keep": "best", "monitor": "accuracy"}),
        predicted(np.arange(100) < 70),
        file,
    )
    assert best.kept(whole) == [1]


def test_a_training_ends_by_what_its_end_monitors(tmp_path):
    """Accuracy rises by one photo an epoch, while ever surer mistakes make the loss worse."""
    file = tmp_path / "epochs.npz"
    for epoch, sure in enumerate((0.6, 0.9, 0.99, 0.999), 1):
        hits = [("a", "a" if place < 60 + epoch else "b") for place in range(100)]
        candidates.write_epoch(file, epoch, said(hits, ("a", "b"), sure=sure))
    for stop, last in (
        ({"monitor": "valid_loss"}, 2),
        ({"monitor": "accuracy"}, 3),
        ({"monitor": "accuracy", "min_delta": 0.05}, 2),
    ):
        section = Train(
            stages=["lr_find"], keep="last", monitor="valid_loss", early_stop={"patience": 2, **stop}
        )
        found = candidates.candidates(section, predicted(np.arange(100) < 64), file)
        assert found.kept(np.ones((1, 100))) == [last]


def test_what_training_starts_from_is_no_epoch_without_progress(tmp_path):
    """Right of 100 photos: 90 before the first epoch, then 60, 80, 70, 70; patience 2."""
    file = tmp_path / "epochs.npz"
    for epoch, count in enumerate((90, 60, 80, 70, 70)):
        candidates.write_epoch(file, epoch, predicted(np.arange(100) < count))
    stop = {"monitor": "accuracy", "patience": 2}
    section = Train(stages=["lr_find"], keep="last", early_stop=stop)
    found = candidates.candidates(section, predicted(np.arange(100) < 70), file)
    assert found.kept(np.ones((1, 100))) == [4]


def test_a_mean_over_classes_chooses_by_classes(tmp_path):
    """Accuracy prefers the epoch that has the larger class right, macro recall the one that has both."""
    file, truth = tmp_path / "epochs.npz", ["a"] * 90 + ["b"] * 10
    epochs = [["a"] * 100, ["a"] * 70 + ["b"] * 30]
    said_of = [said(list(zip(truth, answers, strict=True)), ("a", "b")) for answers in epochs]
    for epoch, answers in enumerate(said_of, 1):
        candidates.write_epoch(file, epoch, answers)
    for monitor, best in (("accuracy", 0), ("macro_recall", 1)):
        section = Train(stages=["lr_find"], keep="best", monitor=monitor)
        assert candidates.candidates(section, said_of[0], file).worth.mean(axis=1).argmax() == best


def test_each_fold_is_scored_at_the_epoch_that_the_others_choose():
    """The first fold is best after one epoch, the others after two, so that is the first one's number."""
    early, late = (np.array([np.arange(10) < count for count in counts]) for counts in ((7, 6), (5, 8)))
    every = [Candidates(each, each.astype(float)) for each in (early, late, late)]
    assert folds.by_others(every) == [1, 1, 1]
    assert folds.by_others([*every[:1], *every[:1], every[1]]) == [1, 1, 0]
    short = [Candidates(each.right, None, Stop(each.worth, 1)) for each in every]
    assert folds.by_others([*short[:2], Candidates(late[:1], None, Stop(late[:1], 1))]) == [1, 1, 0]


def test_nested_folds_are_true_on_average_where_each_folds_own_choice_is_not():
    found = simulation.folds(60, 60, 0.25, 50, trials=60)
    assert found["own"] > 2
    assert abs(found["nested"]) < 1.5  # the grid: python -m benchmarks.choices folds


def test_epochs_of_a_training_that_died_are_replaced(tmp_path):
    file = tmp_path / "epochs.npz"
    for epoch in (0, 1, 2, 3, 2):
        candidates.write_epoch(file, epoch, predicted(np.arange(10) < epoch))
    found = Epochs.read(file)
    assert found.epoch.tolist() == [0, 1, 2]
    assert found.right.sum(axis=1).tolist() == [0, 1, 2]
    assert found.loss.shape == (3, 10)


@pytest.mark.parametrize(
    "damage", [lambda content: content[:200], lambda content: b"", lambda content: b"PK" * 40]
)
def test_epochs_that_are_damaged_are_a_sentence(tmp_path, damage):
    file = tmp_path / "epochs.npz"
    candidates.write_epoch(file, 0, predicted(np.arange(10) < 5))
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(InputError, match=r"epochs\.npz is damaged"):
        Epochs.read(file)


def test_the_interval_moves_with_the_value_and_keeps_the_worth_of_the_photos():
    before = Estimate.around(0.9, *wilson(0.9, 137.0))
    assert choices.without(before, 0.05) == pytest.approx((0.85, *wilson(0.85, 137.0)))
    assert choices.without(before, -0.2).value == 1


def guessing(folder, right, train="[{fit: {epochs: 1}}]", units=UNITS):
    """A run that has these photos right."""
    run = Run(folder)
    run.files.experiment.parent.mkdir(parents=True)
    run.files.experiment.write_text(f"name: {folder.name}\ndata: {{path: p}}\ntrain: {train}\n")
    run.files.labels.write_text('["a", "b"]')
    run.files.metrics.write_text("{}")
    table = predicted(right)
    table.write(run.files.predictions)
    write_table(run.files.items, pd.DataFrame({"path": table.paths, "group": units[: len(right)]}))
    return run


@pytest.fixture
def rows(tmp_path):
    """Four runs that guess, on the same photos."""
    return {f"row{seed}": [guessing(tmp_path / f"row{seed}", coins(1, seed=seed)[0])] for seed in range(4)}


def test_folds_answer_after_the_epoch_that_no_photo_of_theirs_chose(tmp_path):
    """Four folds of 50 photos, 9 epochs by chance: a fold's own choice flatters it, the others' does not."""
    train = "{stages: [{fit: {epochs: 9}}], keep: best, monitor: accuracy}"
    every = [coins(9, photos=50, seed=seed) for seed in range(4)]
    best = [right[right.mean(axis=1).argmax()] for right in every]
    runs = [guessing(tmp_path / f"fold{number}", right, train) for number, right in enumerate(best)]
    assert folds.answers(runs).right.mean() == np.mean(best)  # of folders of before
    for run, right in zip(runs, every, strict=True):
        for epoch, hits in enumerate(right, 1):
            candidates.write_epoch(run.files.epoch_answers, epoch, predicted(hits), whole=True)
    found, kept = folds.answers(runs), folds.by_others([choices.of_run(run) for run in runs])
    assert found.right.tolist() == np.concatenate([r[k] for r, k in zip(every, kept, strict=True)]).tolist()
    assert found.right.mean() < np.mean(best) - 0.03
    assert found.loss == pytest.approx(np.where(found.right, found.loss.min(), found.loss.max()), abs=1e-3)
    facts = folds.facts(runs, found)
    assert [fold["photos"] for fold in facts["folds"]] == [50] * 4
    assert "floor" not in facts


def test_copies_of_few_pictures_let_choices_gain_more(tmp_path):
    """Of runs and epochs alike: ten copies of each of twenty pictures, or two hundred photos."""
    train = "{stages: [{fit: {epochs: 9}}], keep: best, monitor: accuracy}"
    answers = np.repeat(coins(9, photos=20), 10, axis=1)
    gains = {}
    for name, units in (("photos", UNITS), ("copies", UNITS // 10)):
        rows = {
            f"{name}{seed}": [guessing(tmp_path / f"{name}{seed}", right, train, units)]
            for seed, right in enumerate(answers)
        }
        first = next(iter(rows.values()))[0]
        for epoch, right in enumerate(answers, 1):
            candidates.write_epoch(first.files.epoch_answers, epoch, predicted(right))
        valid = first.predictions.part("valid")
        means = {row: scored(runs[0].predictions.right.mean(), 0.5, 0.9) for row, runs in rows.items()}
        gains[name] = (
            choices.of_epochs(first.experiment.train, valid, first.files.epoch_answers)["gain"],
            max(each.value for each in means.values()) - choices.winner(rows, means, "valid").accuracy.value,
        )
    assert all(more > 2 * less for more, less in zip(gains["copies"], gains["photos"], strict=True))


def test_the_winner_of_a_table_is_named_without_what_winning_gave_it(rows):
    rates = {name: runs[0].predictions.right.mean() for name, runs in rows.items()}
    means = {name: scored(rate, *wilson(rate, 200)) for name, rate in rates.items()}
    found = choices.winner(rows, means, "valid")
    assert found.name == max(rates, key=rates.get)
    assert (found.rows, found.epochs) == (4, 4)
    assert found.accuracy.value < max(rates.values()) - 0.01
    assert found.reported.value == max(rates.values())
    assert choices.winner({"row0": rows["row0"]}, means, "valid") is None


def test_rows_on_other_photos_have_no_winner(rows, tmp_path):
    rows["short"] = [guessing(tmp_path / "short", coins(1, photos=100)[0])]
    assert choices.winner(rows, {name: scored(0.7, 0.6, 0.8) for name in rows}, "valid") is None
