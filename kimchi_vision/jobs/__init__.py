"""What is run from top to bottom: an experiment, a table of them, folds, searches."""
