"""The quick form of benchmarks/promises.py: few trials in every cell, taken together."""

import pytest

from benchmarks import promises

COVERED = (0.93, 0.975)


@pytest.mark.parametrize(
    ("name", "trials", "now", "before"),
    [
        ("accuracy", 3, COVERED, (0, 0.92)),
        ("macro", 4, (0.92, 0.995), (0, 1)),
        ("better", 4, (0, 0.05), (0.1, 1)),
        ("met", 2, (0, 0.08), (0.15, 1)),
        ("exceeded", 10, (0, 0.05), (0.15, 1)),
        ("calibration", 2, (0.88, 1), (0, 1)),
        ("different", 16, (0, 0.05), (0.06, 1)),
        ("label sets", 20, (0.93, 0.98), (0, 0.95)),
    ],
)
def test_what_was_broken_before_is_kept_now(name, trials, now, before):
    found = promises.table(trials, (name,))
    spoken = found.dropna(subset=["now"])
    shares = [(spoken[when] * spoken["spoke"]).sum() / spoken["spoke"].sum() for when in ("now", "before")]
    for share, (least, most) in zip(shares, (now, before), strict=True):
        assert least <= share <= most, found.to_string()
    table = promises.summary(found, trials)
    assert {"before min", "now min", "spoke"} <= set(table)
    assert len(table) == spoken["promise"].nunique()
