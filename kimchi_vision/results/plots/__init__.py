"""Pure functions from data to a matplotlib Figure, and the font that draws Hangul."""

from kimchi_vision.results.plots.calibration import one_against_rest, reliability, risk_coverage
from kimchi_vision.results.plots.costs import accuracy_latency
from kimchi_vision.results.plots.curves import learning_curve, losses, lr_find
from kimchi_vision.results.plots.fonts import hangul
from kimchi_vision.results.plots.pictures import RIGHT, WRONG, confusion_matrix, heat, photo_grid
from kimchi_vision.results.plots.save import save, shown

__all__ = [
    "RIGHT",
    "WRONG",
    "accuracy_latency",
    "confusion_matrix",
    "hangul",
    "heat",
    "learning_curve",
    "losses",
    "lr_find",
    "one_against_rest",
    "photo_grid",
    "reliability",
    "risk_coverage",
    "save",
    "shown",
]
