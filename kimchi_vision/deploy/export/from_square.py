"""A network as phones take it, from the square of a photo to calibrated probabilities, and its conversion."""

import copy
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from kimchi_vision.base.errors import RunError
from kimchi_vision.results.model_metadata import Facts


class FromSquare(torch.nn.Module):
    """From the square that Preprocess.square gives, 0 to 255, to calibrated probabilities."""

    def __init__(self, network: torch.nn.Module, facts: Facts) -> None:
        super().__init__()
        steps, self.temperature = facts.preprocess, facts.temperature
        self.network = copy.deepcopy(network).float().cpu().eval()
        mean, std = (torch.tensor(each)[:, None, None] for each in (steps.mean, steps.std))
        sampling = steps.sampling.matrix(steps.resize, steps.size)
        self.register_buffer("sampling", torch.from_numpy(sampling).float())
        self.register_buffer("scale", 1 / (255 * std))
        self.register_buffer("shift", mean / std)

    def forward(self, square: torch.Tensor) -> torch.Tensor:
        """square: (1, 3, side, side), 0 to 255. Gives (1, classes)."""
        sampled = self.sampling @ square @ self.sampling.T
        return torch.softmax(self.network(sampled * self.scale - self.shift) / self.temperature, dim=1)


@contextmanager
def converting(runtime: str) -> Iterator[None]:
    """What a converter raises inside the block, of many kinds, is a RunError, which names the operator.

    OpenVINO's leaves all loggers silent then, by the root logger's level and a filter: both are put back.
    """
    root = logging.getLogger()
    level, filters = root.level, [*root.filters]
    try:
        yield
    except Exception as error:
        what = "{runtime} cannot take it over ({reason}). onnx is what works everywhere."
        raise RunError(what, runtime=runtime, reason=error) from error
    finally:
        root.setLevel(level)
        root.filters[:] = filters
