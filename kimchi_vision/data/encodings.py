"""The encoding of names and tables that do not say it: the one in which they read most like names."""

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.sentence import Sentence, Sentences

LOST = "437"
"""Where no encoding fits: each byte is a character of its own. Where cp437 itself fits, that is its name."""
DOUBLE = ("cp949", "gbk", "cp932", "big5")
SINGLE = {"cp1252": "LATIN", "cp850": "LATIN", "cp437": "LATIN", "cp866": "CYRILLIC"}
"""Encodings of one byte a letter, with the script of their letters."""
LEAST = 0.5
"""Share of common letters in a reading that is one at all."""
CLEAR = 0.6
"""Logarithm of how much likelier a reading must be than the next: below, it is asked for."""
COMMON = 10
"""Weight of the share of common letters beside the logarithm of chardet's confidence."""
INITIALS = (13, 0.8, 7, 9, 0.8, 8, 6, 6, 0.5, 10, 1, 20, 10, 0.8, 3, 2, 3, 2.5, 7)
VOWELS = (20, 6, 1.5, 0.1, 10, 5, 5, 1, 10, 2, 0.2, 1, 2, 9, 0.5, 0.1, 1, 2, 9, 2, 17)
FINALS = (
    50, 7, 0.2, 0.2, 13, 0.2, 0.3, 0.5, 9, 0.1, 0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 5, 4, 0.3, 3, 1, 10, 0.3, 0.5,
    0.2, 0.5, 0.5, 0.3,
)  # fmt: skip
"""Roughly, percent of Korean syllables with each jamo, in Unicode's order."""


@dataclass(frozen=True)
class Guess:
    """An encoding, and one that is about as likely and reads otherwise, or ""."""

    encoding: str
    rival: str = ""

    def check(self, source: object, texts: Sequence[bytes], remedy: Sentence) -> None:
        """Raise DataError, which shows both readings of `texts`, when there is a rival."""
        if self.rival:
            shown = sorted({text for text in texts if not text.isascii()})[:3]
            names = (self.encoding, self.rival)
            ways = (f"{', '.join(text.decode(name) for text in shown)} ({name})" for name in names)
            what = "{source} does not say its encoding; it may hold {ways}. {remedy}"
            raise DataError(what, source=source, ways=Sentences(ways, " or "), remedy=remedy)


def detect(texts: Sequence[bytes]) -> Guess:
    """The likeliest encoding of all of `texts` together, such as the names in one archive.

    Likelihood: share of letters that are common in the script of an encoding, how confident chardet's models
    of languages are, and how usual Hangul syllables are; the more texts, the surer.
    """
    texts = sorted({text for text in texts if not text.isascii()})
    if not texts:
        return Guess("ascii")
    if _is_utf8(texts):
        return Guess("utf-8")
    shares = {name: share for name in (*DOUBLE, *SINGLE) if (share := _common(texts, name)) is not None}
    if max(shares.values(), default=0) < LEAST:
        return Guess(LOST)
    models = _models(texts)
    scores = {name: COMMON * share + models.get(name, math.log(1e-4)) for name, share in shares.items()}
    if "cp949" in scores:
        scores["cp949"] += _usual("".join(text.decode("cp949") for text in texts))
    best = max(scores, key=scores.__getitem__)
    near = [name for name in scores if scores[name] > scores[best] - CLEAR]
    rivals = (name for name in near if any(text.decode(name) != text.decode(best) for text in texts))
    return Guess(best, next(rivals, ""))


def _is_utf8(texts: Sequence[bytes]) -> bool:
    """Valid UTF-8; by chance, Hangul in cp949 can be valid too, as letters of two bytes."""
    try:
        read = "".join(text.decode("utf-8") for text in texts)
    except UnicodeDecodeError:
        return False
    return any(letter >= "\u0800" for letter in read) or (_common(texts, "cp949") or 0) < 1


def _common(texts: Sequence[bytes], encoding: str) -> float | None:
    """Share of letters that are common in the encoding's script, 0 to 1; None where a text is invalid."""
    try:
        read = [text.decode(encoding) for text in texts]
    except UnicodeDecodeError:
        return None
    letters = [_is_common(letter, encoding) for text in read for letter in text if not letter.isascii()]
    whole = [_is_whole(text, encoding) for text in read]
    return sum(letters) / len(letters) * sum(whole) / len(whole)


def _is_common(letter: str, encoding: str) -> bool:
    """Whether a letter lies where an encoding has those in daily use: KS X 1001, level 1 of GB 2312, ..."""
    if encoding in SINGLE:
        return unicodedata.name(letter, "").startswith(SINGLE[encoding])
    try:
        first, second = letter.encode(encoding)
    except (UnicodeEncodeError, ValueError):
        return False
    return {
        "cp949": 0xB0 <= first <= 0xC8 and second >= 0xA1,
        "gbk": 0xB0 <= first <= 0xD7 and second >= 0xA1,
        "cp932": first in (0x82, 0x83) or 0x88 <= first <= 0x97 or letter == "ー",
        "big5": 0xA4 <= first <= 0xC6,
    }[encoding]


def _is_whole(text: str, encoding: str) -> bool:
    """Whether words do not change script within, and capitals and ß stand where they may."""
    if encoding in DOUBLE:
        return not re.search(r"[A-Za-z][^\x00-\x7f]|[^\x00-\x7f][A-Za-z]", text)
    words = re.findall(r"[^\W\d_]+", text)
    latin = SINGLE[encoding] == "LATIN"
    return all(
        (word.islower() or word.isupper() or word.istitle())
        and not re.search("(?<![aeiouyäöü])ß", word)
        and not (latin and not word.isascii() and 2 * sum(map(str.isascii, word)) < len(word))
        for word in words
    )


def _models(texts: Sequence[bytes]) -> dict[str, float]:
    """Logarithms of chardet's confidence, by our name of the encoding."""
    import chardet

    asked = {"include_encodings": [*DOUBLE, *SINGLE], "no_match_encoding": DOUBLE[0]}
    found = chardet.detect_all(b"\n".join(texts), ignore_threshold=True, compat_names=False, **asked)
    ours = {"gb18030": "gbk", "big5hkscs": "big5"}
    names = [ours.get(each["encoding"], each["encoding"]) for each in found]
    return {name: math.log(each["confidence"] + 1e-4) for name, each in zip(names, found, strict=True)}


def _usual(text: str) -> float:
    """How usual the Hangul syllables of a text are: mean log-likelihood against any of 2,350."""
    ratios = []
    for letter in filter(lambda letter: not letter.isascii(), text):
        place = ord(letter) - ord("가")
        if 0 <= place < 11172:
            share = INITIALS[place // 588] * VOWELS[place % 588 // 28] * FINALS[place % 28] / 1e6
        ratios.append(math.log(share * 2350) if 0 <= place < 11172 else math.log(0.01))
    return (sum(ratios) / len(ratios) + 0.5) * min(len(ratios), 12) ** 0.5
