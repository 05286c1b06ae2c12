"""Several bodies as one.

cloudpickle stores this module's class inside an exported learner, so that it loads on a machine without
kimchi_vision; hence it must import nothing of kimchi_vision.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import cloudpickle
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

cloudpickle.register_pickle_by_value(sys.modules[__name__])


class SideBySide(nn.Module):
    """Bodies that see the same photos; what they find lies side by side, (N, C1 + C2 + ..., H, W) or (N, C).

    Maps are made as large as the first; beside features without places each becomes its average.
    stats: for each body mean and standard deviation, three values of 0 to 1 each, that it was trained with;
    photos come in with those of the first.
    """

    def __init__(self, bodies: Sequence[nn.Module], stats: Sequence[Sequence[Sequence[float]]]) -> None:
        super().__init__()
        self.bodies = nn.ModuleList(bodies)
        self.alike = all(each == stats[0] for each in stats)
        means, stds = torch.tensor(stats).unbind(1)
        for name, values in (("scale", stds[0] / stds), ("shift", (means[0] - means) / stds)):
            self.register_buffer(name, values[:, :, None, None], persistent=False)

    def forward(self, photos: Tensor) -> Tensor:
        """photos: (N, 3, height, width), normalised for the first body."""
        seen = [photos] * len(self.bodies)
        if not self.alike:
            seen = [photos * scale + shift for scale, shift in zip(self.scale, self.shift, strict=True)]
        found = [body(each) for body, each in zip(self.bodies, seen, strict=True)]
        if any(each.ndim == 2 for each in found):
            found = [each.mean((2, 3)) if each.ndim == 4 else each for each in found]
        else:
            found = [_as_large_as(found[0], each) for each in found]
        return torch.cat(found, 1)


def _as_large_as(first: Tensor, other: Tensor) -> Tensor:
    """Networks round differently when they halve a photo: 208 pixels become 7 or 6."""
    if other.shape[2:] == first.shape[2:]:
        return other
    return interpolate(other, first.shape[2:], mode="bilinear")
