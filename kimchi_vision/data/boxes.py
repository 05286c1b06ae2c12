"""Boxes around the food, from the crop_area.properties files of AI Hub's food photos."""

from __future__ import annotations

import re
from dataclasses import dataclass

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the upright photo."""

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Boxes:
    """Boxes as written, by the lower-case stem of the photo, and the lines that make no sense."""

    areas: dict[str, tuple[float, float, float, float]]
    ignored: tuple[str, ...]

    def of(self, stem: str, size: tuple[int, int]) -> Box | None:
        """The box of a photo within its (width, height); None when none is given or it is outside."""
        area = self.areas.get(stem.lower())
        if area is None:
            return None
        x, y, width, height = area
        left, top = max(0, round(x)), max(0, round(y))
        right, bottom = min(size[0], round(x + width)), min(size[1], round(y + height))
        return (left, top, right, bottom) if right > left and bottom > top else None


def read_boxes(content: bytes) -> Boxes:
    """Read `name=x,y,width,height` lines, in every form that the data set holds.

    Two numbers, and numbers after an empty field or a word, are width and height from the top left corner;
    text after the numbers is passed over.
    """
    areas, ignored = {}, []
    for line in _text(content).splitlines():
        name, equals, value = line.strip().partition("=")
        if not equals or name.startswith("#"):
            ignored += [line] if line.strip() and not name.startswith("#") else []
            continue
        numbers = [float(number) for number in _NUMBER.findall(value)]
        starts_with_x = bool(_NUMBER.match(value.strip()))
        if starts_with_x and len(numbers) >= 4:
            areas[name.strip().lower()] = tuple(numbers[:4])
        elif len(numbers) == 2 or (not starts_with_x and len(numbers) >= 2):
            areas[name.strip().lower()] = (0, 0, numbers[0], numbers[1])
        else:
            ignored.append(line)
    return Boxes(areas, tuple(ignored))


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp949", errors="replace")
