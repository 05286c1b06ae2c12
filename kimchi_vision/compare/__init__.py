"""What predictions say: intervals, paired tests between runs, verdicts in words. No torch."""

from kimchi_vision.compare.intervals import intervals, wilson

__all__ = ["intervals", "wilson"]
