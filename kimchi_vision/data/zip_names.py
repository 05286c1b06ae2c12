"""Names in archives as text: what the archive says of them, else what they most likely are.

The order for a zip: its UTF-8 flag; Info-ZIP's Unicode path field (0x7075, section 4.6.9 of PKWARE's
APPNOTE), where its checksum fits the raw name; ASCII; else encodings.detect with all other names of the
archive, and of those around it, as evidence.
"""

import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.data.encodings import LOST, detect

UTF8_FLAG = 0x800
UNICODE_PATH = 0x7075


@dataclass
class Names:
    """Decodes names, and remembers how.

    forced: the encoding to take for names that do not say theirs. guessed: a name by the encoding that was
    detected for it. evidence: raw names without a stated encoding, so far.
    """

    forced: str | None = None
    guessed: dict[str, list[str]] = field(default_factory=dict)
    evidence: list[bytes] = field(default_factory=list)

    def of_zip(self, infos: Sequence[zipfile.ZipInfo], source: object) -> list[str]:
        """The names of a zip's files, in their order."""
        raws = [_raw(info) for info in infos]
        stated = list(map(_stated, infos, raws))
        found = iter(self.of_raw([*compress(raws, [name is None for name in stated])], source))
        return [next(found) if name is None else name for name in stated]

    def of_raw(self, raws: Sequence[bytes], source: object) -> list[str]:
        """Names that say no encoding. Raises DataError when two are about as likely, or none is."""
        parts = {part for raw in raws for part in raw.replace(b"\\", b"/").split(b"/") if not part.isascii()}
        if not parts:
            return [raw.decode("ascii") for raw in raws]
        if self.forced is not None:
            return [_forced(raw, self.forced, source) for raw in raws]
        others = [raw for raw in raws if not _is_utf8(raw)]
        if others and any(detect([raw]).encoding == "utf-8" for raw in raws if _is_utf8(raw)):
            rest = iter(self.of_raw(others, source))  # packed on two systems
            return [raw.decode("utf-8") if _is_utf8(raw) else next(rest) for raw in raws]
        guess = detect([*self.evidence, *parts])
        if guess.encoding == LOST:
            unknown = (
                "{source} does not say the encoding of its names, and none that is known here fits: {shown}. "
                "Give the right one, as `--encoding cp1251` does."
            )
            raise DataError(
                unknown, source=source, shown=", ".join(part.decode(LOST) for part in sorted(parts)[:3])
            )
        self.evidence += parts
        remedy = "Give --encoding {one} or --encoding {other}."
        guess.check(source, sorted(parts), Sentence(remedy, one=guess.encoding, other=guess.rival))
        if guess.encoding != "utf-8":
            shown = [part.decode(guess.encoding) for part in sorted(parts)]
            self.guessed.setdefault(guess.encoding, []).extend(shown)
        return [raw.decode(guess.encoding) for raw in raws]


def _raw(info: zipfile.ZipInfo) -> bytes:
    """The bytes of a name; `filename` is what Python made of them, which differs from version to version."""
    name = info.orig_filename.split("\0")[0]
    return name.encode("utf-8" if info.flag_bits & UTF8_FLAG else "cp437")


def _stated(info: zipfile.ZipInfo, raw: bytes) -> str | None:
    """The name by its flag or its Unicode path field; None where neither says it. Raises BadZipFile."""
    if info.flag_bits & UTF8_FLAG:
        return raw.decode("utf-8")
    extra = info.extra
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        content, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == UNICODE_PATH:
            try:
                version, checksum = struct.unpack("<BL", content[:5])
                if version == 1 and checksum == zlib.crc32(raw) and content[5:]:
                    return content[5:].decode("utf-8")
            except (struct.error, UnicodeDecodeError):
                # As Python from 3.12 on has it, before a name can be asked for.
                raise zipfile.BadZipFile("a Unicode path field makes no sense") from None
    return None


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _forced(raw: bytes, encoding: str, source: object) -> str:
    try:
        return raw.decode(encoding)
    except LookupError:
        raise DataError(
            "There is no encoding {encoding}; cp949, gbk, cp932, cp850 are some.", encoding=encoding
        ) from None
    except UnicodeDecodeError:
        shown = raw.decode(encoding, errors="replace")
        other = "{source}: the name {shown} is not in {encoding}; try another --encoding."
        raise DataError(other, source=source, shown=shown, encoding=encoding) from None
