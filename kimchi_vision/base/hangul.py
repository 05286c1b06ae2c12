"""Korean particles, whose form the sound before them decides; and reasons that tables keep in English."""

import re
from collections.abc import Mapping

_AFTER_CONSONANT = {"을(를)": "을", "이(가)": "이", "은(는)": "은", "과(와)": "과", "(으)로": "으로"}
_AFTER_VOWEL = {"을(를)": "를", "이(가)": "가", "은(는)": "는", "과(와)": "와", "(으)로": "로"}
_PARTICLE = re.compile(r"(\w)([\"'`’”)\]/]*)(을\(를\)|이\(가\)|은\(는\)|과\(와\)|\(으\)로)")
_DIGITS = dict(zip("0123456789", "영일이삼사오육칠팔구", strict=True))
_HANGUL, _ENDINGS, _RIEUL = 0xAC00, 28, 8
"""The first syllable, endings of a syllable, and the ending ㄹ, which takes 로: Unicode, chapter 3.12."""

FOREIGN = re.compile(r"(?:^|(?<=: )|(?<=; ))[^;가-힣“]*[A-Za-z]{2,} [A-Za-z]{2,}[^;가-힣“]*(?=;|$)")
"""A reason, or its end, that is not in Korean: two words or more."""
NAMES = ("reason", "reasons", "detail", "error", "why")
"""Values of templates that hold such reasons, several with `; ` between them."""


def with_particles(text: str) -> str:
    """The text with each 을(를), 이(가), 은(는), 과(와) and (으)로 in the form that the sound before takes.

    After letters whose sound is not known, such as Latin ones, both forms stay.
    """
    return _PARTICLE.sub(_chosen, text)


def _chosen(found: re.Match[str]) -> str:
    last, between, particle = found.groups()
    place = ord(_DIGITS.get(last, last)) - _HANGUL
    if not 0 <= place < 11172:
        return found[0]
    ending = place % _ENDINGS
    vowel = ending == 0 or (particle == "(으)로" and ending == _RIEUL)
    return f"{last}{between}{(_AFTER_VOWEL if vowel else _AFTER_CONSONANT)[particle]}"


class Reasons:
    """Reasons in the catalogues, which have the context `reason`, found again by their words.

    korean: English template → Korean. A template's values hold no semicolon.
    """

    def __init__(self, korean: Mapping[str, str]) -> None:
        self.known = []
        for english, said in korean.items():
            words = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^;]+?)", re.escape(english))
            # Matches a whole reason, or all of one after a colon.
            pattern = re.compile(rf"(?:^|(?<=; )|(?<=: )|(?<=\] )){words}(?=;|$)")
            self.known.append((pattern, re.sub(r"\{(\w+)\}", r"\\g<\1>", said)))

    def said(self, reasons: str) -> str:
        """The reasons with all that is known of them in Korean, and the others in quotes."""
        for pattern, said in self.known:
            reasons = pattern.sub(said, reasons.strip())
        return FOREIGN.sub(r"“\g<0>”", reasons)
