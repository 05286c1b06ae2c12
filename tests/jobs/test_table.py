"""A table whose rows are trained with several seeds and on folds."""

import pandas as pd
import pytest

from kimchi_vision.base.errors import InputError
from kimchi_vision.config import load
from kimchi_vision.jobs import table
from kimchi_vision.results import compare
from kimchi_vision.results.suspects import suspects

TABLE = """
defaults:
  data: {{path: {photos}, splitter: stratified}}
  augment: {{resize: 40, size: 32}}
  loader: {{batch_size: 8, workers: 0}}
  model: {{backbone: test_efficientnet, weights: none}}
  features: {{floor: false}}
  train: [fit: {{epochs: 1}}]
  export: {{pkl: false, onnx: false, safetensors: false, weights: false}}
rows:
  plain: {{seeds: [1, 2]}}
  pooled: {{folds: 2}}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    from tests.conftest import noise

    place = tmp_path_factory.mktemp("place")
    for seed in range(24):
        noise(place / "photos" / ("갓김치", "백김치")[seed % 2] / f"{seed:02}.jpg", seed)
    file = place / "both.yaml"
    file.write_text(TABLE.format(photos=place / "photos"), encoding="utf-8")
    return table.run_rows(load(file), place / "exports")


def test_a_row_with_seeds_is_a_line_with_mean_and_spread(finished):
    runs = finished["plain"]
    assert [run.path.name for run in runs] == ["plain-seed1", "plain-seed2"]
    line = pd.read_csv(runs[0].path.parent / "table.csv").set_index("run").loc["plain"]
    accuracies = pd.Series([run.read_json(run.metrics)["accuracy"] for run in runs])
    assert (line["seeds"], line["accuracy"]) == (2, pytest.approx(accuracies.mean()))
    assert line["accuracy_sd"] == pytest.approx(accuracies.std())
    assert line["accuracy_low"] < line["accuracy"] < line["accuracy_high"]
    assert compare.summary([run.path for run in runs])["seeds"] == 2


def test_every_photo_is_predicted_by_the_fold_that_had_not_seen_it(finished):
    (pooled,) = finished["pooled"]
    predictions = pooled.read_table(pooled.predictions).set_index("path")
    assert len(predictions) == predictions.index.nunique() == 24
    for fold in pooled.read_json(pooled.metrics)["folds"]:
        run = type(pooled)(pooled.path.parent / fold["run"])
        own = run.read_table(run.predictions).set_index("path")
        assert (run.read_table(run.items).set_index("path").loc[own.index, "split"] == "valid").all()
        pd.testing.assert_frame_equal(predictions.loc[own.index], own)
    text = pooled.report.read_text(encoding="utf-8")
    assert "by the one of 2 models that had not seen it" in text
    assert "Nothing was trained" not in text


def test_folds_are_read_by_suspects_and_compare(finished):
    (pooled,) = finished["pooled"]
    assert set(suspects([pooled]).columns) == {"path", "label", "suggested", "quality"}
    with pytest.raises(InputError, match="different photos: 0 only in the first, 20 only in the second"):
        compare.compare([finished["plain"][0].path, pooled.path])


def test_the_page_and_the_screen_say_mean_spread_and_number(finished):
    said = table.verdicts(finished, "en")
    assert "over n = 2 seeds" in said
    page = finished["plain"][0].path.parent / "report.html"
    text = page.read_text(encoding="utf-8")
    assert "(n = 2)" in text
    assert 'href="plain-seed2/report.html"' in text
    assert "시드 n = 2개" in table.verdicts(finished, "ko")


def test_rows_with_other_photos_are_not_compared_but_shown(finished):
    assert "These rows are not compared." in table.verdicts(finished, "en")
