"""Figures: what they show, and that Hangul is drawn: a missing glyph is a warning, thus an error."""

import ast
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import font_manager
from matplotlib.collections import PathCollection
from matplotlib.text import Text
from PIL import Image

from kimchi_vision.base.messages import korean
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


def test_a_figure_speaks_the_readers_language(tmp_path, monkeypatch):
    pytest.importorskip("pylopdf_fonts_ko")
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    figure = plots.losses(history([3, 2, 1, 0.5], [2, 1, 1.5, 1.7]))
    plots.save(figure, tmp_path / "losses.png")
    (axes,) = figure.axes
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert (axes.get_xlabel(), legend) == ("에포크", ["학습", "검증", "사용한 에포크"])
    assert axes.get_title().startswith("에포크 3부터")


def test_the_words_of_figures_have_korean():
    words = {
        keyword.value.value
        for file in Path(plots.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg in ("xlabel", "ylabel", "label", "title") and isinstance(keyword.value, ast.Constant)
    }
    assert words
    assert not words - set(korean("figure"))


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


def segments(container):
    """Ends of the vertical bars of an errorbar: low, high."""
    (bars,) = container[2]
    return [[low[1], high[1]] for low, high in bars.get_segments()]


def test_reliability_draws_accuracy_with_its_interval_over_confidence_and_counts_below():
    table = pd.DataFrame(
        {
            "low": [0.4, 0.8],
            "high": [0.6, 1.0],
            "photos": [7, 3],
            "confidence": [0.55, 0.9],
            "accuracy": [0.3, 1.0],
            "accuracy_low": [0.1, 0.6],
            "accuracy_high": [0.7, 1.0],
        }
    )
    figure = plots.reliability({"before": table, "after": table.iloc[:1]})
    first, second, counts, _ = figure.axes
    assert (first.get_title(), second.get_title()) == ("before", "after")
    ((points, *_),) = first.containers
    assert points.get_xydata().tolist() == [[0.55, 0.3], [0.9, 1.0]]
    assert segments(first.containers[0]) == [pytest.approx([0.1, 0.7]), pytest.approx([0.6, 1.0])]
    assert first.lines[0].get_xydata().tolist() == [[0, 0], [1, 1]]
    assert [text.get_text() for text in first.get_legend().get_texts()] == ["calibrated", "95 % interval"]
    bars = [(bar.get_x(), bar.get_width(), bar.get_height()) for bar in counts.patches]
    assert bars == [pytest.approx((0.4, 0.2, 7)), pytest.approx((0.8, 0.2, 3))]
    assert (first.get_ylabel(), counts.get_xlabel(), counts.get_ylabel()) == (
        *("accuracy", "confidence", "photos"),
    )


def test_risk_is_drawn_over_coverage_with_the_chosen_point_and_its_interval():
    curve = pd.DataFrame({"coverage": [0.5, 1.0], "risk": [0.1, 0.3]})
    chosen = {"threshold": 0.62, "coverage": 0.8, "error": 0.2, "error_interval": [0.15, 0.35]}
    (axes,) = plots.risk_coverage(curve, chosen).axes
    assert axes.lines[0].get_xydata().tolist() == [[0.5, 0.1], [1.0, 0.3]]
    assert axes.containers[0][0].get_xydata().tolist() == [[0.8, 0.2]]
    assert segments(axes.containers[0]) == [pytest.approx([0.15, 0.35])]
    assert axes.get_legend().get_texts()[0].get_text() == "answered from 0.62, 95 % interval"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("photos answered", "wrong answers among them")
    (axes,) = plots.risk_coverage(curve).axes
    assert axes.get_legend() is None


@pytest.mark.parametrize("normalize", [False, True])
def test_the_matrix_has_actual_classes_in_rows_and_is_darker_the_larger_the_share(normalize):
    counts = np.array([[6, 2, 0], [0, 0, 0], [3, 0, 1]])
    (axes,) = plots.confusion_matrix(counts, NAMES, normalize).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "actual")
    for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert tuple(tick.get_text() for tick in ticks) == NAMES
    shares = [[0.75, 0.25, 0], [0, 0, 0], [0.75, 0, 0.25]]
    assert axes.images[0].get_array().tolist() == shares
    assert axes.images[0].get_clim() == (0, 1)
    told = {text.get_position()[::-1]: (text.get_text(), text.get_color()) for text in axes.texts}
    shown = ("0.75", "0.25") if normalize else ("6", "2")
    assert (told[0, 0], told[0, 1], told[1, 1]) == (
        *((shown[0], "white"), (shown[1], "black"), ("·", "black")),
    )
    assert len(told) == 9


def test_the_matrix_of_more_than_40_classes_has_no_numbers():
    (axes,) = plots.confusion_matrix(np.eye(41), list(map(str, range(41)))).axes
    assert not axes.texts


def test_a_grid_of_photos_has_each_title_in_its_colour():
    photos = [Image.new("RGB", (4, 3), colour) for colour in ("red", "lime", "blue", "white", "black")]
    colours = [plots.RIGHT, plots.WRONG, plots.WRONG, plots.RIGHT, plots.WRONG]
    grid = plots.photo_grid(photos, list("abcde"), colours).axes
    assert [axes.get_title() for axes in grid] == list("abcde")
    assert [axes.title.get_color() for axes in grid] == colours
    assert [axes.images[0].get_array()[0, 0].tolist() for axes in grid[:2]] == [[255, 0, 0], [0, 255, 0]]
    assert grid[0].get_gridspec().get_geometry() == (2, 3)
    assert plots.photo_grid(photos, list("abcde")).axes[0].title.get_color() == "black"
    assert (plots.RIGHT, plots.WRONG) == ("#1a7f37", "#cf222e")


def test_losses_name_training_and_validation_and_star_the_kept_epoch():
    (axes,) = plots.losses(history([3, 2, 1, 0.5], [2, 1.2, 1, 1.7])).axes
    drawn = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert drawn["training"] == [[1, 3], [2, 2], [3, 1], [4, 0.5]]
    assert drawn["validation"] == [[1, 2], [2, 1.2], [3, 1], [4, 1.7]]
    assert drawn["kept"] == [[3, 1]]
    assert [text.get_text() for text in axes.texts] == ["fine_tune frozen", "fine_tune"]
    assert [text.get_position()[0] for text in axes.texts] == [0.55, 1.55]


def test_a_rate_that_was_found_is_marked_on_the_curve():
    steps = pd.DataFrame({"lr": [1e-4, 1e-3, 1e-2], "loss": [3.0, 2.0, 5.0]})
    (axes,) = plots.lr_find(steps, {"valley": 2e-3, "steep": 8e-3}).axes
    curve, *marks = axes.lines
    assert curve.get_xydata().tolist() == [[1e-4, 3], [1e-3, 2], [1e-2, 5]]
    assert [(mark.get_xdata()[0], mark.get_ydata()[0]) for mark in marks] == [(2e-3, 2), (8e-3, 5)]
    assert [mark.get_label() for mark in marks] == ["valley  2.00e-03", "steep  8.00e-03"]


def test_accuracy_over_latency_has_areas_as_large_as_the_files_and_goals_as_lines():
    runs = pd.DataFrame(
        {
            "run": ["quick", "slow"],
            "accuracy": [0.8, 0.9],
            "low": [0.7, 0.85],
            "high": [0.85, 0.95],
            "p50_ms": [5.0, 40.0],
            "file_mb": [4.0, 16.0],
        }
    )
    (axes,) = plots.accuracy_latency(runs, accuracy=0.88, fps=50, macro_f1=0.9).axes
    assert segments(axes.containers[0]) == [pytest.approx([0.7, 0.85]), pytest.approx([0.85, 0.95])]
    (dots,) = [one for one in axes.collections if isinstance(one, PathCollection)]
    assert dots.get_offsets().tolist() == [[5, 0.8], [40, 0.9]]
    assert dots.get_sizes()[1] == 4 * dots.get_sizes()[0]
    assert [text.get_text() for text in axes.texts] == ["quick\n4 MB", "slow\n16 MB"]
    lines = [line.get_xydata().tolist() for line in axes.lines]
    assert lines == [[[0, 0.88], [1, 0.88]], [[20, 0], [20, 1]]]


def test_the_learning_curve_is_solid_as_far_as_runs_reach():
    points = pd.DataFrame({"train_photos": [10, 20], "accuracy": [0.5, 0.7], "low": [0.4, 0.65], "high": 0.8})
    curve = pd.DataFrame({"train_photos": [10, 20, 40], "accuracy": [0.5, 0.7, 0.8], "low": 0.4, "high": 0.9})
    (axes,) = plots.learning_curve(points, curve).axes
    solid, dashed, *_ = axes.lines
    assert (solid.get_xydata().tolist(), solid.get_linestyle()) == ([[10, 0.5], [20, 0.7]], "-")
    assert (dashed.get_xydata().tolist(), dashed.get_linestyle()) == ([[20, 0.7], [40, 0.8]], "--")
    assert segments(axes.containers[0]) == [pytest.approx([0.4, 0.8]), pytest.approx([0.65, 0.8])]


def test_heat_colours_a_grey_photo_where_the_map_is_high():
    photo = np.full((1, 2, 3), [200, 100, 50], dtype=np.uint8)
    cold, hot = plots.heat(photo, np.array([[0.0, 1.0]]))[0]
    assert cold.tolist() == [124, 124, 124]
    assert hot.tolist() == [214, 215, 152]


@pytest.mark.parametrize("name", ["$5 pizza$", "$10^{ menu$", "a_b^c"])
def test_a_name_with_dollars_is_drawn_as_it_is(name, tmp_path):
    matrix = plots.confusion_matrix(np.eye(2, dtype=int), [name, "x"])
    grid = plots.photo_grid([np.zeros((4, 4, 3))], [name])
    for number, figure in enumerate((matrix, grid)):
        plots.save(figure, tmp_path / f"{number}.png")  # mathematics that is none would end here
        drawn = [text for text in figure.findobj(Text) if text.get_text() == name]
        assert drawn
        assert not any(text.get_parse_math() for text in drawn)
