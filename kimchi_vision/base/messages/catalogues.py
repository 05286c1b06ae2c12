"""The gettext catalogues in this folder: .po files that any translator's program opens."""

import json
import re
from functools import cache
from pathlib import Path

_TEXT = '((?:".*"\n)+)'
_ENTRY = re.compile(rf"^(?:msgctxt {_TEXT})?msgid {_TEXT}msgstr {_TEXT}", re.MULTILINE)


@cache
def read(folder: str) -> dict[tuple[str, str], str]:
    """Context, or "", and English → Korean, of all files in a folder.

    Read here, as far as these files go: Babel reads for longer than all of --help takes.
    """
    found: dict[tuple[str, str], str] = {}
    for file in sorted((Path(__file__).parent / folder).glob("*.po")):
        for parts in _ENTRY.findall(file.read_text(encoding="utf-8")):
            context, english, said = ("".join(map(json.loads, part.splitlines())) for part in parts)
            if english:  # the head of a file has none
                found[context, english] = said
    return found
