"""A map of photos: what is alike lies together, and each photo knows those most like it."""

import numpy as np
import pandas as pd
import pytest

from kimchi_vision.results import embedding
from kimchi_vision.results.embedding import FEWEST, laid_out, nearest, plane, points


@pytest.fixture
def features():
    """40 photos of two kinds, every other one of the same."""
    random = np.random.default_rng(0)
    return np.arange(40)[:, None] % 2 * 6 + random.normal(size=(40, 8)) + 3


def test_what_is_alike_lies_together_on_every_call(features):
    places = plane(features)
    assert (places.min(axis=0), places.max(axis=0)) == (pytest.approx([0, 0]), pytest.approx([1, 1]))
    assert np.array_equal(places, plane(features))
    apart = np.linalg.norm(places[:, None] - places[None], axis=2) + np.eye(40) * 9
    assert (apart.argmin(axis=1) % 2 == np.arange(40) % 2).all()


def test_the_most_similar_come_first_and_a_photo_is_not_its_own(features):
    rows, alike = nearest(features, number=3)
    assert rows.shape == (40, 3)
    assert (rows != np.arange(40)[:, None]).all()
    assert (np.diff(alike, axis=1) <= 0).all()
    rows, alike = nearest(features, features[[7]] * 2, number=99)
    assert rows.shape == (1, 40)
    assert (rows[0, 0], alike[0, 0]) == (7, pytest.approx(1))


def test_few_photos_make_no_map(features):
    paths = [f"{place}.jpg" for place in range(40)]
    assert laid_out(features[: FEWEST - 1], paths[: FEWEST - 1]) is None
    assert len(laid_out(features[:FEWEST], paths[:FEWEST])) == FEWEST


def test_a_map_of_very_many_photos_names_those_that_it_shows(features, monkeypatch):
    monkeypatch.setattr(embedding, "MOST", 21)
    table = laid_out(features, [f"{place:02}.jpg" for place in range(40)])
    kept = np.unique(np.linspace(0, 39, 21).astype(int))
    assert table["path"].tolist() == [f"{place:02}.jpg" for place in kept]
    near = [[int(row) for row in text.split()] for text in table["near"]]
    assert near == nearest(features[kept])[0].tolist()


def test_points_follow_the_photos_that_a_page_shows():
    table = pd.DataFrame(
        {"path": ["a", "b", "c"], "x": [0, 0.5, 1], "y": [1, 0, 0], "near": ["1 2", "0 2", "1"]}
    )
    assert points(table, ["c", "a"]) == [(1, 0.0, 1.0, [1]), (0, 1.0, 0.0, [])]
