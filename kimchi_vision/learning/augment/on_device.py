"""The fused engine with torch: on a GPU, and where OpenCV is missing."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from kimchi_vision.config.sections import Augment
from kimchi_vision.learning.augment.params import Draws
from kimchi_vision.learning.augment.presize import PAIRS, taps
from kimchi_vision.learning.device import sent


def warped(
    windows: Tensor, matrices: np.ndarray, halved: np.ndarray, section: Augment, device: torch.device | str
) -> Tensor:
    """(n, side, side, 3) uint8 photos, moved: (n, 3, size, size) float32, 0 to 1, on the device.

    matrices: (n, 3, 3), from pixels of the result to pixels of the photo.
    halved: (n,) whether pairs of a photo's pixels are averaged first.
    """
    photos = sent(windows, device).permute(0, 3, 1, 2).float().div_(255)
    if halved.any():
        photos = torch.where(_column(halved, device), _pairs(photos), photos)
    grid = _grid(sent(torch.from_numpy(matrices).float(), device), section.size)
    side = windows.shape[1]
    grid = 2 * grid / (side - 1) - 1 if section.align_corners else (2 * grid + 1) / side - 1
    moved = F.grid_sample(
        photos, grid, section.mode, padding_mode=section.pad_mode, align_corners=section.align_corners
    )
    return moved.clamp_(0, 1)


def lit(photos: Tensor, draws: Draws, mean: np.ndarray, std: np.ndarray) -> Tensor:
    """Brightness and contrast on the logit, then normalised, channels last.

    Source: fastai.vision.augment, Brightness and Contrast.
    """
    light = (draws.brightness, draws.contrast)
    brightness, contrast = (_column(value.astype(np.float32), photos.device) for value in light)
    changed = ((photos.logit(1e-7) + brightness.logit()) * contrast).sigmoid()
    stats = (torch.as_tensor(each, dtype=torch.float32) for each in (mean, std))
    mean, std = (sent(each, photos.device)[:, None, None] for each in stats)
    return changed.sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)


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


def _column(values: np.ndarray, device: torch.device | str) -> Tensor:
    """(n, 1, 1, 1)."""
    return sent(torch.as_tensor(values), device)[:, None, None, None]
