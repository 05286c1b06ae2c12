"""What a network says when backgrounds are hidden, blurred or swapped, around a box or a segmentation."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import cv2
import numpy as np
import pandas as pd
from PIL import Image

from kimchi_vision.config.sections import Explain
from kimchi_vision.data.photo import Photos, open_photo
from kimchi_vision.learning.explain.gradcam import Explainer

Kind = Literal["box", "segmentation", "middle"]
Window = tuple[int, int, int, int]

SIDE = 128
"""Pixels of a side of the photo that is segmented; finer takes longer and finds no other dish."""
ROUNDS = 3
BORDER = 1 / 12
"""Share of a side that is taken for background before segmenting: food is photographed in the middle."""
SMALLEST, LARGEST = 0.05, 0.9
"""Shares of the square that food may have; beyond, there is no food or no background to speak of."""

BLUR = 1 / 10
"""Standard deviation of the blur, as a share of the photo's side: no pattern of a table survives it."""


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


def backgrounds(section: Explain, explainer: Explainer, photos: Photos) -> pd.DataFrame | None:
    """Ask about some validation photos as they are and with other backgrounds; None when there are none.

    Where at least half of the validation photos have a box, those are asked about; otherwise all, segmented.

    A row a photo: path, truth, mask (`box`, `segmentation` or `middle`), and what the network answers:
    plain; background_only, the food filled with the mean colour; food_only, all else filled with it;
    blurred, all else blurred; same and other, the food on the background of another photo of its own class,
    or of a photo of `other_class`. outside: share of the Grad-CAM map outside the mask; area: share of pixels
    there. same and other are empty where there is no such photo, outside where the map is zero.
    `same` and `other` differ in nothing but the background, so their difference is what it decides: Xiao et
    al., 2021, "Noise or Signal: The Role of Image Backgrounds in Object Recognition", arXiv:2006.09994.
    """
    rows, inputs, masks = _prepared(explainer, photos, _chosen(photos, section.background))
    if not masks:
        return None
    food = np.stack([each.food for each in masks])
    seen = explainer.seen(inputs)
    own, foreign = partners(rows["label"].to_numpy())
    vocab = np.array(photos.vocab, object)
    named = {"plain": vocab[seen.logits.argmax(1).numpy()]}
    named |= {name: vocab[explainer.answers(variant)] for name, variant in _hidden(inputs, food)}
    for name, partner in (("same", own), ("other", foreign)):
        answers = explainer.answers(swapped(inputs, food, partner))
        named[name] = np.where(partner >= 0, vocab[answers], "")
    return pd.DataFrame(
        {
            "path": rows["path"],
            "truth": rows["label"],
            "mask": [each.kind for each in masks],
            **named,
            "other_class": np.where(foreign >= 0, rows["label"].to_numpy()[foreign], ""),
            "outside": _outside(seen.maps.numpy(), food),
            "area": 1 - food.mean((1, 2)),
        }
    )


def partners(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each photo another one of its class, and one of another class; -1 where there is none.

    Drawn with a seed of their own, so that the same photos always get the same backgrounds.
    """
    random = np.random.default_rng(0)
    places = np.arange(len(labels))

    def pick(candidates: np.ndarray) -> int:
        return int(random.choice(candidates)) if len(candidates) else -1

    own = [pick(places[(labels == label) & (places != place)]) for place, label in enumerate(labels)]
    foreign = [pick(places[labels != label]) for label in labels]
    return np.array(own), np.array(foreign)


def swapped(inputs: np.ndarray, food: np.ndarray, partner: np.ndarray) -> np.ndarray:
    """Each photo's food on its partner's background, where the partner's food is filled from around it.

    inputs: (n, 3, size, size). food: (n, size, size) bool. partner: (n,) places in inputs.
    """
    behind = np.stack([np.where(food[at], spread(inputs[at], ~food[at]), inputs[at]) for at in partner])
    return np.where(food[:, None], inputs, behind)


def spread(photo: np.ndarray, known: np.ndarray) -> np.ndarray:
    """A blurred photo (3, size, size) that only the pixels in `known` (size, size) went into."""
    sigma = BLUR * known.shape[0]
    weight = known.astype(np.float32)
    total = cv2.GaussianBlur((photo * weight).transpose(1, 2, 0), (0, 0), sigma)
    share = cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]
    mean = (photo * weight).sum((1, 2)) / max(weight.sum(), 1)
    # Far from every known pixel the blur has nothing to go by.
    trust = np.minimum(share / 0.01, 1)
    return (trust * total / np.maximum(share, 1e-6) + (1 - trust) * mean).transpose(2, 0, 1)


def _hidden(inputs: np.ndarray, food: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Names and photos with a part hidden; 0 is the mean colour of what the network was trained on."""
    inside = food[:, None]
    yield "background_only", np.where(inside, np.float32(0), inputs)
    yield "food_only", np.where(inside, inputs, np.float32(0))
    blurred = np.stack([spread(photo, ~mask) for photo, mask in zip(inputs, food, strict=True)])
    yield "blurred", np.where(inside, inputs, blurred)


def _chosen(photos: Photos, count: int) -> pd.DataFrame:
    """Validation photos in turns over the classes; of copies only one, since they tell nothing new."""
    valid = photos.part("valid")
    if "group" in valid:
        valid = valid.drop_duplicates("group")
    valid = valid.assign(inside=_boxes(valid))
    boxed = valid["inside"] != ""
    valid = valid[boxed] if 2 * boxed.sum() >= len(valid) else valid.assign(inside="")
    order = valid.groupby("label").cumcount().sort_values(kind="stable").index[:count]
    return valid.loc[sorted(order)].reset_index(drop=True)


def _boxes(rows: pd.DataFrame) -> pd.Series:
    """Boxes in the photo as it is opened: one that is cut to its box has no box in it."""
    texts = rows["box"] if "box" in rows else pd.Series("", rows.index)
    return texts.where(rows["crop"] == "", "") if "crop" in rows else texts


def _prepared(
    explainer: Explainer, photos: Photos, rows: pd.DataFrame
) -> tuple[pd.DataFrame, np.ndarray, list[Mask]]:
    """Those rows whose photos have food and background, as the network takes them, and their masks."""
    kept, inputs, masks = [], [], []
    steps = explainer.preprocess
    for place, (file, text) in enumerate(zip(photos.files(rows), rows["inside"], strict=True)):
        photo = open_photo(file)
        box = tuple(map(int, text.split(","))) if text else None
        found = mask(steps.square(photo), steps.size, steps.window(photo.size), box)
        if found is not None:
            kept.append(place)
            inputs.append(steps(photo))
            masks.append(found)
    return rows.iloc[kept].reset_index(drop=True), np.array(inputs), masks


def _outside(maps: np.ndarray, food: np.ndarray) -> np.ndarray:
    """Share of each map (n, h, w) outside the food, at the photo's size; NaN for a map of zeros."""
    size = food.shape[1]
    large = np.stack([cv2.resize(each, (size, size), interpolation=cv2.INTER_LINEAR) for each in maps])
    total = large.sum((1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, (large * ~food).sum((1, 2)) / total, np.nan)
