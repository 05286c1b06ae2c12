"""What commands print, in the system's language."""

from __future__ import annotations

from kimchi_vision.base.messages import catalogue, language


def say(key: str, **values: object) -> str:
    """A text of the catalogues, or a template, with its values."""
    return catalogue(language("auto"))(key, **values)
