"""Backbone, weights and head: from a name to a Learner that starts from checked weights."""

from kimchi_vision.model.backbone import Backbone
from kimchi_vision.model.build import learner
from kimchi_vision.model.find import find

__all__ = ["Backbone", "find", "learner"]
