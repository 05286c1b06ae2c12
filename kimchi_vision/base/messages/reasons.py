"""Reasons that tables and caches keep in English, and what the system says, in Korean where they are shown.

They stand in the catalogues with the context `reason`, and are found again by their words.
"""

import re
from collections.abc import Mapping

FOREIGN = re.compile(r"(?:^|(?<=: )|(?<=; ))[^;가-힣“]*[A-Za-z]{2,} [A-Za-z]{2,}[^;가-힣“]*(?=;|$)")
"""A reason, or its end, that is not in Korean: two words or more."""
NAMES = ("reason", "reasons", "detail", "error", "why")
"""Values of templates that hold such reasons, several with `; ` between them."""


class Reasons:
    """korean: English template → Korean. A template's values hold no semicolon."""

    def __init__(self, korean: Mapping[str, str]) -> None:
        self.known = [
            (_pattern(english), re.sub(r"\{(\w+)\}", r"\\g<\1>", said)) for english, said in korean.items()
        ]

    def said(self, reasons: str) -> str:
        """The reasons with all that is known of them in Korean, and the others in quotes."""
        for pattern, said in self.known:
            reasons = pattern.sub(said, reasons.strip())
        return FOREIGN.sub(r"“\g<0>”", reasons)


def _pattern(template: str) -> re.Pattern[str]:
    """Matches a whole reason, or all of one after a colon."""
    words = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^;]+?)", re.escape(template))
    return re.compile(rf"(?:^|(?<=; )|(?<=: )|(?<=\] )){words}(?=;|$)")
