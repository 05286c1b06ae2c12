"""Pure functions from data to a matplotlib Figure, and the font that draws Hangul."""

from kimchi_vision.results.plots.bars import seconds
from kimchi_vision.results.plots.calibration import reliability, risk_coverage
from kimchi_vision.results.plots.curves import losses, lr_find
from kimchi_vision.results.plots.fonts import hangul
from kimchi_vision.results.plots.heat import heat
from kimchi_vision.results.plots.learning import learning_curve
from kimchi_vision.results.plots.matrix import confusion_matrix
from kimchi_vision.results.plots.photos import RIGHT, WRONG, photo_grid
from kimchi_vision.results.plots.save import save, shown
from kimchi_vision.results.plots.separation import one_against_rest
from kimchi_vision.results.plots.tradeoff import accuracy_latency

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
    "seconds",
    "shown",
]
