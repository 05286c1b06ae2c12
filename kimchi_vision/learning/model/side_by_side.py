"""Several bodies as one.

cloudpickle stores this module's class inside an exported learner, so that it loads on a machine without
kimchi_vision; hence it must import nothing of kimchi_vision.
"""

import sys
from collections.abc import Sequence

import cloudpickle
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

cloudpickle.register_pickle_by_value(sys.modules[__name__])


class SideBySide(nn.Module):
    """Bodies that see the same photos: what they find lies side by side, (N, C1 + C2 + ..., H, W) or (N, C).

    The first learns. The others stay as they are, and are silent while it does, so that it learns to answer
    by itself: networks that learn together leave each other's mistakes alone (Jeffares et al., 2023,
    arXiv:2301.11323). What they find takes the shape of what it finds: maps of its size, or averages.
    widths: C1, C2, ... stats: for each body mean and standard deviation, three values of 0 to 1 each, that it
    was trained with; photos come in with those of the first.
    centre: (C2 + ...,) what the others find on average, which is taken off, so that silence is the average.
    """

    def __init__(
        self, bodies: Sequence[nn.Module], widths: Sequence[int], stats: Sequence[Sequence[Sequence[float]]]
    ) -> None:
        super().__init__()
        self.bodies, self.first = nn.ModuleList(bodies), widths[0]
        self.bodies[1:].requires_grad_(False)
        self.alike = all(each == stats[0] for each in stats)
        means, stds = torch.tensor(stats).unbind(1)
        for name, values in (("scale", stds[0] / stds), ("shift", (means[0] - means) / stds)):
            self.register_buffer(name, values[:, :, None, None], persistent=False)
        self.register_buffer("centre", torch.zeros(sum(widths[1:])))

    def forward(self, photos: Tensor) -> Tensor:
        """photos: (N, 3, height, width), normalised for the first body."""
        first = self.bodies[0](photos)
        centre = self.centre.view(1, -1, *[1] * (first.ndim - 2))
        if self.training:
            return torch.cat([first, torch.zeros_like(centre).expand(len(photos), -1, *first.shape[2:])], 1)
        others = torch.cat([self._found(number, photos, first) for number in range(1, len(self.bodies))], 1)
        return torch.cat([first, others - centre], 1)

    def _found(self, number: int, photos: Tensor, first: Tensor) -> Tensor:
        """What one of the others finds, in the shape of what the first does."""
        if not self.alike:
            photos = photos * self.scale[number] + self.shift[number]
        found = self.bodies[number](photos)
        if first.ndim == 2:
            return found.mean((2, 3)) if found.ndim == 4 else found
        if found.ndim == 2:
            found = found[:, :, None, None]
        return _as_large_as(first, found)


def _as_large_as(first: Tensor, other: Tensor) -> Tensor:
    """Networks round differently when they halve a photo: 208 pixels become 7 or 6."""
    if other.shape[2:] == first.shape[2:]:
        return other
    return interpolate(other, first.shape[2:], mode="bilinear")
