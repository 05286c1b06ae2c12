"""What predictions say: intervals, paired tests between runs, verdicts in words. No torch."""

from kimchi_vision.compare.intervals import intervals, wilson, with_intervals

__all__ = ["intervals", "wilson", "with_intervals"]
