"""Templates to HTML: everything that a run brings is escaped."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from kimchi_vision.base.messages import TEXTS, Language, catalogue


def render(template: str, lang: Language, **view: Any) -> str:
    """A page as text."""
    environment = Environment(
        loader=PackageLoader("kimchi_vision.results.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, points=points, number=number, of_epoch=of_epoch)
    text = catalogue(lang)
    return environment.get_template(template).render(
        lang=lang, t=text, label=lambda key: text(key) if key in TEXTS else key, **view
    )


def percent(share: float) -> str:
    """0.9512 as 95.1%."""
    return f"{share:.1%}"


def points(share: float) -> str:
    """A difference of 0.0512 as +5.1."""
    return f"{100 * share:+.1f}"


def number(value: Any) -> str:
    """A number as people read it; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 0.01 else f"{value:,.4f}".rstrip("0")


def of_epoch(value: Any, column: str) -> str:
    """A value of the epoch table, with the same number of digits all down its column."""
    if not isinstance(value, float):
        return str(value)
    kind = ".1e" if column.startswith("lr") else ".1f" if column == "seconds" else ".4f"
    return f"{value:{kind}}"
