import numpy as np

from kimchi_vision.deploy.server.about import GRID, covered, heat


def test_every_pixel_is_covered_and_each_copy_in_one_place():
    photo = np.ones((3, 28, 28), np.float32)
    copies = np.stack(covered(photo))
    assert copies.shape == (GRID * GRID, 3, 28, 28)
    assert (copies.min(axis=0) == 0).all()
    # 28 pixels hold 7 places of 4; a covering is 8 wide, less at the border.
    assert (copies[24] == 0).sum() == 3 * 8 * 8
    assert (photo == 1).all()


def test_heat_is_highest_where_covering_costs_most():
    rows = np.tile([0.9, 0.1], (GRID * GRID, 1))
    rows[10], rows[11], rows[12] = (0.1, 0.9), (0.5, 0.5), (0.95, 0.05)
    found = heat(np.array([0.9, 0.1]), rows)
    assert found.shape == (GRID, GRID)
    assert (found.reshape(-1)[10], found.reshape(-1)[12], found.min()) == (1, 0, 0)
    assert 0 < found.reshape(-1)[11] < 1


def test_where_nothing_counts_there_is_no_heat():
    assert not heat(np.array([1.0, 0.0]), np.tile([1.0, 0.0], (GRID * GRID, 1))).any()
