"""Photos whose label is probably wrong: found, printed, shown, and corrected in the next run."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import text_of
from typer.testing import CliRunner

from kimchi_vision import data
from kimchi_vision.base.errors import InputError
from kimchi_vision.cli.data import app
from kimchi_vision.config.sections import Data
from kimchi_vision.results.run import Run
from kimchi_vision.results.suspects import suspects, write_page


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(*words):
    shown = CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)
    assert shown.exit_code == 0, shown.output
    return shown.output.splitlines()


VOCAB = ["001", "갓김치"]
WRONG = {1: 0.02, 5: 0.06, 30: 0.04}
"""Photos whose label is wrong, and how probable a model holds that label."""


@pytest.fixture
def run(folder_of, folder):
    root = folder_of({"001": 20, "갓김치": 20})
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.jpg"))
    truth = [path.split("/")[0] for path in paths]
    own = np.random.default_rng(0).uniform(0.85, 0.99, len(paths))
    own[list(WRONG)] = list(WRONG.values())
    first = np.where([name == "001" for name in truth], own, 1 - own)
    table = pd.DataFrame({"path": paths, "split": "valid", "truth": truth, "predicted": truth, "loss": 0.0})
    table = table.assign(**{"p:001": first, "p:갓김치": 1 - first})
    run = Run(folder / "exports" / "e")
    run.path.mkdir(parents=True)
    table.to_csv(run.files.predictions, index=False)
    table.rename(columns={"truth": "label"})[["path", "label", "split"]].assign(sha256="").to_csv(
        run.files.items, index=False
    )
    run.files.data.write_text(json.dumps({"root": str(root)}))
    run.files.labels.write_text(json.dumps(VOCAB))
    run.files.experiment.write_text("name: e\ndata: {path: photos}\ntrain: [lr_find]\n")
    return run


def test_suspects_are_printed_most_suspect_first(run):
    lines = said("suspects", run.path, "--to", "out.csv", "--report", "page.html", "--lang", "en")
    assert lines == [
        " 0.020  001/001.jpg: labelled 001, looks like 갓김치",
        " 0.040  갓김치/010.jpg: labelled 갓김치, looks like 001",
        " 0.060  001/005.jpg: labelled 001, looks like 갓김치",
        "Page: page.html",
        "out.csv: 3 suspects. Strike out the rows that are right, then use it with `data.exclude` "
        "(leaves the photos out) or `data.relabel` (gives them the suggested class).",
    ]
    table = pd.read_csv("out.csv", dtype=str)
    assert table.to_numpy().tolist() == [
        ["001/001.jpg", "001", "갓김치", "0.02"],
        ["갓김치/010.jpg", "갓김치", "001", "0.04"],
        ["001/005.jpg", "001", "갓김치", "0.06"],
    ]
    text = text_of(Path("page.html"))
    headings = re.findall(r"<h3>.*?</span>(.*?)</h3>", text)
    assert headings == ["Labelled 001, looks like 갓김치.", "Labelled 갓김치, looks like 001."]
    assert re.findall(r"<figcaption>(.*?)</figcaption>", text) == [
        "001/001.jpg", "001/005.jpg", "갓김치/010.jpg",
    ]  # fmt: skip
    relabelled = data.load(Data(path="photos", relabel="out.csv")).items.set_index("path")["label"]
    assert relabelled[["001/001.jpg", "갓김치/010.jpg"]].tolist() == ["갓김치", "001"]


def test_suspects_of_folds_are_those_of_every_photo_and_training_photos_are_none(run, folder):
    whole = pd.read_csv(run.files.predictions, dtype={"truth": str})
    folds = []
    for number in range(2):
        valid = np.arange(len(whole)) % 2 == number
        fold = Run(folder / f"fold{number}")
        fold.path.mkdir()
        # A fold's own training photos look perfect to its model, or not at all.
        table = whole.assign(split=np.where(valid, "valid", "train"))
        table.loc[~valid, ["p:001", "p:갓김치"]] = [0.0, 1.0]
        table.to_csv(fold.files.predictions, index=False)
        for file in (run.files.items, run.files.labels, run.files.experiment):
            shutil.copy(file, fold.path)
        folds.append(fold)
    assert suspects(folds).equals(suspects([run]))
    assert suspects(folds[:1])["path"].tolist() == ["갓김치/010.jpg"]
    assert said("suspects", *(fold.path for fold in folds))[-1].startswith("suspects.csv: 3 suspects.")
    assert suspects([run, run]).equals(suspects([run]))


def test_a_page_needs_the_photos(run):
    found = suspects([run])
    run.files.data.write_text(json.dumps({"root": "nowhere"}))
    run = Run(run.path)
    with pytest.raises(InputError, match=r"^nowhere is not there any more; the page needs the photos"):
        write_page(found, run, run.path / "page.html")


def test_a_page_names_a_suspect_that_was_deleted_since(run):
    found = suspects([run])
    for path in ("001/001.jpg", "001/000.jpg"):
        (run.photos.root / path).unlink()
    write_page(found, run, run.path / "page.html", "en")
    text = text_of(run.path / "page.html")
    assert text.count("<figcaption>") == 3
    assert "001/001.jpg" in text


def test_only_twenty_suspects_are_printed(folder_of, run):
    table = pd.read_csv(run.files.predictions, dtype={"truth": str})
    more = pd.concat([table.assign(path=table["path"] + f"{n}") for n in range(10)])
    more.to_csv(run.files.predictions, index=False)
    named = more[["path", "truth", "split"]].rename(columns={"truth": "label"})
    named.assign(sha256="").to_csv(run.files.items, index=False)
    lines = said("suspects", run.path)
    assert sum("looks like" in line for line in lines) == 20
    assert lines[0].startswith(" 0.020  ")
    assert lines[-1].startswith("suspects.csv: 30 suspects.")
    assert len(pd.read_csv("suspects.csv")) == 30


def test_runs_of_other_classes_are_refused(run, folder):
    other = Run(folder / "other")
    other.path.mkdir()
    for file in (run.files.items, run.files.predictions):
        shutil.copy(file, other.path)
    for vocab in (["x", "갓김치"], VOCAB[::-1]):
        other.files.labels.write_text(json.dumps(vocab))
        with pytest.raises(InputError, match=rf"^{run.path} and the others have different classes"):
            suspects([run, Run(other.path)])


def test_the_file_leaves_them_out_of_the_next_run(run):
    said("suspects", run.path)
    left = set(data.load(Data(path="photos", exclude="suspects.csv")).items["path"])
    assert len(left) == 37
    assert not left & set(pd.read_csv("suspects.csv")["path"])
