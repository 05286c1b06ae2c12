"""Section `features`: what the frozen body sees in photos, and the floor: a linear head on that alone."""

from kimchi_vision.learning.linear_probe.compute import Answering, compute, pooled
from kimchi_vision.learning.linear_probe.linear import Rare, cross_validated, fit
from kimchi_vision.learning.linear_probe.probe import Floor, floor

__all__ = ["Answering", "Floor", "Rare", "compute", "cross_validated", "fit", "floor", "pooled"]
