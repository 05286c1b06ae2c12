"""From a network's outputs to probabilities and back: the one place where a temperature is applied."""

import numpy as np

SMALLEST = float(np.finfo(np.float32).tiny)
"""What a probability of 0 counts as, so that it has a logarithm."""


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Calibrated probabilities over the last axis, of the logits' type; as trained at a temperature of 1."""
    scaled = logits / logits.dtype.type(temperature)
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def logits(probabilities: np.ndarray) -> np.ndarray:
    """Up to a constant a photo, which softmax does not see; float64."""
    return np.log(np.maximum(np.asarray(probabilities, float), SMALLEST))


def at_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities as trained, calibrated; the order of the classes stays."""
    return softmax(logits(probabilities), temperature)
