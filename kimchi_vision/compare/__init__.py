"""What predictions say: intervals, paired tests between runs, verdicts in words. No torch."""

from kimchi_vision.compare.comparison import Comparison, compare, summary
from kimchi_vision.compare.floor import beside_floor
from kimchi_vision.compare.intervals import intervals, wilson, with_intervals
from kimchi_vision.compare.pairs import Pair

__all__ = [
    "Comparison",
    "Pair",
    "beside_floor",
    "compare",
    "intervals",
    "summary",
    "wilson",
    "with_intervals",
]
