"""What a run found: predictions, scores with intervals, comparisons, the report. No torch."""
