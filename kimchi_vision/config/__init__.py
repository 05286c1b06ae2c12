"""Experiment files: the section models with their defaults, and how files are read."""

from kimchi_vision.config.experiment import Experiment, Table
from kimchi_vision.config.load import dump, load, read_yaml

__all__ = ["Experiment", "Table", "dump", "load", "read_yaml"]
