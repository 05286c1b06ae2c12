"""model.onnx as a function from photos to probabilities: onnxruntime, NumPy and Pillow, no torch."""

from kimchi_vision.deploy.runtime.occlusion import GRID, covered, heat
from kimchi_vision.deploy.runtime.session import BATCH, Classifier
from kimchi_vision.results.model_metadata import Facts
from kimchi_vision.results.preprocess import LARGEST_GAP, Preprocess
from kimchi_vision.results.sampling import Sampling

__all__ = [
    "BATCH",
    "GRID",
    "LARGEST_GAP",
    "Classifier",
    "Facts",
    "Preprocess",
    "Sampling",
    "covered",
    "heat",
]
