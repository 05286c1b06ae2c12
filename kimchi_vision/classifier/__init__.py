"""model.onnx as a function from photos to probabilities: onnxruntime, NumPy and Pillow, no torch."""

from kimchi_vision.classifier.facts import Facts
from kimchi_vision.classifier.occlusion import GRID, covered, heat
from kimchi_vision.classifier.preprocess import LARGEST_GAP, Preprocess
from kimchi_vision.classifier.sampling import Sampling
from kimchi_vision.classifier.session import BATCH, Classifier, softmax

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
    "softmax",
]
