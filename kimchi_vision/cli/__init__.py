"""Commands: convert, call, print, exit code."""
