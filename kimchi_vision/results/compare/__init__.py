"""What predictions say: intervals, paired tests between runs, verdicts in words. No torch."""

from kimchi_vision.results.compare.background import background_reliance
from kimchi_vision.results.compare.comparison import Comparison, compare
from kimchi_vision.results.compare.learning import Learning, learning
from kimchi_vision.results.compare.paired import difference_interval
from kimchi_vision.results.compare.pairs import beside_floor, beside_one_view
from kimchi_vision.results.compare.runs import accuracy, common, summary

__all__ = [
    "Comparison", "Learning", "accuracy", "background_reliance", "beside_floor", "beside_one_view", "common",
    "compare", "difference_interval", "learning", "summary",
]  # fmt: skip
