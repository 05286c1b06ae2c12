"""What shows the time left: one bar in a terminal, fastai's own in a notebook."""

import logging
import re
from types import SimpleNamespace

from fastai.callback.progress import ProgressCallback

from kimchi_vision.base.progress import listening
from kimchi_vision.config.sections import Train
from kimchi_vision.learning import train
from kimchi_vision.learning.train import recording

SECTION = Train(stages=[{"fine_tune": {"epochs": 1}}, {"fit": {"epochs": 2}}])


def test_in_a_notebook_it_is_fastais_bar_with_its_table_of_epochs(tiny_learner, monkeypatch, capsys):
    monkeypatch.setattr(recording, "IN_NOTEBOOK", True)
    learn, run = tiny_learner(SECTION)
    history = train.fit(SECTION, learn, run.files)
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if "%" not in line]
    heads = [line for line in lines if line[:3] == ["epoch", "train_loss", "valid_loss"]]
    assert len(heads) == 3  # fine_tune has two phases
    assert "accuracy" in heads[0]
    shown = [line[1] for line in lines if line[:1] in (["0"], ["1"])]
    assert shown == [f"{loss:.6f}" for loss in history["train_loss"]]
    assert not any(isinstance(callback, ProgressCallback) for callback in learn.cbs)


def test_a_process_that_shows_no_log_shows_nothing(tiny_learner, capsys, caplog):
    caplog.set_level("INFO", "kimchi_vision")
    learn, run = tiny_learner(SECTION)
    train.fit(SECTION, learn, run.files)
    assert capsys.readouterr() == ("", "")
    assert "epoch 4/4" in caplog.text


def test_where_a_process_shows_its_log_each_epoch_is_a_line(tiny_learner, capsys, caplog):
    caplog.set_level("INFO", "kimchi_vision")
    handler = logging.StreamHandler()
    logging.root.addHandler(handler)
    try:
        learn, run = tiny_learner(SECTION)
        train.fit(SECTION, learn, run.files)
    finally:
        logging.root.removeHandler(handler)
    assert capsys.readouterr().err.count("epoch ") == 4


def test_whoever_listens_is_told_how_much_of_all_phases_is_done(tiny_learner):
    shares = []
    listener = SimpleNamespace(begins=shares.append, reached=shares.append)
    learn, run = tiny_learner(SECTION)
    with listening(listener):
        train.fit(SECTION, learn, run.files)
    assert shares == [number / 20 for number in range(1, 21)]


def test_the_short_line_of_an_epoch_says_the_score_and_stars_the_best(tiny_learner, caplog):
    caplog.set_level("INFO", "kimchi_vision")
    learn, run = tiny_learner(SECTION)
    history = train.fit(SECTION, learn, run.files)
    lines = [str(record.short) for record in caplog.records if hasattr(record, "short")]
    assert len(lines) == 4
    # Four photos are too few for an interval.
    assert re.fullmatch(
        r"epoch 1/4  Training loss [\d.]+  Validation loss [\d.]+  Accuracy [\d.]+ % \*", lines[0]
    )
    best = int(history["valid_loss"].argmin())
    assert lines[best].endswith("*")
    assert not any(line.endswith("*") for line in lines[best + 1 :])
