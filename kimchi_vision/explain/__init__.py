"""Section `explain`: where a network looks when it names a photo, and whether backgrounds decide."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from kimchi_vision import plots
from kimchi_vision.errors import ModelError
from kimchi_vision.explain.background import answers
from kimchi_vision.explain.gradcam import GradCam, Seen
from kimchi_vision.explain.overlay import Explained, explained

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import nn

    from kimchi_vision.classifier import Preprocess
    from kimchi_vision.config.sections import Explain
    from kimchi_vision.photos import Photos

__all__ = ["Explained", "GradCam", "Seen", "answers", "explained", "figures"]

log = logging.getLogger(__name__)


def figures(
    section: Explain, network: nn.Module, photos: Photos, worst: pd.DataFrame, preprocess: Preprocess
) -> dict[str, Figure]:
    """Figures by name: where the network looks on the photos of the top losses; none for one without a map.

    worst: rows of predictions, largest loss first. preprocess: as for the exported model.
    """
    if not section.top_losses:
        return {}
    try:
        seen = list(explained(network, preprocess, photos.files(worst)))
    except ModelError as error:
        log.info("%s", error)
        return {}
    titles = [
        _title(photos.vocab[each.answer], each.probability, truth)
        for each, truth in zip(seen, worst["truth"], strict=True)
    ]
    return {"gradcam": plots.photo_grid([each.picture for each in seen], titles)}


def _title(answer: str, probability: float, truth: Any) -> str:
    return f"{answer}  {probability:.0%}\nactual {truth}"
