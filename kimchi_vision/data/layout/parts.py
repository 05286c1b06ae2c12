"""Folders on the way to their classes: wrappers around them, and parts: train/CLASS, CLASS_train."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from kimchi_vision.base.sentence import Note
from kimchi_vision.data import names
from kimchi_vision.data.layout.reading import NAMINGS, UndecidedError


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


def parted(places: list[Place], layout: str) -> tuple[list[Place], list[Note]]:
    """`places` with their part, without the folders that give it; photos set aside are taken away."""
    places, aside = _without_drawn(places, layout)
    tops = {place.spot[0] for place in places if place.spot and place.photos}
    deep = {place.spot[0] for place in places if len(place.spot) > 1 and place.photos}
    if any(names.part_of(top) == "train" for top in deep):
        kept, more = _below_parts(places, deep, layout)
    elif any(names.part_of(place.spot[1]) for place in places if len(place.spot) > 1 and place.photos):
        kept, more = _above_parts(places, layout)
    elif joined := _joined(tops):
        kept, more = _in_names(places, joined, layout)
    else:
        kept, more = _in_doubt(places, tops, deep, layout)
    return kept, [*aside, *more]


def _without_drawn(places: list[Place], layout: str) -> tuple[list[Place], list[Note]]:
    """`places` without masks and thumbnails, unless they are classes: nothing but the person knows."""
    drawn = [place for place in places if place.photos and any(map(names.holds_no_photos, place.spot))]
    if not drawn or layout in NAMINGS:
        return places, []
    if layout == "auto":
        raise UndecidedError(["parts", *NAMINGS])
    return [place for place in places if place not in drawn], [left("aside_unlabelled", drawn)]


def _in_doubt(
    places: list[Place], tops: set[str], deep: set[str], layout: str
) -> tuple[list[Place], list[Note]]:
    """No folder of training photos: classes, or photos without any, and perhaps a part beside classes."""
    parts = {top for top in tops if names.part_of(top)}
    no_classes = all(names.part_of(top) or names.is_wrapper(top) or names.is_no_class(top) for top in tops)
    if no_classes and len(tops) > 1 and not deep and layout not in NAMINGS:
        return [], [left("aside_unlabelled", of(places, top), top) for top in sorted(tops)]
    doubtful = {top for top in parts if names.part_of(top) != "train"}
    if not doubtful or layout in NAMINGS:
        return places, []
    if layout == "auto":
        raise UndecidedError(["parts", *NAMINGS] if deep else ["parts", "first"])
    return _beside_parts(places, doubtful)


def _joined(tops: set[str]) -> dict[str, tuple[str, str]]:
    """Part and rest of folders that say both, cat_train and cat_test, where train has another beside it."""
    found = {top: names.divided(top) for top in tops - names.unsure(tops)}
    said = set(found.values())
    pairs = {rest for part, rest in said if rest and part == "train"}
    pairs = {rest for rest in pairs if {("valid", rest), ("test", rest)} & said}
    return {top: (part, rest) for top, (part, rest) in found.items() if part and rest in pairs}


def _in_names(
    places: list[Place], joined: dict[str, tuple[str, str]], layout: str
) -> tuple[list[Place], list[Note]]:
    """cat_train and cat_test, or food_train/CLASS and food_test/CLASS."""
    without = [place for place in places if place.photos and place.spot and place.spot[0] not in joined]
    if layout in NAMINGS:
        return places, []
    if without and layout == "auto":
        raise UndecidedError(["parts", *NAMINGS])
    kept = [
        Place(at.folder, (joined[at.spot[0]][1], *at.spot[1:]), at.photos, joined[at.spot[0]][0], at.spot[0])
        for at in places
        if at.spot and at.spot[0] in joined
    ]
    beside = [place for place in places if not place.spot]
    return [*beside, *kept], [left("aside_no_part", without)] if without else []


def _beside_parts(places: list[Place], parts: set[str]) -> tuple[list[Place], list[Note]]:
    """CLASS beside test/CLASS, which scores it, or beside a test/ without classes, which is set aside."""
    classes = [place for place in places if place.spot[:1] and place.spot[0] not in parts]
    known, kept, aside = {place.spot[0] for place in classes}, [], []
    for top in sorted(parts):
        inside = of(places, top)
        if all(len(place.spot) > 1 and place.spot[1] in known for place in inside if place.photos):
            kept += [Place(p.folder, p.spot[1:], p.photos, names.part_of(top), top) for p in inside]
        else:
            aside.append(left("aside_unlabelled", inside, top))
    for place in classes:
        place.part = "train" if kept else ""
    return [*(place for place in places if not place.spot), *classes, *kept], aside


def _below_parts(places: list[Place], deep: set[str], layout: str) -> tuple[list[Place], list[Note]]:
    """train/CLASS and its like. A part without classes is set aside, and so is what repeats the parts."""
    kept, aside = [place for place in places if not place.spot], []
    tops = {place.spot[0] for place in places if place.spot}
    unsure = names.unsure(tops)
    for top in sorted(tops):
        inside, part = of(places, top), "" if top in unsure else names.part_of(top)
        photos = any(place.photos for place in inside)
        repeats = any(len(place.spot) > 1 and names.part_of(place.spot[1]) == "train" for place in inside)
        if part and top in deep:
            kept += [Place(p.folder, p.spot[1:], p.photos, part, top) for p in inside]
        elif not photos:
            continue
        elif part or names.has_no_class(top):
            aside.append(left("aside_unlabelled", inside, top))
        elif repeats:
            aside.append(left("aside_repeats", inside, top))
        elif layout == "parts":
            aside.append(left("aside_no_part", inside, top))
        elif layout == "auto":
            raise UndecidedError(["parts", *NAMINGS])
        else:
            return places, []
    return kept, aside


def _above_parts(places: list[Place], layout: str) -> tuple[list[Place], list[Note]]:
    """CLASS/train and its like."""
    second = [place.spot[1] if len(place.spot) > 1 else "" for place in places]
    unsure = names.unsure(second)
    found = ["" if name in unsure else names.part_of(name) for name in second]
    without = [place for place, part in zip(places, found, strict=True) if place.photos and not part]
    without = [place for place in without if place.spot]
    if without or "train" not in found:
        if layout == "auto":
            raise UndecidedError(["parts", *NAMINGS] if "train" in found else list(NAMINGS))
        if layout != "parts" or "train" not in found:
            return places, []
    kept = [
        Place(at.folder, (at.spot[0], *at.spot[2:]), at.photos, part, at.spot[1]) if part else at
        for at, part in zip(places, found, strict=True)
        if part or not at.photos or not at.spot
    ]
    return kept, [left("aside_no_part", without)] if without else []
