"""Photos as points: what a network finds alike lies together. No torch."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

FEWEST = 20
"""Photos below which a map shows nothing."""
MOST = 2000
"""Photos of a map, evenly over those that there are."""
NEAR = 6
"""Photos that are shown as the most similar."""
COMPONENTS = 50
"""Directions of features that are kept: those in which photos differ most."""


def laid_out(features: np.ndarray, paths: Sequence[str]) -> pd.DataFrame | None:
    """Photos as a map: columns path, x, y (0 to 1) and near (rows of the table, most similar first).

    features: (photos, features), one row a path. None for fewer than FEWEST photos.
    """
    if len(paths) < FEWEST:
        return None
    some = np.unique(np.linspace(0, len(paths) - 1, MOST).astype(int))
    places, (near, _) = plane(features[some]), nearest(features[some])
    table = pd.DataFrame({"path": np.asarray(paths, object)[some], "x": places[:, 0], "y": places[:, 1]})
    return table.round(4).assign(near=[" ".join(map(str, row)) for row in near])


def points(table: pd.DataFrame, paths: Sequence[str]) -> list[tuple[int, float, float, list[int]]]:
    """What photo_map.html draws: the place of each photo in `paths`, x, y, and the most similar points.

    table: as laid_out made it; a photo that is not in paths is left out.
    """
    places = {path: place for place, path in enumerate(paths)}
    table = table[table["path"].isin(places)]
    number = {row: place for place, row in enumerate(table.index)}
    found = []
    for row in table.itertuples():
        near = [number[other] for other in map(int, str(row.near).split()) if other in number]
        found.append((places[row.path], float(row.x), float(row.y), near))
    return found


def plane(features: np.ndarray) -> np.ndarray:
    """Places of photos in a plane, (photos, 2), 0 to 1; the same on every call.

    t-SNE: neighbours stay neighbours, while distances between heaps mean nothing. van der Maaten and Hinton,
    2008, JMLR 9:2579; started from principal components, as Kobak and Berens, 2019, Nature Communications
    10:5416, recommend.
    """
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(features) - 1) / 3)
    found = TSNE(perplexity=perplexity, init="pca", random_state=0, n_jobs=1).fit_transform(reduced(features))
    found -= found.min(axis=0)
    return found / np.maximum(found.max(axis=0), 1e-9)


def reduced(features: np.ndarray) -> np.ndarray:
    """Features in at most COMPONENTS principal directions."""
    from sklearn.decomposition import PCA

    kept = min(COMPONENTS, *features.shape)
    return PCA(kept, svd_solver="full" if kept < COMPONENTS else "auto", random_state=0).fit_transform(
        features
    )


def nearest(
    features: np.ndarray, asked: np.ndarray | None = None, number: int = NEAR
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the most similar photos, most similar first, and their cosine similarity, -1 to 1.

    asked: features of other photos; by default the same, each without itself. Shapes (asked, number).
    """
    own = _directions(features)
    alike = (own if asked is None else _directions(asked)) @ own.T
    if asked is None:
        np.fill_diagonal(alike, -np.inf)
    rows = np.argsort(-alike, axis=1, kind="stable")[:, : min(number, len(own) - (asked is None))]
    return rows, np.take_along_axis(alike, rows, axis=1)


def _directions(features: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.maximum(lengths, 1e-12)
