"""The table of what a model said: made from its outputs, cut into parts, written and read back."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from kimchi_vision.base.errors import InputError, RunError
from kimchi_vision.results.predictions import Predictions
from tests.answers import said, shown

VOCAB = ("갓김치", "NA", "001")


def items(photos, split="valid", **columns):
    labels = [VOCAB[number % 3] for number in range(photos)]
    paths = [f"{number}.jpg" for number in range(photos)]
    return pd.DataFrame({"path": paths, "split": split, "label": labels, **columns})


def drawn(photos, seed=0, **columns):
    logits = np.random.default_rng(seed).normal(0, 4, (photos, 3)).astype(np.float32)
    return Predictions.from_logits(items(photos, **columns), logits, VOCAB)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.floats(0.1, 30))
def test_outputs_become_softmax_and_cross_entropy(seed, photos, scale):
    """As torch computes them: softmax, and cross_entropy with reduction="none"."""
    logits = np.random.default_rng(seed).normal(0, scale, (photos, 3)).astype(np.float32)
    found = Predictions.from_logits(items(photos), logits, VOCAB)
    assert found.probabilities == pytest.approx(special.softmax(logits.astype(float), axis=1), abs=1e-6)
    losses = -special.log_softmax(logits.astype(float), axis=1)[np.arange(photos), np.arange(photos) % 3]
    assert found.loss == pytest.approx(losses, rel=1e-6, abs=1e-6)
    assert (found.answers == logits.argmax(axis=1)).all()


def test_the_columns_are_those_of_predictions_csv():
    found = shown([("NA", [0.2, 0.1, 0.7]), ("001", [0.1, 0.0, 0.9])], VOCAB, ["valid", "test"])
    assert list(found.table) == ["path", "split", "truth", "predicted", "loss", "p:갓김치", "p:NA", "p:001"]
    assert found.table.iloc[0, :4].tolist() == ["0.jpg", "valid", "NA", "001"]
    assert found.table["loss"].tolist() == pytest.approx(-np.log([0.1, 0.9]))
    assert (found.truth.tolist(), found.answers.tolist()) == ([1, 2], [2, 2])
    assert (found.right.tolist(), found.confidence.tolist()) == ([False, True], pytest.approx([0.7, 0.9]))
    assert found.confusion.tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 1]]
    assert (len(found), found.split) == (2, "valid")


def test_the_logits_of_probabilities_give_them_back():
    found = drawn(20)
    assert special.softmax(found.logits, axis=1) == pytest.approx(found.probabilities, abs=1e-6)
    again = Predictions.from_probabilities(items(20), found.probabilities, VOCAB)
    assert again.loss == pytest.approx(found.loss, abs=1e-5)
    certain = shown([("NA", [1.0, 0.0, 0.0])], VOCAB)
    assert certain.loss[0] == pytest.approx(-np.log(np.finfo(np.float32).tiny))


def test_photos_of_one_group_are_one_unit():
    alone, grouped = drawn(6), drawn(6, group=[7, 7, 8, 9, 9, 9])
    assert (alone.group, alone.units.tolist()) == (None, [0, 1, 2, 3, 4, 5])
    assert grouped.units.tolist() == [7, 7, 8, 9, 9, 9]
    assert grouped.where(np.array([5, 0])).units.tolist() == [9, 7]
    assert grouped.where(grouped.units == 9).paths == ["3.jpg", "4.jpg", "5.jpg"]
    again = alone.grouped(items(6, group=[1, 1, 2, 2, 3, 3]).sample(frac=1, random_state=0))
    assert again.units.tolist() == [1, 1, 2, 2, 3, 3]
    assert alone.grouped(items(6)).group is None
    assert Predictions.joined([grouped, grouped]).units.tolist() == [7, 7, 8, 9, 9, 9] * 2
    assert Predictions.joined([grouped, alone]).group is None


def test_a_part_has_its_own_photos_and_groups():
    both = Predictions.joined([drawn(4, group=range(4)), drawn(3, split="test", group=range(4, 7))])
    assert both.part("test").units.tolist() == [4, 5, 6]
    assert both.part("valid").table.equals(drawn(4).table)
    with pytest.raises(InputError, match=r"There are no predictions for photos of the part `train`\.$"):
        both.part("train")
    with pytest.raises(InputError, match=r"part `test`\. Set `data.test_pct`, or name a folder test"):
        both.part("valid").part("test")


def test_photos_are_found_by_path_in_the_order_that_is_asked():
    found = drawn(9)
    assert found.of(["7.jpg", "2.jpg"]).paths == ["7.jpg", "2.jpg"]
    assert found.of([]).paths == []
    with pytest.raises(InputError, match=r"There is no prediction for lost\.jpg\."):
        found.of(["2.jpg", "lost.jpg"])


def test_the_worst_come_first_and_ties_in_their_order():
    found = shown([("NA", [0.8 - p, p, 0.2]) for p in (0.5, 0.1, 0.5, 0.1, 0.3)], VOCAB, ["valid"] * 5)
    assert found.worst(3).paths == ["1.jpg", "3.jpg", "4.jpg"]
    assert found.worst(99).paths == ["1.jpg", "3.jpg", "4.jpg", "0.jpg", "2.jpg"]
    kept = found.where(np.array([4, 1]))
    assert kept.worst(1).paths == ["1.jpg"]


def test_a_spread_reaches_from_the_first_to_the_last():
    assert drawn(100).spread(3).paths == ["0.jpg", "49.jpg", "99.jpg"]
    assert len(drawn(2).spread(9)) == 2


def test_what_is_written_is_read_back_bit_for_bit(tmp_path):
    found = drawn(200, group=[number // 2 for number in range(200)])
    found.write(tmp_path / "predictions.csv")
    again = Predictions.read(tmp_path / "predictions.csv", VOCAB, items(200, group=found.group))
    columns = {name: "float32" for name in found.table if name == "loss" or name.startswith("p:")}
    pd.testing.assert_frame_equal(again.table.astype(columns), found.table, check_exact=True)
    assert again.group.tolist() == found.group.tolist()
    assert (again.vocab, again.loss.dtype) == (VOCAB, float)
    assert (again.probabilities == found.probabilities).all()
    again.write(tmp_path / "again.csv")
    first, second = ((tmp_path / name).read_bytes() for name in ("predictions.csv", "again.csv"))
    assert first == second


def test_outputs_that_are_no_numbers_are_refused():
    for number in (np.nan, np.inf):
        with pytest.raises(RunError, match="outputs that are no numbers"):
            Predictions.from_logits(items(1), np.array([[0.0, number, 0.0]]), VOCAB)


def test_a_class_outside_the_vocabulary_is_named():
    strange = items(2).assign(label=["NA", "sushi"])
    with pytest.raises(
        InputError, match=r"^Class 'sushi' in column `label` is not one of: 갓김치, NA, 001\."
    ):
        Predictions.from_logits(strange, np.zeros((2, 3)), VOCAB)


@pytest.mark.parametrize(
    ("change", "said_of_it"),
    [
        (lambda table: table.drop(columns="loss"), "lacks the column `loss`; run the experiment again"),
        (lambda table: table.drop(columns="p:NA"), "lacks the column `p:NA`"),
        (lambda table: table.assign(**{"p:x": 0.0}), "has `p:x`, a class that labels.json lacks"),
        (lambda table: table.assign(truth="x"), "'x' in `truth` is not in labels.json"),
        (lambda table: table.assign(**{"p:NA": "x"}), "a probability or loss is not a number"),
        (lambda table: table.assign(loss="x"), "a probability or loss is not a number"),
        (lambda table: table.assign(**{"p:NA": 0.9}), r"0.jpg do not sum to one \(.*; 3 photos are like"),
        (lambda table: table.assign(**{"p:NA": 0.82}), "do not sum to one .*; 3 photos are like"),
        (lambda table: table.assign(**{"p:NA": 1.0, "p:001": -0.1}), r"0.jpg is -0.1, below 0; 3 photos are"),
        (lambda table: table.assign(path="lost.jpg"), "names lost.jpg, which items.csv does not"),
    ],
)
def test_tables_that_are_no_predictions_are_refused(tmp_path, change, said_of_it):
    file = tmp_path / "predictions.csv"
    change(said([("갓김치", "NA")] * 3, VOCAB, ["valid"] * 3).table).to_csv(file, index=False)
    with pytest.raises(InputError, match=said_of_it):
        Predictions.read(file, VOCAB, items(3))


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match=r"predictions.csv is missing. Is .* a finished run folder\?"):
        Predictions.read(tmp_path / "predictions.csv", VOCAB)
