"""How numbers are written, wherever people read them."""

from collections.abc import Callable


def percent(share: float, digits: int = 1) -> str:
    """0.9512 as 95.1 %."""
    return f"{100 * share:.{digits}f} %"


def points(share: float) -> str:
    """A difference of 0.0512 as +5.1."""
    return f"{100 * share:+.1f}"


def with_ends(value: float, low: float, high: float, shown: Callable[[float], str] = percent) -> str:
    """A value with the ends of its interval, 95.1 % (93.0 % – 97.0 %)."""
    return f"{shown(value)} ({shown(low)} – {shown(high)})"


def number(value: object) -> str:
    """A number as people read it; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 0.01 else f"{value:,.4f}".rstrip("0")
