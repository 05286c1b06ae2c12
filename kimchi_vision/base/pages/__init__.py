"""Pages that open offline, all of one design: templates to HTML, in which all that is brought is escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kimchi_vision.base.messages import TEXTS, Language, catalogue
from kimchi_vision.base.numbers import number, percent, points

if TYPE_CHECKING:
    from markupsafe import Markup


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
    environment.filters.update(percent=percent, points=points, number=number, marked=marked)
    text = catalogue(lang)
    page = environment.get_template(template).render(
        lang=lang, t=text, label=lambda key: text(key) if key in TEXTS else key, **view
    )
    return re.sub(r"(?<=\d) (?=%)", "\N{NO-BREAK SPACE}", page)


def marked(sentence: str) -> Markup:
    """A sentence whose `code` is set as such, and whose paths and names break at / and _."""
    from markupsafe import Markup, escape

    broken = re.sub(r"([/_])(?=\w)", r"\1<wbr>", str(escape(sentence)))
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", broken))
