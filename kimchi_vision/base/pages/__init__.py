"""Pages that open offline, all of one design: templates to HTML, in which all that is brought is escaped."""

from __future__ import annotations

from kimchi_vision.base.messages import TEXTS, Language, catalogue
from kimchi_vision.base.numbers import number, percent, points


def render(package: str, template: str, lang: Language, **view: object) -> str:
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
