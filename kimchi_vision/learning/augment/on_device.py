"""The fused engine with torch: on a GPU, and where OpenCV is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from kimchi_vision.learning.augment.presize import PAIRS, taps
from kimchi_vision.learning.device import sent

if TYPE_CHECKING:
    from kimchi_vision.learning.augment.fused import Fused
    from kimchi_vision.learning.augment.params import Draws


def pictures(windows: Tensor, matrices: np.ndarray, draws: Draws, fused: Fused, device: Any) -> Tensor:
    """(n, side, side, 3) uint8 photos, moved, lit and normalised: (n, 3, size, size) float32.

    matrices: (n, 3, 3), from pixels of the result to pixels of the photo.
    """
    photos = sent(windows, device).permute(0, 3, 1, 2).float().div_(255)
    if (halved := fused.halved(draws)).any():
        photos = torch.where(_column(halved, device), _pairs(photos), photos)
    section = fused.section
    grid = _grid(sent(torch.from_numpy(matrices).float(), device), section.size)
    side = windows.shape[1]
    grid = 2 * grid / (side - 1) - 1 if section.align_corners else (2 * grid + 1) / side - 1
    moved = F.grid_sample(
        photos, grid, section.mode, padding_mode=section.pad_mode, align_corners=section.align_corners
    )
    mean, std = (
        sent(torch.as_tensor(v, dtype=torch.float32), device)[:, None, None] for v in (fused.mean, fused.std)
    )
    lit = _lit(moved.clamp_(0, 1), draws, device)
    return lit.sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)


def _grid(matrices: Tensor, size: int) -> Tensor:
    """(n, size, size, 2): where in the photo each pixel of the result lies."""
    line = torch.arange(size, dtype=torch.float32, device=matrices.device)
    down, across = torch.meshgrid(line, line, indexing="ij")
    places = torch.stack([across, down, torch.ones_like(across)], dim=-1).view(1, -1, 3)
    found = places @ matrices.transpose(1, 2)
    return (found[..., :2] / found[..., 2:]).view(-1, size, size, 2)


def _pairs(photos: Tensor) -> Tensor:
    """Neighbouring pixels averaged, along both axes."""
    weights = sent(torch.from_numpy(np.outer(taps(PAIRS), taps(PAIRS))).float(), photos.device)
    padded = F.pad(photos, (1, 1, 1, 1), mode="reflect")
    return F.conv2d(padded, weights.expand(photos.shape[1], 1, 3, 3), groups=photos.shape[1])


def _column(values: np.ndarray, device: Any) -> Tensor:
    """(n, 1, 1, 1)."""
    return sent(torch.as_tensor(values), device)[:, None, None, None]


def _lit(photos: Tensor, draws: Draws, device: Any) -> Tensor:
    """Brightness and contrast on the logit. Source: fastai.vision.augment, Brightness and Contrast."""
    light = (draws.brightness, draws.contrast)
    brightness, contrast = (_column(value.astype(np.float32), device) for value in light)
    return ((photos.logit(1e-7) + brightness.logit()) * contrast).sigmoid()
