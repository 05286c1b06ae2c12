"""Where a model looks, without its gradients: places are covered one by one.

Source: Zeiler and Fergus, 2014, "Visualizing and Understanding Convolutional Networks", arXiv:1311.2901.
"""

import numpy as np

GRID = 7
"""Places along a side; a covering reaches half a place beyond its own on each side."""


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
