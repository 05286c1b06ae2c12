"""Section `explain`: where a network looks on photos, and whether backgrounds decide its answers."""

from kimchi_vision.learning.explain.background import backgrounds
from kimchi_vision.learning.explain.gradcam import Explainer, save

__all__ = ["Explainer", "backgrounds", "save"]
