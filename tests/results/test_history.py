import pandas as pd
import pytest

from kimchi_vision.results.candidates import overfits_from


@pytest.mark.parametrize(
    ("train", "valid", "first"),
    [
        ([3, 2, 1, 0.5], [2, 1, 1.5, 1.2], 3),
        ([3, 2, 1], [3, 2, 1], None),
        ([3, 2, 2.5], [2, 1, 1.5], None),
        ([], [], None),
    ],
)
def test_overfits_from(train, valid, first):
    assert overfits_from(pd.DataFrame({"train_loss": train, "valid_loss": valid})) == first
