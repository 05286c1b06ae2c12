import shutil

import numpy as np
import pandas as pd
import pytest
from fake_runs import fake_run
from typer.testing import CliRunner

from kimchi_vision import data
from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_json, write_table, write_text
from kimchi_vision.base.run_files import RunDir
from kimchi_vision.cli.main import app
from kimchi_vision.config import dump
from kimchi_vision.config.sections import Data
from kimchi_vision.jobs import table
from kimchi_vision.results.compare import compare

VOCAB = ["김치", "ramyeon", "NA"]


@pytest.fixture
def run_of(tmp_path):
    """A run folder with drawn predictions; the photos depend on `data_seed` alone."""

    def make(
        name, accuracy=0.9, photos=300, seed=42, data_seed=42, vocab=VOCAB, backbone=None, split="valid"
    ):
        folder = RunDir(tmp_path / name)
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
        for column, label in enumerate(vocab):
            table[f"p:{label}"] = np.where(predicted == column, 0.8, 0.2 / (len(vocab) - 1))
        write_table(folder.predictions, table)
        write_table(folder.items, items)
        write_json(folder.labels, list(vocab))
        experiment = {
            "name": name,
            "data": {"path": "photos", "seed": data_seed},
            "model": {"backbone": backbone or name},
            "train": {"seed": seed},
        }
        write_text(folder.experiment, dump(experiment))
        return folder.path

    return make


def test_a_better_run_is_named_first(run_of):
    result = compare([run_of("weak", 0.75), run_of("strong", 0.95)])
    assert result.answer == ("strong is better than weak.",)
    (pair,) = result.pairs
    assert (pair.first, pair.second, pair.photos) == ("strong", "weak", 300)
    assert pair.difference == pytest.approx((pair.only_first - pair.only_second) / 300)
    assert result.experiments["experiment"].tolist() == ["strong", "weak"]
    assert "strong is better than weak: +" in result.text()


def test_photos_are_paired_by_content_not_by_name_or_order(run_of):
    first, second = run_of("first"), run_of("second")
    before = compare([first, second]).pairs
    folder = RunDir(second)
    for file in (folder.predictions, folder.items):
        table = folder.read_table(file)
        write_table(file, table.assign(path="moved/" + table["path"]).sample(frac=1, random_state=1))
    assert compare([first, second]).pairs == before


def test_what_cannot_be_told_says_what_it_would_take(run_of):
    result = compare([run_of("one", 0.9), run_of("two", 0.89)])
    assert "These photos cannot tell it from" in " ".join(result.answer)
    assert result.pairs[0].photos_needed > 0
    assert "more photos would" in result.text()


def test_seeds_of_one_experiment_are_one_row(run_of):
    runs = [run_of(f"a-seed{seed}", 0.95, seed=seed, backbone="a") for seed in (1, 2, 3)]
    runs += [run_of(f"b-seed{seed}", 0.80, seed=seed, backbone="b") for seed in (1, 2, 3)]
    result = compare(runs)
    assert result.experiments["experiment"].tolist() == ["a", "b"]
    assert result.experiments["seeds"].tolist() == [3, 3]
    accuracies = [(table["truth"] == table["predicted"]).mean() for table in map(_predictions, runs[:3])]
    assert result.experiments["sd"][0] == pytest.approx(np.std(accuracies, ddof=1))
    assert result.answer == ("a is better than b.",)
    assert "(n = 3)" in result.text()


def test_the_spread_over_seeds_alone_can_be_asked_for(run_of):
    result = compare([run_of(f"a{seed}", seed=seed, backbone="a") for seed in (1, 2)])
    assert len(result.experiments) == 1
    assert "nothing to compare" in result.answer[0]
    assert "(n = 2)" in result.text()


def test_the_same_experiment_and_seed_twice_is_compared(run_of):
    first = run_of("here", backbone="same")
    second = run_of("there", backbone="same")
    assert [pair.photos for pair in compare([first, second]).pairs] == [300]


def test_near_copies_count_once(run_of):
    runs = [run_of("one"), run_of("two", 0.8)]
    for folder in map(RunDir, runs):
        items = folder.read_table(folder.items)
        write_table(folder.items, items.assign(group=items["sha256"].str[-1]))
    assert compare(runs).pairs[0].photos == 16


def test_the_test_part_is_opened_only_when_asked_and_each_time_is_noted(run_of):
    runs = [run_of("one", split="test"), run_of("two", split="test")]
    with pytest.raises(InputError, match="no photos of the valid part"):
        compare(runs)
    for _ in range(2):
        compare(runs, test=True)
    folder = RunDir(runs[0])
    openings = folder.read_table(folder.test_openings)
    assert openings["command"].tolist() == ["compare --test"] * 2
    with pytest.raises(InputError, match="test_pct"):
        compare([run_of("one"), run_of("two")], test=True)
    assert not RunDir(run_of("three")).test_openings.exists()


def test_files_hold_the_same_verdicts(run_of, tmp_path):
    result = compare([run_of(name, accuracy) for name, accuracy in (("a|b", 0.95), ("c", 0.8), ("d", 0.94))])
    pairs = pd.read_csv(result.write(tmp_path / "compare.csv"))
    assert pairs["verdict"].tolist() == [pair.verdict for pair in result.pairs]
    assert pairs.drop(columns=["photos_needed", "needed_for"]).notna().all(axis=None)
    page = result.write(tmp_path / "compare.md").read_text(encoding="utf-8")
    assert all(pair.first in page for pair in result.pairs[1:])
    assert "a\\|b" in page
    with pytest.raises(InputError, match=r"\.csv or \.md"):
        result.write(tmp_path / "compare.txt")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"data_seed": 7}, r"different photos: \d+ only in the first.*data.seed is 42 and 7"),
        ({"vocab": ["김치", "ramyeon", "sushi"]}, "only the first has NA and only the second has sushi"),
        ({"vocab": VOCAB[::-1]}, "different order"),
    ],
)
def test_runs_that_do_not_fit_are_refused_with_what_differs(run_of, other, said):
    with pytest.raises(InputError, match=said):
        compare([run_of("one"), run_of("two", **other)])


def test_relabelled_photos_are_refused(run_of):
    runs = [run_of("one"), run_of("two")]
    swapped = {"김치": "ramyeon", "ramyeon": "김치", "NA": "NA"}
    _change(runs[1], lambda table: table["truth"].map(swapped), "truth")
    with pytest.raises(InputError, match="different labels for the same photos"):
        compare(runs)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("p:NA", 0.9, "do not sum to one"),
        ("p:NA", None, "not a number"),
        ("predicted", "sushi", "'sushi' in `predicted` is not in labels.json"),
        ("p:sushi", 0.0, "`p:sushi`, a class that labels.json lacks"),
    ],
)
def test_predictions_that_are_none_are_refused(run_of, column, value, said):
    runs = [run_of("one"), run_of("two")]
    _change(runs[1], lambda table: value, column)
    with pytest.raises(InputError, match=said):
        compare(runs)


def test_what_is_not_there_is_named(run_of, tmp_path):
    runs = [run_of("one"), run_of("two")]
    with pytest.raises(InputError, match="two run folders"):
        compare([runs[0], runs[0]])
    with pytest.raises(InputError, match="margin"):
        compare(runs, margin=5)
    RunDir(runs[1]).predictions.unlink()
    with pytest.raises(InputError, match=r"two/predictions.csv is missing"):
        compare(runs)
    shutil.rmtree(runs[1])
    with pytest.raises(InputError, match="missing"):
        compare(runs)


def _predictions(path):
    folder = RunDir(path)
    return folder.read_table(folder.predictions)


def _change(path, change, column):
    table = _predictions(path)
    write_table(RunDir(path).predictions, table.assign(**{column: change(table)}))


def test_the_command_prints_the_verdict_and_writes_it(run_of, tmp_path):
    runs = [str(run_of("weak", 0.75)), str(run_of("strong", 0.95))]
    done = CliRunner().invoke(app, ["compare", *runs, "--output", str(tmp_path / "compare.md")])
    assert done.exit_code == 0
    assert done.output.startswith("strong is better than weak.")
    assert "| strong | " in (tmp_path / "compare.md").read_text(encoding="utf-8")


def test_rows_of_a_table_are_compared_where_they_can_be(folder_of, tmp_path):
    root = folder_of({"김치": 30, "ramyeon": 30})
    photos, others = (data.load(Data(path=root, valid_pct=0.5, seed=seed), tmp_path) for seed in (1, 2))
    weak = fake_run(tmp_path / "weak", photos, skill=0)
    strong = fake_run(tmp_path / "strong", photos, skill=9)
    assert table.verdicts({"weak": [weak], "strong": [strong]}).startswith("strong is better than weak.")
    assert (tmp_path / "compare.md").is_file()
    assert (tmp_path / "decision.csv").is_file()
    assert "<li>strong is better than weak.</li>" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "not compared" in table.verdicts({"weak": [weak], "other": [fake_run(tmp_path / "other", others)]})
