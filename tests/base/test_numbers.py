import pytest

from kimchi_vision.base.numbers import number, percent, points, with_ends


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((3, "3"), (12345, "12,345"), (2.0, "2"), (True, "True"), ("text", "text")),
        *((0.004321, "0.00432"), (0.01, "0.01"), (1234.5678, "1,234.5678"), (0.5, "0.5")),
        *((-0.004321, "-0.00432"), (-1234.5, "-1,234.5")),
    ],
)
def test_a_number_is_written_as_people_read_it(value, shown):
    assert number(value) == shown


def test_shares_are_percent_and_differences_have_a_sign():
    assert (percent(0.9512), percent(0.9512, 0), points(0.0512), points(-0.0512)) == (
        "95.1 %",
        "95 %",
        "+5.1",
        "-5.1",
    )
    assert with_ends(0.5, 0.4, 0.65) == "50.0 % (40.0 % – 65.0 %)"
