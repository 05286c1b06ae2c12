"""Backbone, weights and head: from a name to a Learner that starts from checked weights."""

from kimchi_vision.learning.model.backbone import Backbone
from kimchi_vision.learning.model.build import frozen, learner, restored, summary
from kimchi_vision.learning.model.find import at_hand, catalog, check_size, find, imagenet
from kimchi_vision.learning.model.weights import read as read_tensors

__all__ = [
    "Backbone", "at_hand", "catalog", "check_size", "find", "frozen", "imagenet", "learner",
    "read_tensors", "restored", "summary",
]  # fmt: skip
