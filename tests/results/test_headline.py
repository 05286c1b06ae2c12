"""The first number about a run: of photos that chose nothing where there are some."""

import pandas as pd
import pytest
from conftest import text_of
from fake_runs import fake_run

from kimchi_vision.base.files import write_json, write_table
from kimchi_vision.base.messages import catalogue
from kimchi_vision.config.sections import Report
from kimchi_vision.data.photo import Photos
from kimchi_vision.results import headline, report
from kimchi_vision.results.report import decision, notebook
from kimchi_vision.results.run import Run

SAY = catalogue("en")


@pytest.fixture
def make(tmp_path):
    def run(**train):
        names = [f"{number}.jpg" for number in range(60)]
        items = pd.DataFrame({"path": names, "label": ["a", "b"] * 30, "sha256": names})
        photos = Photos(tmp_path, items.assign(split=["valid"] * 40 + ["test"] * 20), ("a", "b"))
        return fake_run(tmp_path / "run", photos, train={"stages": [{"fit": {"epochs": 4}}], **train})

    return run


def test_test_photos_come_first_and_say_how_often_they_were_scored(make):
    run = make(keep="best")
    write_json(run.files.test_metrics, {**run.metrics, "split": "test", "photos": 20, "accuracy": 0.75})
    for command in ("run", "evaluate --test"):
        run.open_test(command)
    first, chosen, openings = headline.sentences(run, SAY)
    assert first.startswith("Accuracy on 20 test photos (95 % interval): 75.0 %")
    assert chosen.startswith("Nothing was chosen on these photos")
    assert openings == "The test photos were scored 2 times so far, by any run on this machine."
    page = text_of(report.write(Run.open(run.path), Report(lang="en")))
    assert page.index("<strong>75.0 %</strong>") < page.index("Accuracy (test)")
    assert chosen in page


def test_validation_photos_that_chose_an_epoch_say_so_and_correct_for_it(make):
    run = make(keep="best")
    write_json(run.files.metrics, {**run.metrics, "choices": {"epochs": 4, "gain": 0.03}})
    first, chosen, more = headline.sentences(Run.open(run.path), SAY)
    accuracy = run.metrics["accuracy"]
    assert first.startswith(f"Accuracy on 40 validation photos (95 % interval): {100 * accuracy:.1f} %")
    assert chosen.startswith("The best of 4 epochs was chosen on these same photos")
    assert f"about {100 * (accuracy - 0.03):.1f} % (" in chosen
    assert "or `evaluate.folds: 5` where photos are few" in more


@pytest.mark.parametrize("train", [{"keep": "best"}, {"keep": "last", "early_stop": {"patience": 2}}])
@pytest.mark.parametrize(
    ("gain", "english", "korean"),
    [
        (0.03, "which flatters the number: without that", "그래서 값이 실제보다 좋으며"),
        (0.0001, "which can flatter a number, but not this one", "여기서는 그렇지 않습니다"),
        (0.0, "which can flatter a number, but not this one", "여기서는 그렇지 않습니다"),
        (-0.01, "which can flatter a number, but not this one", "여기서는 그렇지 않습니다"),
    ],
)
def test_a_number_is_called_flattered_where_the_corrected_one_is_lower(make, train, gain, english, korean):
    run = make(**train)
    write_json(run.files.metrics, {**run.metrics, "choices": {"epochs": 4, "gain": gain}})
    corrected = f"{100 * (run.metrics['accuracy'] - gain):.1f} % ("
    for lang, words in (("en", english), ("ko", korean)):
        chosen = headline.sentences(Run.open(run.path), catalogue(lang))[1]
        assert words in chosen
        assert corrected in chosen


def test_a_run_that_keeps_its_last_epoch_chose_nothing(make):
    assert headline.sentences(make(keep="last"), SAY)[1].startswith("This run chose nothing on these photos")


def test_a_run_that_kept_what_the_training_loss_chose_chose_nothing_by_these_photos(make):
    said = headline.sentences(make(keep="best", monitor="train_loss"), SAY)[1]
    assert said.startswith("This run chose nothing on these photos")


def test_goals_are_held_against_the_first_number(make):
    run = make(keep="best", monitor="accuracy")
    write_json(run.files.metrics, {**run.metrics, "choices": {"epochs": 4, "gain": 0.03}})
    valid = headline.scores(Run.open(run.path))
    assert valid["accuracy"].value == pytest.approx(run.metrics["accuracy"] - 0.03)
    assert valid["macro_recall"] == run.score["macro_recall"]
    tested = {**run.metrics, "split": "test", "photos": 20, "accuracy": 0.75, "macro_recall": 0.5}
    write_json(run.files.test_metrics, tested)
    test = headline.scores(Run.open(run.path))
    assert [(test[name].value, test[name].n) for name in ("accuracy", "macro_recall")] == [
        *((0.75, 20), (0.5, 20)),
    ]


def test_a_run_of_before_says_that_the_gain_is_not_known(make):
    assert "by how much is not known" in headline.sentences(make(keep="best"), SAY)[1]


def with_folds(run, **more):
    """What five folds beside the model said of 100 photos."""
    folds = [{"run": f"fold{n}", "photos": 20, "accuracy": 0.7} for n in range(5)]
    told = {
        "split": "folds",
        "photos": 100,
        "accuracy": 0.7,
        "accuracy_interval": [0.61, 0.78],
        "folds": folds,
    }
    write_json(run.files.fold_metrics, {**run.metrics, **told, **more})
    again = pd.concat([run.predictions.as_part("folds").table] * 2)
    write_table(run.files.predictions, pd.concat([run.predictions.table, again.drop_duplicates("path")]))
    return Run.open(run.path)


def test_folds_that_chose_no_epoch_say_only_that_no_model_had_seen_its_photos(make):
    _, unseen, beside = headline.sentences(with_folds(make(keep="last")), SAY)
    assert unseen == "Each photo was answered by one of 5 models that had not seen it."
    assert beside.startswith("Those 5 models only show what the recipe is worth.")


def test_pooled_folds_say_who_answered_and_that_no_photo_chose(make):
    run = make(keep="best")
    write_json(run.files.metrics, {**run.metrics, "choices": {}, "folds": [{"accuracy": 0.7}] * 3})
    first, unseen, nobody = headline.sentences(Run.open(run.path), SAY)
    assert first.startswith(f"Accuracy on 40 cross-validated photos (95 % interval): {run.score['accuracy']}")
    assert unseen == "Each photo was answered by one of 3 models that had not seen it."
    assert nobody.endswith("so no photo scores a choice that it had a part in.")


def test_pooled_folds_of_before_chose_on_the_photos_that_score_them(make):
    run = make(keep="best")
    chosen = {"epochs": 4, "gain": 0.05, "nested": 0.7, "nested_interval": [0.55, 0.82]}
    write_json(run.files.metrics, {**run.metrics, "choices": chosen, "folds": [{"accuracy": 0.7}] * 3})
    first, chose, _ = headline.sentences(Run.open(run.path), SAY)
    assert first.startswith("Accuracy on 40 validation photos")
    assert chose.startswith("The best of 4 epochs was chosen on these same photos, which flatters the number")


def test_folds_beside_a_model_are_its_first_number_and_what_is_said_of_mistakes(make):
    run = with_folds(make(keep="best"), most_confused=[["a", "b", 17]])
    first, unseen, nobody, beside = headline.sentences(run, SAY)
    assert first.startswith("Accuracy on 100 cross-validated photos (95 % interval): 70.0 % (61.0")
    assert unseen == "Each photo was answered by one of 5 models that had not seen it."
    assert nobody.endswith("so no photo scores a choice that it had a part in.")
    own = f"{100 * run.metrics['accuracy']:.1f} %"
    assert f"its own 40 validation photos alone give {own}" in beside
    assert decision.confusions(run, SAY) == "It confuses most: a taken for b (17)."
    page = text_of(report.write(run, Report(lang="en")))
    assert "70 of 100 cross-validated photos are right" in page
    assert "(cross-validated), 95 % interval 61.0 % to 78.0 %, n = 100<" in page
    assert page.index("<strong>70.0 %</strong>") < page.index("its own 40 validation photos")
    assert page.count("Over 100 photos, each answered by one of 5 models that had not seen it.") == 2
    assert "This run, cross-validated, n = 100" in page
    details = page.split('id="details"')[1]
    assert details.index(">cross-validated<") < details.index(">validation<")
    assert details.index("70.0 %") < details.index(own)
    assert "each answered by one of 5 models" in notebook(run)


def test_baseline_and_confusions_name_their_photos_where_the_number_is_over_others(make):
    run = make(keep="best")
    known = {**run.metrics, "floor": {"accuracy": 0.6}, "most_confused": [["a", "b", 3]]}
    write_json(run.files.metrics, known)
    run = with_folds(Run(run.path), most_confused=[])
    assert headline.baseline(run, SAY) == "Baseline (linear probe): 60.0 %"
    assert decision.confusions(run, SAY) == "It confuses nothing on these photos."
    run.files.fold_metrics.unlink()
    own = f"{100 * run.metrics['accuracy']:.1f} %"
    for tested, baseline, confused in (
        (False, "Baseline (linear probe): 60.0 %", "It confuses most: a taken for b (3)."),
        (
            True,
            f"Baseline (linear probe): 60.0 % on the 40 validation photos, where this model has {own}",
            "On the 40 validation photos it confuses most: a taken for b (3).",
        ),
    ):
        if tested:
            write_json(run.files.test_metrics, {**run.metrics, "split": "test"})
        again = Run.open(run.path)
        assert headline.baseline(again, SAY) == baseline
        assert decision.confusions(again, SAY) == confused
    write_json(run.files.metrics, {**known, "most_confused": []})
    assert decision.confusions(Run.open(run.path), SAY) == "On the 40 validation photos it confuses nothing."


def test_photos_that_ended_the_training_say_so(make):
    run = make(keep="last", early_stop={"patience": 2})
    write_json(run.files.metrics, {**run.metrics, "choices": {"epochs": 3, "gain": -0.01}})
    assert headline.sentences(Run.open(run.path), SAY)[1].startswith(
        "These same photos ended the training after 3"
    )
