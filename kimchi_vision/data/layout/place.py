"""A folder of photos on the way to its class, and the wrappers around it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from kimchi_vision.base.sentence import Note
from kimchi_vision.data import names


@dataclass
class Place:
    """A folder that photos lie in, or that holds none and nothing below it.

    spot: the names that are left of its path when wrappers and parts are taken away; () for photos that lie
    beside class folders. photos: how many lie right in it. part: train, valid, test or "", as the folder
    parted_by says.
    """

    folder: str
    spot: tuple[str, ...]
    photos: int
    part: str = ""
    parted_by: str = ""


def unwrapped(places: list[Place]) -> list[Place]:
    """`places` below the first folder at which they part: one top folder of several is no class."""
    while True:
        tops = {place.spot[0] for place in places if place.spot and not is_other(place)}
        below = {place.spot[1] for place in places if len(place.spot) > 1 and place.photos}
        direct = any(place.photos and len(place.spot) == 1 for place in places)
        if len(tops) != 1 or not below or _is_one_class(below, direct):
            return places
        (top,) = tops
        for place in places:
            place.spot = place.spot[1:] if place.spot[:1] == (top,) else ()
        places = [place for place in places if place.spot or place.photos]


def _is_one_class(below: set[str], direct: bool) -> bool:
    """Whether the folders in a lone top folder are collections of its photos, rather than classes."""
    collections = all(
        names.is_collection(name) and not names.is_wrapper(name) and not name.isdecimal() for name in below
    )
    return collections or (direct and len(below) == 1 and not names.part_of(next(iter(below))))


def without_wrappers(places: list[Place]) -> list[Place]:
    """`places` without folders that only wrap a part's classes: 원천데이터, images, seg_train/seg_train."""
    for part in {place.part for place in places}:
        inside = [place for place in places if place.part == part]
        while True:
            tops = {place.spot[:1] for place in inside if place.photos and place.spot}
            leaves = any(place.photos and len(place.spot) == 1 for place in inside)
            top = next(iter(tops)) if len(tops) == 1 and not leaves else ()
            if not top or not names.is_wrapper(top[0]):
                break
            for place in inside:
                place.spot = place.spot[1:] if place.spot[:1] == top else ()
    _say_parts_once(places)
    for place in places:
        while len(place.spot) > 1 and place.spot[0] == place.spot[1]:
            place.spot = place.spot[1:]
    return [place for place in places if place.spot or place.photos]


def _say_parts_once(places: list[Place]) -> None:
    """Take the part's own word out of names below it, as in Training/TS_김치 and Validation/VS_김치.

    Only where a part has no class of train as they are, and one after it.
    """
    before = {place.folder: place.spot for place in places}
    after = {at.folder: tuple(filter(None, (_without(at.part, name) for name in at.spot))) for at in places}
    if any(
        _strange(places, before, part) and not _strange(places, after, part) for part in ("valid", "test")
    ):
        for place in places:
            place.spot = after[place.folder]


def _without(part: str, name: str) -> str:
    said, rest = names.divided(name)
    return rest if part and said == part else name


def _strange(places: list[Place], spots: dict[str, tuple[str, ...]], part: str) -> bool:
    """Whether a part has folders, and none of those of train."""
    tops = [
        {spots[at.folder][:1] for at in places if at.photos and at.part == each} for each in ("train", part)
    ]
    return bool(tops[1]) and not (tops[0] & tops[1]) - {()}


def is_other(place: Place) -> bool:
    """Whether a folder without photos is none that anyone would take for a class."""
    last = place.spot[-1] if place.spot else ""
    empty = not place.spot or any(map(names.is_no_class, place.spot))
    return not place.photos and bool(empty or names.is_wrapper(last) or names.part_of(last))


def of(places: Iterable[Place], top: str) -> list[Place]:
    """The places below a top folder."""
    return [place for place in places if place.spot[:1] == (top,)]


def left(key: str, places: Iterable[Place], name: str = "") -> Note:
    """A note that these places are set aside; `name` stands for them, else the folders with most photos."""
    places = list(places)
    folders = Counter({place.folder or ".": place.photos for place in places}).most_common(3)
    shown = name or ", ".join(folder for folder, count in folders if count)
    return key, {"folder": shown, "count": sum(place.photos for place in places)}
