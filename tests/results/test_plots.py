"""Figures: what they show, and that Hangul is drawn: a missing glyph is a warning, thus an error."""

import logging

import numpy as np
import pandas as pd
import pytest
from matplotlib import font_manager
from PIL import Image

from kimchi_vision.results import plots
from kimchi_vision.results.plots import fonts

NAMES = ("배추김치", "깍두기", "총각김치")


def history(train, valid):
    stages = ["fine_tune frozen"] + ["fine_tune"] * (len(train) - 1)
    kept = np.arange(len(train)) == np.argmin(valid)
    return pd.DataFrame({"stage": stages, "train_loss": train, "valid_loss": valid, "kept": kept})


def test_every_figure_draws_hangul_and_a_minus(tmp_path):
    pytest.importorskip("pylopdf_fonts_ko")
    steps = pd.DataFrame({"lr": np.geomspace(1e-7, 1, 30), "loss": np.linspace(-2, 1, 30)})
    photo = Image.new("RGB", (40, 30), "orange")
    drawn = {
        "lr": plots.lr_find(steps, {"valley": 1e-3}),
        "losses": plots.losses(history([3, 2, 1], [2, 1, 1.5])),
        "counts": plots.confusion_matrix(np.diag([5, 0, 2]), NAMES),
        "shares": plots.confusion_matrix(np.diag([5, 0, 2]), NAMES, normalize=True),
        "grid": plots.photo_grid([photo] * 3, NAMES, [plots.RIGHT, plots.WRONG, plots.RIGHT]),
    }
    for name, figure in drawn.items():
        plots.save(figure, tmp_path / f"{name}.png")
    assert {path.stem for path in tmp_path.iterdir()} == set(drawn)


def test_losses_say_from_which_epoch_they_part():
    parting = plots.losses(history([3, 2, 1, 0.5], [2, 1, 1.5, 1.7]))
    assert "from epoch 3" in parting.axes[0].get_title()
    assert plots.losses(history([3, 2, 1], [3, 2, 1])).axes[0].get_title() == ""


def test_without_a_font_one_warning_says_how_to_get_one(monkeypatch, caplog):
    fonts.families.cache_clear()
    monkeypatch.setattr(fonts, "_of_the_system", lambda: None)
    monkeypatch.setattr(fonts, "_of_the_package", lambda: None)
    monkeypatch.delenv("KIMCHI_FONT", raising=False)
    with caplog.at_level(logging.WARNING):
        assert fonts.families() == fonts.families() == ["DejaVu Sans"]
    assert [record.message for record in caplog.records] == [fonts.HOW_TO_GET_ONE]
    fonts.families.cache_clear()


@pytest.mark.parametrize("exists", [True, False])
def test_kimchi_font_is_taken_when_it_can_be_read(exists, monkeypatch, caplog):
    path = font_manager.findfont("DejaVu Serif") if exists else "/nowhere/font.ttf"
    monkeypatch.setenv("KIMCHI_FONT", path)
    assert fonts._given() == ("DejaVu Serif" if exists else None)
    assert ("/nowhere/font.ttf" in caplog.text) is not exists


def test_seconds_draws_a_bar_a_way_with_its_total():
    figure = plots.seconds({"plain": {"data": 3.0, "steps": 5.0}, "here": {"data": 0.5, "steps": 1.5}})
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["8 s", "2 s"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["plain", "here"]
