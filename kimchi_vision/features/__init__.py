"""Section `features`: what the frozen body sees in photos, and the floor: a linear head on that alone."""

from kimchi_vision.features.compute import compute
from kimchi_vision.features.floor import Floor, floor
from kimchi_vision.features.linear import Linear, cross_validated, fit

__all__ = ["Floor", "Linear", "compute", "cross_validated", "fit", "floor"]
