"""The route that says where a model looks on a photo, found by covering places; no torch, any export."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, File, UploadFile

from kimchi_vision.base.plain import Json
from kimchi_vision.data.photo import open_photo
from kimchi_vision.deploy.runtime import GRID, covered, heat
from kimchi_vision.deploy.server.api import Here, ModelName, limited
from kimchi_vision.deploy.server.models import Served

router = APIRouter()


@router.post("/explain", dependencies=[Depends(limited(1 + GRID * GRID))])
async def explain(
    here: Here,
    photo: Annotated[UploadFile, File(description="One photo.")],
    model: ModelName = None,
) -> Json:
    """How much each place of a photo speaks for its most probable class; takes as long as 50 answers.

    heat: rows of places, 0 to 1. window: left, top, width, height of what they cover, as shares of the photo.
    """
    served = here.named(model)
    prepared, window = await here.opened(photo, 1, partial(_prepared, served))
    whole, *rows = await asyncio.gather(*map(served.batcher, [prepared, *covered(prepared)]))
    (label, probability), *_ = served.predictor.answer(whole, top=1).classes
    shown = np.round(heat(whole, np.stack(rows)), 3).tolist()
    return {"model": served.name, "label": label, "probability": probability, "heat": shown, "window": window}


def _prepared(served: Served, content: bytes) -> tuple[np.ndarray, list[float]]:
    photo = open_photo(content)
    prepared = served.predictor.prepare(photo)
    left, top, right, bottom = served.predictor.facts.preprocess.window(photo.size)
    width, height = photo.size
    window = [left / width, top / height, (right - left) / width, (bottom - top) / height]
    return prepared, window
