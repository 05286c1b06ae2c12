"""Pages that open offline, all of one design: templates to HTML, in which all that is brought is escaped."""

from __future__ import annotations

from typing import Any

from kimchi_vision.base.messages import TEXTS, Language, catalogue


def render(package: str, template: str, lang: Language, **view: Any) -> str:
    """A page as text. package: the one in whose folder `templates` the template lies, such as __name__."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader(__name__)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, points=points, number=number)
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
