"""The sections of an experiment file: one frozen model each, every default in one place."""

from kimchi_vision.config.base import Section
from kimchi_vision.config.sections.data import Augment, Data, Policy, Sample
from kimchi_vision.config.sections.results import Calibrate, Evaluate, Explain, Export, Goals, Report, Track
from kimchi_vision.config.sections.train import Features, Jobs, Loader, Model, Train

__all__ = [
    "Augment", "Calibrate", "Data", "Evaluate", "Explain", "Export", "Features", "Goals", "Jobs", "Loader",
    "Model", "Policy", "Report", "Sample", "Section", "Track", "Train",
]  # fmt: skip
