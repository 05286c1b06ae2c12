import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_json, write_table, write_text
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.cli.main import app
from kimchi_vision.config import Experiment, dump
from kimchi_vision.results.compare import compare, paired, summary
from kimchi_vision.results.intervals import over_seeds, wilson
from kimchi_vision.results.run import Run

VOCAB = ["김치", "ramyeon", "NA"]


@pytest.fixture
def run_of(tmp_path):
    """A run folder with drawn predictions; the photos depend on `data_seed` alone."""

    def make(
        name, accuracy=0.9, photos=300, seed=42, data_seed=42, vocab=VOCAB, backbone=None, split="valid"
    ):
        kept = np.random.default_rng(data_seed).permutation(2 * photos)[:photos]
        random = np.random.default_rng([seed, *name.encode()])
        truth = kept % len(vocab)
        wrong = (truth + random.integers(1, len(vocab), photos)) % len(vocab)
        predicted = np.where(random.random(photos) < accuracy, truth, wrong)
        names = np.array(vocab)
        table = pd.DataFrame(
            {
                "path": [f"{i}.jpg" for i in kept],
                "split": split,
                "truth": names[truth],
                "predicted": names[predicted],
            }
        )
        items = table[["path", "split"]].assign(label=table["truth"], sha256=[f"{i:064x}" for i in kept])
        table["loss"] = np.where(predicted == truth, -np.log(0.8), -np.log(0.2 / (len(vocab) - 1)))
        for column, label in enumerate(vocab):
            table[f"p:{label}"] = np.where(predicted == column, 0.8, 0.2 / (len(vocab) - 1))
        data = {"path": "photos", "seed": data_seed}
        return _folder(tmp_path / name, table, items, vocab, backbone or name, {"seed": seed}, data)

    return make


def written(path, answers, split="valid", vocab=("001", "1"), model="resnet18", train=None):
    """A run folder: a line a photo with sha256, truth and predicted, and perhaps its group."""
    columns = ["sha256", "truth", "predicted", "group"][: len(answers[0])]
    table = pd.DataFrame(answers, columns=columns).assign(split=split)
    table["path"] = [f"{number}.jpg" for number in range(len(table))]
    items = table.drop(columns="predicted").rename(columns={"truth": "label"})
    table["loss"] = np.where(table["truth"] == table["predicted"], 0.0, 87.0)
    for label in vocab:
        table[f"p:{label}"] = np.where(table["predicted"] == label, 1.0, 0.0)
    table = table.drop(columns=["sha256", *columns[3:]])
    return _folder(path, table, items, vocab, model, {"seed": 1, **(train or {})}, {"path": "photos"})


def _folder(path, predictions, items, vocab, backbone, train, data):
    files = RunFiles(path)
    plain = {"data": data, "model": {"backbone": backbone}, "train": {"stages": ["lr_find"], **train}}
    write_text(files.experiment, dump(Experiment.model_validate({"name": "e", **plain}).resolved()))
    write_table(files.predictions, predictions)
    write_table(files.items, items)
    write_json(files.labels, list(vocab))
    return path


def mistakes(number, photos=200):
    """So many wrong of photos of the classes 001 and 1, the first ones."""
    truth = [("001", "1")[place % 2] for place in range(photos)]
    other = {"001": "1", "1": "001"}
    return [
        (f"{place:03}", label, other[label] if place < number else label) for place, label in enumerate(truth)
    ]


def test_a_better_run_is_named_first(run_of):
    result = compare([run_of("weak", 0.75), run_of("strong", 0.95)])
    assert result.answer[0] == "On these trainings, one of each, strong did better than weak."
    assert "train each with three seeds: `seeds: [42, 43, 44]` in its row" in result.answer[1]
    (pair,) = result.pairs
    assert (pair.first, pair.second, pair.photos) == ("strong", "weak", 300)
    assert pair.difference == pytest.approx((pair.only_first - pair.only_second) / 300)
    assert result.experiments["experiment"].tolist() == ["strong", "weak"]
    assert "On these two trainings strong did better than weak: +" in result.text()


def test_better_than_one_of_two_is_not_better_than_all(tmp_path):
    """Of 200 photos 2, 4 and 60 are wrong: the second is as good, only the third is beaten."""
    wrong = {"a": 2, "b": 60, "c": 4}
    found = compare(
        [written(tmp_path / name, mistakes(number), model=name) for name, number in wrong.items()]
    )
    assert found.answer[:-1] == (
        "a has the highest accuracy, but that alone does not make it the best.",
        "On these trainings, one of each, it did better than b.",
        "These photos cannot tell it from c.",
    )
    names = [(pair.first, pair.second) for pair in found.pairs]
    assert names == [("a", "c"), ("a", "b"), ("c", "b")]
    p = [float(paired.mid_p(number, 0)) for number in (2, 58, 56)]
    assert [pair.p for pair in found.pairs] == pytest.approx(p)
    assert [pair.holm_p for pair in found.pairs] == pytest.approx([p[0], 3 * p[1], 2 * p[2]])
    assert found.sentences() == [*found.answer, *found.text().splitlines()[-3:]]
    assert f"p = {3 * p[1]:.2g} after Holm." in found.sentences()[5]
    rows = found.experiments.set_index("experiment")
    assert rows.loc["b", ["accuracy", "seeds", "photos"]].tolist() == [0.7, 1, 200]
    assert rows.loc["b", ["low", "high"]].tolist() == pytest.approx(wilson(0.7, 200).tolist())
    assert rows["sd"].isna().all()


def test_the_margin_decides_and_is_said(tmp_path):
    runs = [written(tmp_path / name, mistakes(wrong), model=name) for name, wrong in (("a", 2), ("b", 3))]
    assert compare(runs).pairs[0].verdict == "cannot tell"
    found = compare(runs, margin=0.05)
    assert found.answer[1] == "On these trainings, one of each, it did practically as well as b."
    assert "within 5 points" in found.sentences()[3]
    assert compare(runs, margin=0).pairs[0].verdict == "cannot tell"
    for margin in (-0.01, 1, 5):
        with pytest.raises(InputError, match=f"margin is .* such as 0.01, not {margin}"):
            compare(runs, margin=margin)
    done = CliRunner().invoke(app, ["compare", *map(str, runs), "--margin", "0.05", "--lang", "ko"])
    assert "사실상 같습니다. +0.5%p" in done.output
    assert "허용 차이 5%p 이내" in done.output


@settings(derandomize=True, deadline=None, max_examples=4)
@given(st.permutations(range(40)), st.lists(st.booleans(), min_size=40, max_size=40))
def test_the_order_of_photos_and_of_runs_changes_no_comparison(tmp_path_factory, order, right):
    rows = mistakes(0, 40)
    other = [
        (sha, label, label if hit else {"001": "1", "1": "001"}[label])
        for (sha, label, _), hit in zip(rows, right, strict=True)
    ]
    place = tmp_path_factory.mktemp("runs")
    runs = [written(place / "a", mistakes(5, 40), model="a"), written(place / "b", other, model="b")]
    before = compare(runs)
    written(place / "b", [other[number] for number in order], model="b")
    after = compare(runs[::-1])
    if before.pairs[0].difference:
        assert after.pairs == before.pairs
        pd.testing.assert_frame_equal(after.experiments, before.experiments)


def test_names_of_classes_change_no_comparison(tmp_path):
    names = {"001": "nan", "1": "김치"}
    runs, renamed = [], []
    for name, wrong in (("a", 3), ("b", 12)):
        rows = mistakes(wrong)
        runs.append(written(tmp_path / "plain" / name, rows, model=name))
        other = [(sha, names[truth], names[predicted]) for sha, truth, predicted in rows]
        renamed.append(written(tmp_path / "renamed" / name, other, vocab=("nan", "김치"), model=name))
    assert compare(renamed).pairs == compare(runs).pairs


def test_photos_are_paired_by_content_not_by_name_or_order(run_of):
    first, second = run_of("first"), run_of("second")
    before = compare([first, second]).pairs
    folder = Run(second)
    for file in (folder.files.predictions, folder.files.items):
        table = folder.table(file)
        write_table(file, table.assign(path="moved/" + table["path"]).sample(frac=1, random_state=1))
    assert compare([first, second]).pairs == before


def test_what_cannot_be_told_says_what_it_would_take(run_of):
    result = compare([run_of("one", 0.9), run_of("two", 0.89)], margin=0.05)
    assert "These photos cannot tell it from" in " ".join(result.answer)
    assert result.pairs[0].photos_needed > 0
    assert "more photos would" in result.text()


def test_seeds_of_one_experiment_are_one_row(tmp_path):
    """Seeds that score differently, so that each of them counts."""
    wrong = {"a-seed1": 5, "a-seed2": 9, "a-seed3": 13, "b-seed1": 60, "b-seed2": 80}
    runs = [
        written(tmp_path / name, mistakes(number), model=name[0], train={"seed": int(name[-1])})
        for name, number in wrong.items()
    ]
    result = compare(runs[::-1])
    rows = result.experiments.set_index("experiment")
    assert list(rows.index) == ["a", "b"]
    assert rows["seeds"].tolist() == [3, 2]
    assert rows["accuracy"].tolist() == pytest.approx([1 - 9 / 200, 1 - 70 / 200])
    assert rows["sd"].tolist() == pytest.approx([4 / 200, 20 / 200 / 2**0.5])
    right = np.array([np.arange(200) >= number for number in (5, 9, 13)])
    assert rows.loc["a", ["low", "high"]].tolist() == pytest.approx(over_seeds(right, np.arange(200))[1:])
    (pair,) = result.pairs
    other = np.array([np.arange(200) >= number for number in (60, 80)])
    difference, interval, p = paired.over_seeds(right, other, np.arange(200))
    assert (pair.difference, pair.p) == (pytest.approx(difference), pytest.approx(p))
    assert [pair.low, pair.high] == pytest.approx(interval)
    assert result.answer == ("a is better than b.",)
    assert "± 2.00 (n = 3)" in result.text()
    assert summary(runs[:3]) == pytest.approx(rows.loc["a"].to_dict() | {"experiment": "a"})


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("exp1-seed1", "exp1-seed2"), "exp1"),
        (("exp1_1", "exp1_2"), "exp1"),
        (("exp1.seed-7", "exp1 seed 8"), "exp1"),
        (("exp3", "exp4"), "exp"),
        (("1", "2"), "1"),
        (("one", "another"), "one"),
    ],
)
def test_an_experiment_is_called_what_its_seeds_have_in_common(tmp_path, names, said):
    runs = [written(tmp_path / name, mistakes(seed), train={"seed": seed}) for seed, name in enumerate(names)]
    assert summary(runs)["experiment"] == said


def test_experiments_that_would_have_one_name_are_called_by_their_folders(tmp_path):
    runs = [
        written(
            tmp_path / model / f"exp-seed{seed}", mistakes(wrong + seed), model=model, train={"seed": seed}
        )
        for model, wrong in (("x", 2), ("y", 90))
        for seed in (1, 2)
    ]
    names = [str(tmp_path / model / "exp-seed1") for model in "xy"]
    assert compare(runs).experiments["experiment"].tolist() == names


def test_the_rest_of_train_tells_experiments_apart_and_a_folder_twice_is_one(tmp_path):
    runs = [
        written(tmp_path / name, mistakes(wrong), train=train)
        for name, wrong, train in (
            ("a", 1, {"seed": 1, "keep": "best"}),
            ("b", 80, {"seed": 1, "keep": "last"}),
            ("c", 90, {"keep": "last", "seed": 2}),
        )
    ]
    again = tmp_path / "elsewhere" / ".." / "a"
    (tmp_path / "elsewhere").mkdir()
    found = compare([*runs, again])
    assert found.experiments[["experiment", "seeds"]].to_numpy().tolist() == [["a", 1], ["b", 2]]


def test_the_spread_over_seeds_alone_can_be_asked_for(run_of):
    runs = [run_of(f"a{seed}", seed=seed, backbone="a") for seed in (1, 2)]
    result = compare(runs)
    assert len(result.experiments) == 1
    assert "nothing to compare" in result.answer[0]
    assert "(n = 2)" in result.text()
    assert result.experiments.iloc[0].to_dict() == summary(runs)


def test_the_same_experiment_and_seed_twice_is_compared(run_of):
    runs = [run_of("here", backbone="same"), run_of("there", backbone="same")]
    runs += [run_of("here2", backbone="same", seed=2), run_of("once", backbone="same", seed=3)]
    found = compare(runs)
    assert sorted(found.experiments["seeds"]) == [1, 3]
    assert [pair.photos for pair in found.pairs] == [300]


def test_near_copies_count_together(tmp_path):
    """The second 001 is a near-copy of the first, which is wrong in a alone: worth less than a photo."""
    rows = [("b", "001", "001", 5), ("a", "001", "1", 5), ("c", "1", "1", 6), ("d", "1", "1", 7)]
    right = [(*row[:2], row[1], row[3]) for row in rows]
    runs = [written(tmp_path / "a", rows, model="a"), written(tmp_path / "b", right, model="b")]
    found = compare(runs)
    (pair,) = found.pairs
    assert (pair.photos, pair.first, pair.only_second) == (4, "b", 0)
    assert pair.only_first < 1
    assert found.experiments["accuracy"].tolist() == pytest.approx([1, 3 / 4])


def test_an_exact_copy_counts_once(tmp_path):
    rows = [("a", "001", "001"), ("a", "001", "001"), ("b", "1", "001")]
    runs = [written(tmp_path / name, rows, model=name) for name in "xy"]
    found = compare(runs).experiments
    assert (found["photos"].tolist(), found["accuracy"].tolist()) == ([2, 2], [0.5, 0.5])


def test_a_near_copy_of_each_photo_changes_no_comparison(tmp_path):
    plain, copied = [], []
    for name, wrong in (("a", 3), ("b", 15)):
        rows = [(*row, number) for number, row in enumerate(mistakes(wrong))]
        plain.append(written(tmp_path / name, rows, model=name))
        copies = [(f"x{sha}", *rest) for sha, *rest in rows]
        copied.append(written(tmp_path / "copied" / name, rows + copies, model=name))
    (found,), (expected,) = compare(copied).pairs, compare(plain).pairs
    assert vars(found) == pytest.approx(vars(expected) | {"photos": 400})


def test_the_test_part_is_opened_only_when_asked_and_each_time_is_noted(tmp_path):
    """The two parts differ in which run is better."""
    runs = []
    for name, wrong in (("one", 0), ("two", 90)):
        path = written(tmp_path / name, mistakes(90 - wrong), split="test", model=name)
        folder = Run(path)
        tables = {file: folder.table(file) for file in (folder.files.predictions, folder.files.items)}
        valid = written(tmp_path / name, mistakes(wrong), model=name)
        for file, table in tables.items():
            both = pd.concat([folder.table(file), table.assign(path="t" + table["path"])])
            write_table(file, both)
        runs.append(valid)
    assert compare(runs).pairs[0].first == "one"
    folders = [Run(path) for path in runs]
    assert not any(folder.files.test_openings.exists() for folder in folders)
    done = CliRunner().invoke(app, ["compare", *map(str, runs), "--test"])
    assert done.output.startswith("On these trainings, one of each, two did better than one.")
    assert compare(runs, test=True).pairs[0].first == "two"
    for folder in folders:
        openings = folder.table(folder.files.test_openings)
        assert openings["command"].tolist() == ["compare --test"] * 2


def test_a_part_without_photos_is_refused_and_not_noted_as_opened(run_of):
    runs = [run_of("one", split="test"), run_of("two")]
    for paths, test, said in (
        (runs[::-1], False, r"one/predictions.csv: There are no predictions for photos of .* `valid`\.$"),
        (runs, True, r"two/predictions.csv: There are no .* `test`\. Set `data.test_pct`, or name a folder"),
    ):
        with pytest.raises(InputError, match=said):
            compare(paths, test=test)
    other = run_of("three", split="test", data_seed=7)
    with pytest.raises(InputError, match="different photos"):
        compare([runs[0], other], test=True)
    assert not Run(runs[0]).files.test_openings.exists()


def test_files_hold_the_same_verdicts(tmp_path):
    wrong = {"a|b": 2, "c": 60, "d": 4}
    result = compare(
        [written(tmp_path / name, mistakes(number), model=name) for name, number in wrong.items()]
    )
    pairs = pd.read_csv(result.write(tmp_path / "compare.csv"))
    assert pairs["sentence"].tolist() == result.sentences()[4:]
    for line, pair in zip(pairs.to_dict("records"), result.pairs, strict=True):
        seen = {name: None if value != value else value for name, value in line.items() if name != "sentence"}
        assert seen == pytest.approx(vars(pair))
    page = result.write(tmp_path / "compare.md").read_text(encoding="utf-8")
    assert all(sentence.replace("a|b", "a|b") in page for sentence in result.sentences())
    assert "| a\\|b | 99.00 % |" in page
    with pytest.raises(InputError, match=r"compare.txt: give a name that ends in .csv, .md or .html"):
        result.write(tmp_path / "compare.txt")


def test_a_file_of_no_pairs_has_their_columns(tmp_path):
    runs = [written(tmp_path / f"a{seed}", mistakes(seed), train={"seed": seed}) for seed in (1, 2)]
    pairs = pd.read_csv(compare(runs).write(tmp_path / "compare.csv"))
    assert (len(pairs), list(pairs)[:2], list(pairs)[-1]) == (0, ["first", "second"], "sentence")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"data_seed": 7}, r"different photos: \d+ only in the first.*`data.seed` is 42 and 7\.$"),
        (
            {"vocab": ["김치", "ramyeon", "sushi"]},
            "/one and .*/two cannot be compared: of their classes, only the first has NA; only the second "
            "has sushi",
        ),
        ({"vocab": VOCAB[:2]}, "of their classes, only the first has NA\\."),
        ({"vocab": VOCAB[::-1]}, "their classes come in a different order"),
    ],
)
def test_runs_that_do_not_fit_are_refused_with_what_differs(run_of, other, said):
    with pytest.raises(InputError, match=said):
        compare([run_of("one"), run_of("two", **other)])


def test_other_photos_are_counted(tmp_path):
    runs = [written(tmp_path / "a", mistakes(0, 9)), written(tmp_path / "b", mistakes(0, 12)[2:])]
    said = "2 only in the first, 3 only in the second, 7 in both. Their `data` sections agree, so the folder"
    with pytest.raises(InputError, match=f"/a and .*/b were scored on different photos: {said}"):
        compare(runs)


def test_relabelled_photos_are_refused(tmp_path):
    rows = mistakes(0, 4)
    changed = [*rows[:2], ("002", "1", "1"), rows[3]]
    runs = [written(tmp_path / "a", rows, model="a"), written(tmp_path / "b", changed, model="b")]
    with pytest.raises(InputError, match=r"/a and .*/b have different labels for .*, such as 2\.jpg\.$"):
        compare(runs)


def test_a_photo_with_two_labels_in_one_run_alone_is_named(tmp_path):
    rows = mistakes(0, 4)
    runs = [written(tmp_path / "a", [*rows, ("001", "001", "1")], model="a")]
    runs.append(written(tmp_path / "b", rows, model="b"))
    with pytest.raises(InputError, match=r"different labels for the same photos, such as 1.jpg\.$"):
        compare(runs)
    with pytest.raises(InputError, match="different labels for the same photos, such as some"):
        compare(runs[::-1])


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (
            {"p:NA": 0.9},
            r"the probabilities of .*\.jpg do not sum to one \(they sum to 1.\d+\); 300 photos are",
        ),
        ({"p:NA": None}, "a probability or loss is not a number"),
        ({"loss": "much"}, "a probability or loss is not a number"),
        ({"p:NA": -0.2, "p:김치": 0.2, "p:ramyeon": 1.0}, "300 photos are like that"),
        ({"predicted": "sushi"}, "two/predictions.csv: 'sushi' in `predicted` is not in labels.json"),
        ({"truth": "sushi"}, "'sushi' in `truth` is not in labels.json"),
        ({"p:sushi": 0.0}, "has `p:sushi`, a class that labels.json lacks"),
    ],
)
def test_predictions_that_are_none_are_refused(run_of, columns, said):
    runs = [run_of("one"), run_of("two")]
    _change(runs[1], lambda table: table.assign(**columns))
    with pytest.raises(InputError, match=said):
        compare(runs)


def test_the_photo_whose_probabilities_are_off_is_named(run_of):
    runs = [run_of("one"), run_of("two")]
    even = {f"p:{name}": 1 / 3 for name in VOCAB}
    _change(runs[1], lambda table: table.assign(**even).assign(**{"p:NA": 1 / 3 + 0.0009}))
    compare(runs)
    _change(runs[1], lambda table: table.assign(**{"p:NA": [1 / 3] * 7 + [0.5] + [1 / 3] * 292}))
    path = _predictions(runs[1])["path"][7]
    with pytest.raises(InputError, match=f"probabilities of {path} .* sum to 1.167\\); 1 photo is like that"):
        compare(runs)


@pytest.mark.parametrize("column", ["split", "p:NA"])
def test_a_missing_column_is_named(run_of, column):
    runs = [run_of("one"), run_of("two")]
    _change(runs[1], lambda table: table.drop(columns=column))
    with pytest.raises(
        InputError, match=f"two/predictions.csv lacks the column `{column}`; run the experiment"
    ):
        compare(runs)


def test_a_prediction_of_a_photo_that_the_run_does_not_know_is_refused(run_of):
    runs = [run_of("one"), run_of("two")]
    _change(runs[1], lambda table: table.assign(path=["lost.jpg", *table["path"][1:]]))
    with pytest.raises(InputError, match=r"two/predictions.csv names lost.jpg, which items.csv does not"):
        compare(runs)


def test_what_is_not_there_is_named(run_of, tmp_path):
    runs = [run_of("one"), run_of("two")]
    with pytest.raises(InputError, match="two run folders"):
        compare([runs[0], runs[0]])
    Run(runs[1]).files.predictions.unlink()
    with pytest.raises(InputError, match=r"two/predictions.csv is missing"):
        compare(runs)
    shutil.rmtree(runs[1])
    with pytest.raises(InputError, match=r"two: there is no such run folder"):
        compare(runs)
    with pytest.raises(InputError, match=r"experiment.yaml is missing. Is .* a run folder\?"):
        compare([runs[0], tmp_path])


def _predictions(path):
    folder = Run(path)
    return folder.table(folder.files.predictions)


def _change(path, change):
    write_table(Run(path).files.predictions, change(_predictions(path)))


def test_the_command_prints_the_verdict_and_writes_it(run_of, tmp_path):
    runs = [str(run_of("weak", 0.75)), str(run_of("strong", 0.95))]
    done = CliRunner().invoke(app, ["compare", *runs, "--output", str(tmp_path / "compare.md")])
    assert done.exit_code == 0
    assert done.output.startswith("On these trainings, one of each, strong did better than weak.")
    assert "| strong | " in (tmp_path / "compare.md").read_text(encoding="utf-8")
