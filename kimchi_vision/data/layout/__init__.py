"""One reading of a folder: which folders are classes and which are parts."""
