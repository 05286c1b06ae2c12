"""Which pixels are the food: the data's box where there is one, else a segmentation."""

from typing import Literal, NamedTuple

import cv2
import numpy as np
from PIL import Image

Kind = Literal["box", "segmentation", "middle"]
Window = tuple[int, int, int, int]

SIDE = 128
"""Pixels of a side of the photo that is segmented; finer takes longer and finds no other dish."""
ROUNDS = 3
BORDER = 1 / 12
"""Share of a side that is taken for background before segmenting: food is photographed in the middle."""
SMALLEST, LARGEST = 0.05, 0.9
"""Shares of the square that food may have; beyond, there is no food or no background to speak of."""


class Mask(NamedTuple):
    """food: (size, size) bool. kind: where it is from."""

    food: np.ndarray
    kind: Kind


def mask(square: Image.Image, size: int, window: Window, box: Window | None) -> Mask | None:
    """The food of a photo; None when its box leaves nearly nothing or nearly all of what the network sees.

    square: what the network sees of the photo, and window: what part of the photo that is. box: around the
    food. window and box: left, top, right, bottom in pixels of the photo.
    Without a box GrabCut tells the middle from the border (Rother, Kolmogorov and Blake, 2004, ACM
    Transactions on Graphics 23:309). The mask is the convex outline of that and of an ellipse in the middle,
    or the ellipse alone when the outline leaves nearly no background.
    """
    if box is not None:
        food = _boxed(size, window, box)
        return Mask(food, "box") if SMALLEST <= food.mean() <= LARGEST else None
    food = _segmented(square, size)
    return Mask(food, "segmentation") if food.mean() <= LARGEST else Mask(_middle(size), "middle")


def _boxed(size: int, window: Window, box: Window) -> np.ndarray:
    left, top, right, bottom = window
    scale = np.array([right - left, bottom - top] * 2)
    places = (np.array(box) - np.array([left, top, left, top])) / scale * size
    x0, y0, x1, y1 = np.clip(np.rint(places), 0, size).astype(int)
    food = np.zeros((size, size), bool)
    food[y0:y1, x0:x1] = True
    return food


def _segmented(square: Image.Image, size: int) -> np.ndarray:
    small = np.ascontiguousarray(np.asarray(square.resize((SIDE, SIDE)))[..., ::-1])
    edge = round(SIDE * BORDER)
    inner = (edge, edge, SIDE - 2 * edge, SIDE - 2 * edge)
    marks, models = np.zeros((SIDE, SIDE), np.uint8), (np.zeros((1, 65)), np.zeros((1, 65)))
    cv2.setRNGSeed(0)  # its clusters start at random
    cv2.grabCut(small, marks, inner, *models, ROUNDS, cv2.GC_INIT_WITH_RECT)
    food = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD))
    outline = cv2.convexHull(np.argwhere(food | _middle(SIDE))[:, ::-1].astype(np.int32))
    food = cv2.fillConvexPoly(np.zeros((SIDE, SIDE), np.uint8), outline, 1)
    return cv2.resize(food, (size, size), interpolation=cv2.INTER_NEAREST).astype(bool)


def _middle(size: int) -> np.ndarray:
    steps = np.linspace(-1, 1, size)
    return steps[:, None] ** 2 + steps[None] ** 2 < 0.5
