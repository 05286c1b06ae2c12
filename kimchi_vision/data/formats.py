"""Kinds of picture: endings and first bytes that tell them, and what to do about one without a reader."""

import importlib
from collections.abc import Mapping
from pathlib import PurePath

from PIL import Image

from kimchi_vision.base.extras import install

HEIF = frozenset((".heic", ".heif", ".hif"))
JXL = frozenset((".jxl",))
RAW = frozenset(
    (".dng", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw", ".raw", ".3fr")
)
"""Endings of cameras' raw files. Pillow takes some of them for TIFF and would give their little preview."""
RAW_FILE = "a camera's raw file: save it as JPEG or TIFF with the program that developed it"
DECODED = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".avif")
)
SUFFIXES = DECODED | HEIF | JXL | RAW
"""Endings that count as photos; content decides how one is read, so a wrong one among them does no harm."""
NEVER_PHOTOS = frozenset(
    (".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".md", ".html", ".properties", ".py")
)
"""Endings of files that are not looked into."""

_PLUGINS = {"HEIF": ("pillow_heif", "register_heif_opener"), "JXL": ("pillow_jxl", None)}
_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"II*\0", b"MM\0*")
_JXL_STARTS = (b"\xff\x0a\xff", b"\xff\x0a", b"\0\0\0\x0cJXL ")
_RAW_STARTS = (b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FUJIFILMCCD-RAW", b"FOVb")
_SUBFILE, _PHOTOMETRIC, _SUB_IFDS, _DNG = 254, 262, 330, 50706
HEAD = 32
"""Bytes of a file that `looks_like_photo` wants."""


def plugins() -> set[str]:
    """Formats that installed packages beside Pillow decode; their openers are registered."""
    ready = set()
    for kind, (module, register) in _PLUGINS.items():
        try:
            plugin = importlib.import_module(module)
        except ImportError:
            continue
        if register:
            getattr(plugin, register)()
        ready.add(kind)
    return ready & Image.OPEN.keys()


def usable(formats: tuple[str, ...]) -> list[str]:
    """Those of `formats` that this process decodes: an exported learner may be loaded with fewer readers."""
    Image.init()
    if not set(formats) <= Image.OPEN.keys():
        plugins()
    return [kind for kind in formats if kind in Image.OPEN]


def looks_like_photo(head: bytes) -> bool:
    """Whether a file that begins so is a picture of a kind that SUFFIXES name."""
    return (
        head.startswith(_STARTS)
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or (head[:2] == b"BM" and head[6:10] == b"\0\0\0\0")
        or (head[4:8] == b"ftyp" and head[8:12] in (*_BRANDS, b"avif", b"avis"))
        or head.startswith(_JXL_STARTS)
    )


def without_reader(name: str, head: bytes = b"") -> str:
    """Why a file of this name or beginning is not decoded, and what to do; "" when nothing is known of it.

    A raw file is told by its name too; for all others the beginning counts, since endings lie.
    """
    ending = PurePath(name).suffix.lower()
    if ending in RAW or is_raw(head):
        return RAW_FILE
    if head[4:8] == b"ftyp" and head[8:12] in _BRANDS:
        return f"HEIC, which needs a reader: {install('heif')}, or save it as JPEG"
    if head.startswith(_JXL_STARTS):
        return "JPEG XL, which needs a reader: pip install pillow-jxl-plugin, or save it as JPEG"
    return ""


def is_raw(head: bytes) -> bool:
    """Whether a file that begins so is a camera's raw file of a kind that is no plain TIFF."""
    canon = (head[:4] == b"II*\0" and head[8:10] == b"CR") or head[4:12] == b"ftypcrx "
    return canon or head.startswith(_RAW_STARTS)


def is_raw_tiff(tags: Mapping[int, object]) -> bool:
    """Whether the first picture of a TIFF is the preview of raw ones, as in DNG, NEF and ARW."""
    preview = tags.get(_SUBFILE) == 1 and _SUB_IFDS in tags
    return _DNG in tags or tags.get(_PHOTOMETRIC) in (32803, 34892) or preview
