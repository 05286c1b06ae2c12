"""A training that dies anywhere goes on bit for bit, on the CPU, with either engine."""

import errno
import logging
import re
import signal
import tempfile
import threading
import time

import pandas as pd
import pytest
import torch
from fastai.callback.core import Callback

from kimchi_vision.base.signals import Terminated
from kimchi_vision.config.sections import Train
from kimchi_vision.learning import train
from kimchi_vision.learning.train import checkpoint
from kimchi_vision.learning.train.checkpoint import Checkpoint
from kimchi_vision.learning.train.interrupt import Interrupt
from kimchi_vision.results.candidates import Epochs

STAGES = [{"fine_tune": {"epochs": 2, "freeze_epochs": 1, "base_lr": 1e-3}}]
BATCHES = list(range(1, 13))
"""Three epochs of four batches."""


def section(**options) -> Train:
    """With a checkpoint after every batch."""
    return Train(
        stages=STAGES, **{"keep": "best", "checkpoint_minutes": 1e-9, "mixup": 0.4, "ema": 0.5, **options}
    )


class Killed(BaseException):
    pass


class DieAfter(Callback):
    """Like kill -9 after so many training batches: nothing is written any more."""

    order = 200

    def __init__(self, batches: int) -> None:
        self.left = batches

    def after_batch(self):
        self.left -= self.training
        if not self.left:
            raise Killed


class Steps(list):
    """The steps of the batches that are told."""

    def __call__(self, values, step):
        if "batch_loss" in values:
            self.append(step)


def die(make, batches: int, section: Train, **how):
    learn, run = make(section, "died", **how)
    learn.add_cb(DieAfter(batches))
    told = Steps()
    with pytest.raises(Killed):
        train.fit(section, learn, run.files, tell=told)
    return run, told


def same(a, b) -> bool:
    pairs = zip(a.model.state_dict().values(), b.model.state_dict().values(), strict=True)
    return all(torch.equal(left, right) for left, right in pairs)


@pytest.mark.parametrize(
    ("engine", "workers", "batches"),
    [("fastai", 0, 1), ("fastai", 2, 6), ("fastai", 0, 8), ("fused", 2, 2), ("fused", 1, 11)],
)
def test_it_goes_on_in_the_middle_of_an_epoch(tiny_learner, engine, workers, batches):
    how = {"engine": engine, "workers": workers}
    learn, run = tiny_learner(section(), "whole", **how)
    whole = train.fit(section(), learn, run.files)
    _, told = die(tiny_learner, batches, section(), **how)
    again, run = tiny_learner(section(), "died", **how)
    history = train.fit(section(), again, run.files, tell=told)
    assert told == BATCHES
    assert same(learn, again)
    pd.testing.assert_frame_equal(
        history.drop(columns="seconds"), whole.drop(columns="seconds"), check_exact=True
    )
    kept = Epochs.read(run.files.epoch_answers)
    assert kept.epoch.tolist() == [1, 2, 3]
    assert kept.right.mean(axis=1).tolist() == pytest.approx(history["accuracy"].tolist())
    assert kept.loss.mean(axis=1).tolist() == pytest.approx(history["loss"].tolist(), rel=1e-5)


@pytest.mark.parametrize(
    ("number", "ends"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_a_signal_ends_after_the_batch_and_nothing_of_it_is_lost(tiny_learner, number, ends):
    long = section(checkpoint_minutes=10.0)
    learn, run = tiny_learner(long, "whole")
    train.fit(long, learn, run.files)
    stopped, run = tiny_learner(long, "stopped")
    stopped.add_cb(Send(number))
    before, told = signal.getsignal(number), Steps()
    with pytest.raises(ends):
        train.fit(long, stopped, run.files, tell=told)
    assert signal.getsignal(number) is before
    assert told == [1, 2]
    again, run = tiny_learner(long, "stopped")
    train.fit(long, again, run.files, tell=told)
    assert told == BATCHES
    assert same(learn, again)


def test_ctrl_c_in_the_middle_of_a_line_of_the_log_breaks_nothing(caplog):
    class Written(logging.Handler):
        def emit(self, record):
            if threading.current_thread() is threading.main_thread():
                lines.append(record.msg)
                signal.raise_signal(signal.SIGINT)
                lines.append("end of the line")
            else:
                lines.append(record.msg)

    lines, written, interrupt = [], Written(), Interrupt()
    logger = logging.getLogger("kimchi_vision")
    logger.addHandler(written)
    with interrupt.waited_for():
        logger.warning("epoch 1")
    logger.removeHandler(written)
    until = time.monotonic() + 10
    while len(lines) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    assert interrupt.ends is KeyboardInterrupt
    assert lines[:2] == ["epoch 1", "end of the line"]
    assert lines[2].startswith("Stopping after this batch")


def test_a_warning_of_the_end_writes_a_checkpoint_and_training_goes_on(tiny_learner, caplog):
    caplog.set_level("INFO", "kimchi_vision")
    long = section(checkpoint_minutes=10.0)
    learn, run = tiny_learner(long)
    learn.add_cb(Send(signal.SIGUSR1))
    learn.add_cb(DieAfter(3))
    with pytest.raises(Killed):
        train.fit(long, learn, run.files)
    assert torch.load(run.files.last, weights_only=True)["position"]["batches"] == 2
    assert caplog.text.count("SIGUSR1: a checkpoint is written, and training goes on.") == 1


def test_a_long_epoch_is_kept_every_few_minutes(tiny_learner, monkeypatch):
    minute, written = iter(range(1000)), []
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: 60.0 * next(minute))
    monkeypatch.setattr(Checkpoint, "_write", lambda self, **more: note(self))

    def note(self):
        written.append((self.position.epochs, self.position.batches))
        self.written = checkpoint.time.monotonic()

    calm = section(checkpoint_minutes=2.0, keep="last")
    learn, run = tiny_learner(calm)
    train.fit(calm, learn, run.files)
    assert written == [(0, 2), (0, 4), (1, 0), (0, 2), (0, 4), (1, 0), (1, 2), (1, 4), (2, 0)]


class Send(Callback):
    def __init__(self, number):
        self.number = number

    def after_pred(self):
        if self.training and self.learn.iter == 1:
            signal.raise_signal(self.number)


def refused(*arguments):
    raise OSError("no links here")


@pytest.mark.parametrize("links", [True, False])
def test_the_last_few_epochs_are_kept_and_stand_in_for_a_damaged_checkpoint(
    tiny_learner, caplog, monkeypatch, links
):
    wanted = section(keep_checkpoints=2)
    learn, run = tiny_learner(wanted)
    if not links:
        monkeypatch.setattr("os.link", refused)
    whole = train.fit(wanted, learn, run.files)
    assert [file.name for file in run.files.epoch_checkpoints()] == ["epoch-0002.pth", "epoch-0003.pth"]
    run.files.checkpoint(3).unlink()
    run.files.last.write_bytes(run.files.last.read_bytes()[:-1000])
    again, run = tiny_learner(wanted)
    history = train.fit(wanted, again, run.files)
    assert "last.pth is damaged" in caplog.text
    assert same(learn, again)
    assert history["valid_loss"].tolist() == whole["valid_loss"].tolist()


def flipped(file):
    """One bit of the middle, which a tensor holds."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_a_flipped_bit_is_found_and_the_training_ends_the_same(tiny_learner, caplog):
    wanted = section(keep_checkpoints=3)
    learn, run = tiny_learner(wanted, "whole")
    whole = train.fit(wanted, learn, run.files)
    run, _ = die(tiny_learner, 9, wanted)
    flipped(run.files.last)
    again, run = tiny_learner(wanted, "died")
    history = train.fit(wanted, again, run.files)
    assert re.search(r"last.pth is damaged \(the checksum of .* is wrong\)", caplog.text)
    assert run.files.last.with_name("last.pth.damaged").is_file()
    assert same(learn, again)
    assert history["valid_loss"].tolist() == whole["valid_loss"].tolist()


def test_a_damaged_best_epoch_is_written_anew_from_its_checkpoint(tiny_learner):
    wanted = section(keep_checkpoints=3, monitor="train_loss")
    learn, run = tiny_learner(wanted)
    train.fit(wanted, learn, run.files)
    flipped(run.files.best)
    again, run = tiny_learner(wanted)
    train.fit(wanted, again, run.files)
    assert run.files.best.with_name("best.pth.damaged").is_file()
    assert same(learn, again)


def test_when_no_checkpoint_is_sound_training_begins_anew_and_ends_the_same(tiny_learner, caplog):
    learn, run = tiny_learner(section(), "whole")
    train.fit(section(), learn, run.files)
    run, _ = die(tiny_learner, 5, section())
    run.files.last.write_bytes(b"half")
    again, run = tiny_learner(section(), "died")
    train.fit(section(), again, run.files)
    assert "training begins anew" in caplog.text
    assert same(learn, again)


class LoseANumber(Callback):
    def after_step(self):
        if self.learn.iter == 2:
            next(self.model.parameters()).data[0] = float("nan")


def test_weights_that_are_no_numbers_are_not_kept(tiny_learner):
    learn, run = tiny_learner(section())
    learn.add_cb(LoseANumber())
    learn.add_cb(DieAfter(3))
    with pytest.raises(Killed):
        train.fit(section(), learn, run.files)
    state = torch.load(run.files.last, weights_only=True)
    assert state["position"]["batches"] == 2
    assert all(values.isfinite().all() for values in state["model"].values())


@pytest.mark.parametrize("write", [0, 3, 10])
def test_a_disk_that_is_full_at_any_write_loses_nothing(tiny_learner, monkeypatch, write):
    learn, run = tiny_learner(section(), "whole")
    train.fit(section(), learn, run.files)
    full, run = tiny_learner(section(), "full")
    with monkeypatch.context() as disk:
        made, left = tempfile.mkstemp, iter(range(write))

        def from_here_on(*arguments, **options):
            if next(left, None) is None:
                raise OSError(errno.ENOSPC, "No space left on device")
            return made(*arguments, **options)

        disk.setattr("tempfile.mkstemp", from_here_on)
        with pytest.raises(OSError, match="No space left"):
            train.fit(section(), full, run.files)
    again, run = tiny_learner(section(), "full")
    train.fit(section(), again, run.files)
    assert same(learn, again)
