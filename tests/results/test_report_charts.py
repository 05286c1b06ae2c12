"""Places on a page's charts, per cent of an axis."""

import pytest

from kimchi_vision.results.report import charts


def test_an_axis_of_shares_ends_at_round_numbers_within_0_and_1():
    axis = charts.shares([0.84, 0.92, 1.0])
    assert (round(axis.low, 3), axis.high) == (0.8, 1.0)
    assert [label for _, label in axis.ticks] == ["80 %", "85 %", "90 %", "95 %", "100 %"]
    assert axis.at(0.9) == pytest.approx(50)
    assert charts.shares([1.0]).high == 1.0  # one value alone has room around it, but none above 1


def test_a_value_beyond_the_axis_stays_at_its_end():
    axis = charts.axis([0, 10], "{:g}".format)
    assert (axis.at(-5), axis.at(25)) == (0, 100)


def test_epochs_are_whole_numbers_and_each_has_room():
    axis = charts.whole(1, 3, "{:.0f}".format)
    assert [label for _, label in axis.ticks] == ["1", "2", "3"]
    assert axis.at(1) == pytest.approx(100 / 6, abs=0.01)


def test_numbers_of_photos_stand_on_the_axis_themselves():
    axis = charts.counts([40, 400, 4000])
    assert [label for _, label in axis.ticks] == ["40", "400", "4,000"]
    assert axis.at(400) == pytest.approx(50)


def test_rates_have_powers_of_ten():
    axis = charts.rates([1e-5, 1e-1])
    assert [label for _, label in axis.ticks] == ["1e-05", "0.0001", "0.001", "0.01", "0.1"]
    assert axis.at(1e-3) == pytest.approx(50)
