"""Korean particles, whose form the sound before them decides: 김치를, 밥을."""

import re

_AFTER_CONSONANT = {"을(를)": "을", "이(가)": "이", "은(는)": "은", "과(와)": "과", "(으)로": "으로"}
_AFTER_VOWEL = {"을(를)": "를", "이(가)": "가", "은(는)": "는", "과(와)": "와", "(으)로": "로"}
_PARTICLE = re.compile(r"(\w)([\"'`’”)\]/]*)(을\(를\)|이\(가\)|은\(는\)|과\(와\)|\(으\)로)")
_DIGITS = dict(zip("0123456789", "영일이삼사오육칠팔구", strict=True))
_HANGUL, _ENDINGS, _RIEUL = 0xAC00, 28, 8
"""The first syllable, endings of a syllable, and the ending ㄹ, which takes 로: Unicode, chapter 3.12."""


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
