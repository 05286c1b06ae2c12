import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from kimchi_vision import data
from kimchi_vision.base.errors import InputError
from kimchi_vision.base.run_files import RunDir
from kimchi_vision.cli.data import app
from kimchi_vision.config.sections import Data
from kimchi_vision.results.suspects import suspects


@pytest.fixture
def run(folder_of, tmp_path):
    """A run whose model is fairly sure of the true class, over labels of which three are wrong."""
    root = folder_of({"깍두기": 20, "갓김치": 20})
    paths = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*.jpg"))]
    folders = [path.split("/")[0] for path in paths]
    generator = np.random.default_rng(0)
    sure = generator.uniform(0.85, 0.99, len(paths))
    right = np.array([folder == "갓김치" for folder in folders])
    right[[1, 5, 30]] ^= True  # what these three show is not what their folder says
    first = np.where(right, sure, 1 - sure)
    table = pd.DataFrame({"path": paths, "split": "valid", "truth": folders})
    table["predicted"] = np.where(right, "갓김치", "깍두기")
    table = table.assign(loss=0.0, **{"p:갓김치": first, "p:깍두기": 1 - first})
    folder = RunDir(tmp_path / "exports" / "e")
    folder.path.mkdir(parents=True)
    table.to_csv(folder.predictions, index=False)
    table.rename(columns={"truth": "label"})[["path", "label", "split"]].assign(sha256="").to_csv(
        folder.items, index=False
    )
    folder.data.write_text(json.dumps({"root": str(root)}))
    return folder, [paths[place] for place in (1, 5, 30)]


def test_wrong_labels_come_first(run):
    folder, planted = run
    found = suspects([folder])
    assert set(found["path"]) == set(planted)
    assert (found["label"] != found["suggested"]).all()
    assert found["quality"].is_monotonic_increasing


def test_runs_of_other_classes_are_refused(run, tmp_path):
    folder, _ = run
    other = RunDir(tmp_path / "other")
    other.path.mkdir()
    pd.read_csv(folder.predictions).rename(columns={"p:갓김치": "p:x"}).to_csv(other.predictions, index=False)
    with pytest.raises(InputError, match="different classes"):
        suspects([folder, other])


def test_the_file_corrects_the_next_run(run, tmp_path, monkeypatch):
    folder, planted = run
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(app, ["suspects", str(folder.path), "--report", "page.html"])
    assert shown.exit_code == 0, shown.output
    assert "looks like 갓김치" in (tmp_path / "page.html").read_text(encoding="utf-8")
    root = tmp_path / "photos"
    excluded = data.load(Data(path=root, exclude=tmp_path / "suspects.csv"))
    assert len(excluded.items) == 37
    relabelled = data.load(Data(path=root, relabel=tmp_path / "suspects.csv")).items.set_index("path")
    for path in planted:
        assert relabelled.loc[path, "label"] != path.split("/")[0]
