"""The font that draws Hangul: $KIMCHI_FONT, the system's, or the one that the `train` extra brings."""

import contextlib
import functools
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import matplotlib
from matplotlib import font_manager

logger = logging.getLogger(__name__)

SYSTEM_FONTS = (
    "NanumGothic", "Nanum Gothic", "NanumBarunGothic", "Noto Sans KR", "Noto Sans CJK KR",
    "Noto Sans CJK JP",  # the first face of the collection; every face of it has all of Hangul
    "Pretendard", "Malgun Gothic", "Apple SD Gothic Neo", "AppleGothic", "UnDotum",
)  # fmt: skip
HOW_TO_GET_ONE = (
    "No font with Hangul was found, so Korean names appear as boxes in the figures. Get one with "
    "`pip install pylopdf-fonts-ko` or `apt install fonts-nanum`, or name a .ttf or .otf file in KIMCHI_FONT."
)


@contextlib.contextmanager
def hangul() -> Iterator[None]:
    """Text made inside, with or without pyplot, shows Hangul where a font for it can be found."""
    # Latin first: Korean fonts lack signs that log axes need. A missing glyph comes from the next font.
    # The one key alone: a notebook's backend, which may load inside, switches others on for good.
    before = matplotlib.rcParams["font.family"]
    matplotlib.rcParams["font.family"] = families()
    try:
        yield
    finally:
        matplotlib.rcParams["font.family"] = before


@functools.cache
def families() -> list[str]:
    """Names for matplotlib's `font.family`. Warns once when there is no font with Hangul."""
    name = _given() or _of_the_system() or _of_the_package()
    if name is None:
        logger.warning(HOW_TO_GET_ONE)
        return ["DejaVu Sans"]
    return ["DejaVu Sans", name]


def _given() -> str | None:
    path = os.environ.get("KIMCHI_FONT")
    if not path:
        return None
    try:
        return _add(Path(path))
    except (OSError, RuntimeError) as error:
        logger.warning("KIMCHI_FONT: %s is no font file that can be read (%s); another is used.", path, error)
        return None


def _of_the_system() -> str | None:
    known = {font.name for font in font_manager.fontManager.ttflist}
    for name in SYSTEM_FONTS:
        if name in known:
            return name
    # matplotlib keeps its list on disk and does not see fonts installed later.
    stems = tuple(name.replace(" ", "").lower() for name in SYSTEM_FONTS)
    for path in sorted(font_manager.findSystemFonts()):
        if Path(path).stem.replace("-", "").lower().startswith(stems):
            return _add(Path(path))
    return None


def _of_the_package() -> str | None:
    try:
        import pylopdf_fonts_ko
    except ImportError:
        return None
    return _add(pylopdf_fonts_ko.sans_path())


def _add(path: Path) -> str:
    name = font_manager.get_font(path).family_name
    font_manager.fontManager.addfont(path)
    return name
