"""Experiment files: the section models with their defaults, and how files are read."""

from kimchi_vision.config.experiment import Experiment, Row, Table
from kimchi_vision.config.load import dump, load, read_yaml

__all__ = ["Experiment", "Row", "Table", "dump", "load", "read_yaml"]
