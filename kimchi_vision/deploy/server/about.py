"""Routes about a model: how it scores, from card.md of its run, and where it looks on a photo; no torch."""

import asyncio
from functools import partial
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, File, UploadFile
from fastapi.responses import HTMLResponse

from kimchi_vision.base.messages import catalogue, language
from kimchi_vision.base.pages import render
from kimchi_vision.base.plain import Json
from kimchi_vision.data.photo import open_photo
from kimchi_vision.deploy.server.api import Here, ModelName, limited
from kimchi_vision.deploy.server.guard import Refusal
from kimchi_vision.deploy.server.models import Served

router = APIRouter()

GRID = 7
"""Places along a side; a covering reaches half a place beyond its own on each side."""


@router.get("/card", response_class=HTMLResponse, include_in_schema=False)
def card(here: Here, model: ModelName = None) -> str:
    """The page about a model. Raises 404 for one that came without a card."""
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    run = here.named(model).run
    if not run.files.card.is_file():
        raise Refusal("There is no card of this model.", 404)
    _, _, text = run.files.card.read_text(encoding="utf-8").split("---\n", 2)  # the head is for a hub
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    lang = language(run.experiment.report.lang)
    scrolls = (
        f'<div class="wide" tabindex="0" role="group" aria-label="{catalogue(lang)("as_table")}"><table>'
    )
    body = body.replace("<table>", scrolls).replace("</table>", "</table></div>")
    return render("kimchi_vision.deploy.server", "card.html", lang, name=run.name, body=Markup(body))


@router.post("/explain", dependencies=[Depends(limited(1 + GRID * GRID))])
async def explain(
    here: Here, photo: Annotated[UploadFile, File(description="One photo.")], model: ModelName = None
) -> Json:
    """How much each place of a photo speaks for its most probable class; takes as long as 50 answers.

    Source: Zeiler and Fergus, 2014, "Visualizing and Understanding Convolutional Networks", arXiv:1311.2901.
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


def covered(prepared: np.ndarray) -> list[np.ndarray]:
    """GRID * GRID copies of a prepared photo (3, size, size), row by row, each with one place covered.

    The covering has the mean colour of the training photos, which preprocessing makes 0.
    """
    size = prepared.shape[-1]
    edges = np.clip(np.rint((np.arange(GRID)[:, None] + [-0.5, 1.5]) * size / GRID), 0, size).astype(int)
    copies = []
    for top, bottom in edges:
        for left, right in edges:
            copy = prepared.copy()
            copy[:, top:bottom, left:right] = 0
            copies.append(copy)
    return copies


def heat(whole: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """How much each place speaks for the most probable class, (GRID, GRID), 0 to 1.

    whole: probabilities of the photo, (classes,). rows: of its `covered` copies, (GRID * GRID, classes).
    The fall of the log probability, relative to the largest; all 0 when no covering lowers it.
    """
    best = int(whole.argmax())
    tiny = np.finfo(np.float32).tiny
    fall = np.log(max(float(whole[best]), tiny)) - np.log(np.maximum(rows[:, best].astype(float), tiny))
    fall = np.maximum(fall, 0).reshape(GRID, GRID)
    return fall / fall.max() if fall.max() > 1e-6 else np.zeros((GRID, GRID))
