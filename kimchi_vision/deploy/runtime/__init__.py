"""model.onnx as a function from photos to probabilities: onnxruntime, NumPy and Pillow, no torch."""

from kimchi_vision.deploy.runtime.session import BATCH, Classifier, OpenVinoClassifier

__all__ = ["BATCH", "Classifier", "OpenVinoClassifier"]
