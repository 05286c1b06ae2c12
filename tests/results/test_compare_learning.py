"""What a learning curve says, against drawn right and wrong answers whose law is known."""

import numpy as np
import pandas as pd
import pytest
from fake_runs import fake_run

from benchmarks import choices as simulation
from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_table
from kimchi_vision.base.messages import catalogue
from kimchi_vision.base.numbers import percent
from kimchi_vision.config import Experiment
from kimchi_vision.data.photo import Photos
from kimchi_vision.jobs.learning_curve import _classes, _points, plan, sentences
from kimchi_vision.results import plots
from kimchi_vision.results.compare import Learning, learning, power_law
from kimchi_vision.results.compare.power_law import Redrawn, fit
from kimchi_vision.results.intervals import over_seeds, wilson

SHARES = np.array([0.1, 0.25, 0.5, 1])


def asked(truth, each=1):
    """Photos of these classes; so many in a row are a group."""
    return truth, np.arange(len(truth)) // each


def drawn(random, errors, photos=1000):
    """Right or wrong by share, [1, photos]; some photos are hard for every share."""
    hard = random.random(photos)
    often = [np.where(random.random(photos) < 0.7, hard, random.random(photos)) for _ in SHARES]
    return [(each >= error)[None] for each, error in zip(often, errors, strict=True)]


@pytest.mark.parametrize(("a", "b", "c"), [(0.05, 0.1, 0.5), (0.1, 0.02, 0.3)])
def test_the_interval_of_the_gain_holds_the_truth(a, b, c, monkeypatch):
    monkeypatch.setattr(power_law, "DRAWS", 60)
    random, truth = np.random.default_rng(1), np.arange(1000) % 2
    gain, covered = b * (1 - 2**-c), 0
    for _ in range(30):
        gains = fit(drawn(random, a + b * SHARES**-c), *asked(truth), [0, 1], 1000 * SHARES).gains()[1:]
        covered += gains.min() <= gain <= gains.max()
    assert covered >= 27


def test_seeds_that_differ_make_the_gain_less_sure(monkeypatch):
    monkeypatch.setattr(power_law, "DRAWS", 60)
    photos = np.arange(2000)
    errors = 0.05 + 0.1 * SHARES**-0.5
    widths = []
    for apart in (0, 0.04):
        right = [np.stack([photos >= 2000 * (e - apart), photos >= 2000 * (e + apart)]) for e in errors]
        widths.append(fit(right, *asked(photos * 0), [0], 1000 * SHARES).gains()[1:].std())
    assert widths[1] > 1.5 * widths[0]


def test_a_law_without_noise_is_found_again():
    errors = 0.05 + 0.1 * SHARES**-0.5
    photos = 20_000
    right = [(np.arange(photos) >= error * photos)[None] for error in errors]
    fits = fit(right, *asked(np.zeros(photos)), [0], 1000 * SHARES)
    assert fits.gains()[0] == pytest.approx(0.1 * (1 - 2**-0.5), abs=0.002)
    assert fits.accuracy(SHARES)[0] == pytest.approx(1 - errors, abs=0.002)


def test_the_class_that_still_learns_comes_first():
    random, truth = np.random.default_rng(2), np.arange(3000) % 3
    learning, done = drawn(random, 0.1 + 0.1 * SHARES**-0.5, 3000), drawn(random, 0.1 * SHARES**0, 3000)
    right = [np.where(truth == 1, some, others) for some, others in zip(learning, done, strict=True)]
    fits = fit(right, *asked(truth), [0, 1, 2], 1000 * SHARES)
    assert fits.by_class[0].argmax() == 1
    assert fits.alike([0, 1, 2], 1) == []
    assert set(fits.alike([0, 1, 2], 0)) >= {1}


@pytest.fixture(scope="module")
def curve(tmp_path_factory):
    """Runs by share, of 80 validation photos: 16, 40 and 80 training photos, half as many of 1 as of 001.

    Photos of 001 are wrong less and less often, those of 1 as often as ever; the class 2 is nowhere scored.
    """
    place, wrong = tmp_path_factory.mktemp("curve"), {0.2: (16, 20), 0.5: (8, 12), 1: (3, 5)}
    rows = {}
    for share, errors in wrong.items():
        labels = ["001"] * 40 + ["1"] * 40
        trained = ["001"] * int(60 * share) + ["1"] * int(30 * share)
        items = pd.DataFrame({"label": labels + trained, "split": ["valid"] * 80 + ["train"] * len(trained)})
        items["path"] = [f"{number}.jpg" for number in range(len(items))]
        items["sha256"] = [f"{number:064}" for number in range(len(items))]
        rows[share] = []
        for seed, number in enumerate(errors):
            run = fake_run(place / f"{share}-seed{seed}", Photos(place, items, ("001", "1", "2")))
            table = run.table(run.files.predictions)
            code = np.arange(80)
            miss = (code < number) | ((code >= 40) & (code < 48))
            write_table(run.files.predictions, table.assign(predicted=np.where(miss, "2", table["truth"])))
            rows[share].append(run.path)
    return rows


def test_a_curve_is_of_all_seeds_of_each_share(curve):
    found = learning(dict(reversed(curve.items())))
    points = found.points
    assert points["share"].tolist() == [0.2, 0.5, 1]
    assert points["train_photos"].tolist() == [18, 45, 90]
    assert points["seeds"].tolist() == [2, 2, 2]
    wrong = np.array([(24, 28), (16, 20), (11, 13)])
    assert points["accuracy"].tolist() == pytest.approx(1 - wrong.mean(1) / 80)
    assert points["sd"].tolist() == pytest.approx(wrong.std(1, ddof=1) / 80)
    # Other training photos would move it, too.
    assert points["low"].iloc[-1] < wilson(0.85, 80)[0]
    ends = found.curve["train_photos"].iloc[[0, -1]]
    assert ends.tolist() == pytest.approx([18, 180])
    assert found.curve["accuracy"].is_monotonic_increasing
    assert (found.curve["low"] <= found.curve["high"]).all()
    assert found.curve["accuracy"].iloc[0] == pytest.approx(points["accuracy"][0], abs=0.02)
    assert found.low < found.gain < found.high
    assert found.gain == pytest.approx(found.curve["accuracy"].iloc[-1] - points["accuracy"][2], abs=0.02)


def test_classes_that_are_scored_are_counted_and_the_one_that_learns_comes_first(curve):
    classes = learning(curve).classes
    assert classes["class"].tolist() == ["001", "1"]
    assert classes["train_photos"].tolist() == [60, 30]
    assert classes["photos"].tolist() == [40, 40]
    assert classes["recall"].tolist() == pytest.approx([0.9, 0.8])
    assert classes[["low", "high"]].iloc[1].tolist() == pytest.approx(wilson(0.8, 40))
    assert (classes["gain_low"] <= classes["gain"]).all()
    assert (classes["gain"] <= classes["gain_high"]).all()


def test_one_seed_has_no_spread_and_two_shares_are_no_curve(curve):
    alone = learning({share: paths[:1] for share, paths in curve.items()})
    assert alone.points["sd"].isna().all()
    assert alone.points["accuracy"].tolist() == pytest.approx([56 / 80, 64 / 80, 69 / 80])
    with pytest.raises(InputError, match="three shares"):
        learning({share: curve[share] for share in (0.2, 1)})


def test_runs_of_other_photos_make_no_curve(curve, tmp_path):
    items = pd.DataFrame({"label": ["001"], "split": "valid", "path": "x.jpg", "sha256": "x"})
    other = fake_run(tmp_path / "other", Photos(tmp_path, items, ("001", "1", "2")))
    with pytest.raises(InputError, match="different photos"):
        learning({**curve, 1: [curve[1][0], other.path]})


def found(gain, low, high, alike=(), seeds=(1, 1), gains=(0.03, 0.0)):
    points = pd.DataFrame({"train_photos": [100, 400], "seeds": seeds})
    classes = pd.DataFrame({"class": ["김치", "깍두기"], "gain": gains, "gain_low": [0.01, 0.0]})
    classes = classes.assign(gain_high=[0.05, 0.01], recall=[0.9, 0.8], low=[0.6, 0.7], high=[0.95, 0.9])
    return Learning(points, points, classes, gain, low, high, alike)


def test_verdicts():
    english = catalogue("en")
    assert sentences(found(0.03, 0.01, 0.05), english) == [
        "More data is worth it: 800 training photos, twice as many, would bring about +3.0 points of "
        "accuracy (95 % interval +1.0 to +5.0).",
        "Drawn out along a power law, from one training a share: other training photos and another seed move "
        "it too, which the interval leaves out (--seeds 1,2,3).",
        "Photograph next: 김치. Twice its photos would add +3.0 points to its recall (+1.0 to +5.0).",
    ]
    said = sentences(found(0.002, 0.0, 0.0099, seeds=(2, 2)), english)
    assert said[0].startswith("More data of this kind is not worth it")
    assert said[0].endswith("less than 1 point.")
    assert said[1].startswith("Drawn out along a power law, from 4 trainings on repeated draws")
    assert len(said) == 3
    assert sentences(found(0.01, 0.0, 0.01, seeds=(2, 1)), english)[0].startswith("Cannot tell")
    assert "another seed" in sentences(found(0.01, 0.0, 0.04, seeds=(2, 1)), english)[1]


def test_a_class_is_named_where_it_gains_and_is_told_from_some_other():
    weakest = "재현율이 가장 낮은 클래스: 깍두기, 80.0 %(70.0 % ~ 90.0 %)."
    for alike, gains in ((("깍두기",), (0.03, 0)), ((), (0, 0))):
        said = sentences(found(0.03, 0.015, 0.05, alike, (2, 2), gains), catalogue("ko"))
        assert said[2:] == [
            "사진을 늘려 다른 클래스보다 더 나아진다고 할 수 있는 클래스는 없습니다.",
            weakest,
        ]
    three = found(0.03, 0.015, 0.05, ("무",), (2, 2))
    more = pd.concat([three.classes, three.classes.tail(1).assign(**{"class": "무"})])
    said = sentences(Learning(three.points, more, more, 0.03, 0.015, 0.05, ("무",)), catalogue("en"))
    assert said[-1] == "These photos cannot tell it from: 무."
    assert said[-2].startswith("Photograph next: 김치.")


def test_the_tables_on_the_screen_show_spread_and_intervals(curve):
    learned = learning(curve)
    points = _points(learned.points, catalogue("en")).splitlines()
    assert points[0].split()[:3] == ["share", "training", "photos"]
    low, high = learned.points.loc[2, ["low", "high"]]
    assert " ".join(points[3].split()) == f"1 90 85.0 % ± 1.8 (n = 2) {percent(low)} – {percent(high)}"
    classes = _classes(found(0, 0, 0).classes.assign(train_photos=1200), catalogue("en")).splitlines()
    assert " ".join(classes[1].split()) == "김치 1,200 90.0 % (60.0 % – 95.0 %) +3.0 (+1.0 – +5.0)"
    alone = learned.points.assign(seeds=1)
    assert "±" not in _points(alone, catalogue("en"))


def test_a_plan_has_a_row_a_share_that_keeps_what_was_given():
    given = {"name": "tiny", "data": {"path": "photos", "valid_pct": 0.4}, "recipe": "quick"}
    experiment = Experiment.model_validate(given)
    planned = plan(experiment, [1, 0.25, 0.5, 0.5], [3, 4])
    assert planned.name == "tiny-learning-curve"
    assert [row.name for row in planned.rows] == ["share-0.25", "share-0.5", "share-1"]
    assert [(row.data.train_share, row.seeds) for row in planned.rows] == [
        (s, (3, 4)) for s in (0.25, 0.5, 1)
    ]
    assert {row.data.valid_pct for row in planned.rows} == {0.4}
    assert planned.rows[0].model_fields_set == {"name", "data", "recipe", "seeds", "evaluate"}
    assert plan(experiment, [1, 0.25, 0.5]).rows[0].seeds == ()


def test_the_figure_reaches_to_twice_the_photos():
    points = pd.DataFrame({"train_photos": [100, 400], "accuracy": [0.7, 0.8], "low": [0.6, 0.7]})
    points = points.assign(high=[0.8, 0.9])
    curve = pd.concat([points, points.tail(1).assign(train_photos=800)])
    (axes,) = plots.learning_curve(points, curve).axes
    assert axes.get_xlim()[1] > 800


def test_shares_that_are_none_are_refused():
    for fractions in ([0.5, 1], [0.5, 0.5, 1], [0.1, 0.5, 2], [0, 0.5, 1]):
        with pytest.raises(InputError, match=r"--fractions 0.* give three shares"):
            plan(None, fractions)


def test_intervals_hold_what_other_training_photos_would_change():
    """Draws of most photos are alike, but these photos were drawn, too."""
    shares = np.array([0.25, 0.5, 1])
    means = [np.array([0.6, 0.7, 0.8]), np.array([0.72, 0.78, 0.84]), np.array([0.85, 0.85, 0.85])]
    found = Redrawn.of(shares, means)
    assert found.freedom == 6
    assert 5 * found.by_seed < found.by_photos
    right = np.tile(np.arange(400) < 340, (3, 1))
    units = np.arange(400)
    _, low, high = found.interval(right, units, 1.0)
    assert high - low > 1.5 * np.ptp(over_seeds(right, units)[1:])
    alone = Redrawn.of(shares, [each[:1] for each in means])
    assert alone.interval(right, units, 1.0).interval == wilson(0.85, 400).tolist()
    assert alone.interval(right[:, :7], units[:7], 1.0).interval is None  # too few photos to say


def test_copies_of_every_photo_leave_a_curve_as_sure_as_it_was(monkeypatch):
    monkeypatch.setattr(power_law, "DRAWS", 60)
    right = drawn(np.random.default_rng(3), 0.05 + 0.1 * SHARES**-0.5, 200)
    fivefold = [np.repeat(each, 5, axis=1) for each in right]
    spread = [
        fit(several, *asked(np.zeros(200 * each), each), [0], 1000 * SHARES).gains()[1:].std()
        for several, each in ((right, 1), (fivefold, 5))
    ]
    assert spread[1] == pytest.approx(spread[0], rel=0.15)
    alone = Redrawn(0, 0, 0)
    ends = [
        alone.interval(several[-1], np.arange(200 * each) // each, 1.0).interval
        for several, each in ((right, 1), (fivefold, 5))
    ]
    assert ends[0] == pytest.approx(ends[1])


def test_the_interval_of_a_point_holds_the_truth_over_redrawn_photos():
    found = simulation.curve(200, 400, 20, 2.0, trials=12)
    assert found["points"] > 88  # of 200 trials: python -m benchmarks.choices curve
