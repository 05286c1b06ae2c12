"""Classes and parts from the names of folders."""

import unicodedata
import zipfile
from pathlib import PurePosixPath

from kimchi_vision.base.sentence import Note
from kimchi_vision.data import names
from kimchi_vision.data.folder import Tree, ancestors
from kimchi_vision.data.layout.parts import Place, is_other, left, of, parted, unwrapped, without_wrappers
from kimchi_vision.data.layout.reading import NAMINGS, Reading, UndecidedError


def read(tree: Tree, layout: str) -> Reading:
    """The reading of folders that `data.layout` asks for; auto takes the only one that makes sense.

    Raises UndecidedError when there are several.
    """
    places = unwrapped(_places(tree))
    places, aside = parted(places, layout)
    places = unwrapped(without_wrappers(places))
    places, unlabelled = _labelled(places)
    way = _way(places, layout)
    labels = {place.folder: NAMINGS[way](place.spot) for place in places if place.spot}
    filled = {place.folder: place for place in places if place.photos and place.spot}
    known = {labels[folder] for folder in filled}
    beside = [place for place in places if place.photos and not place.spot]
    if not filled and not aside and [place.folder for place in beside] == [""]:
        filled, beside = {"": beside[0]}, []
        labels = {"": unicodedata.normalize("NFC", tree.root.resolve().name)}
        known = set(labels.values())
    nested = any(len(place.spot) > 1 and place.photos for place in places)
    return Reading(
        way=way,
        source=(f"from_{way}" if nested else "from_flat", {}),
        labels={path: labels[folder] for folder in filled for path, _, _ in tree.photos[folder]},
        parts={path: at.part for f, at in filled.items() if at.part for path, _, _ in tree.photos[f]},
        missing=_missing(tree, [place for place in places if not is_other(place)], labels, known)
        | _packed(tree, filled, known),
        parted_by=tuple(sorted({f"{place.parted_by}/" for place in filled.values() if place.parted_by})),
        aside=[*aside, *unlabelled, *([left("aside_beside", beside)] if beside else [])],
    )


def _places(tree: Tree) -> list[Place]:
    """Folders with photos, and leaf folders without."""
    counts = {folder: len(files) for folder, files in tree.photos.items()} | dict.fromkeys(tree.no_folders, 0)
    above = {each for folder in counts for each in ancestors(folder)}
    kept = [(folder, n) for folder, n in sorted(counts.items()) if n or (folder and folder not in above)]
    spots = [tuple(unicodedata.normalize("NFC", folder).split("/")) if folder else () for folder, _ in kept]
    return [Place(folder, spot, n) for (folder, n), spot in zip(kept, spots, strict=True)]


def _labelled(places: list[Place]) -> tuple[list[Place], list[Note]]:
    """`places` without parts whose only folder is none of train's classes, as test/images, and _unlabeled."""
    trained = {place.spot[0] for place in places if place.photos and place.spot and place.part == "train"}
    aside: list[Note] = []
    for part in ("valid", "test"):
        inside = [place for place in places if place.part == part and place.photos and place.spot]
        tops = {place.spot[0] for place in inside}
        if trained and len(tops) == 1 and not tops & trained:
            aside.append(left("aside_unlabelled", inside, f"{inside[0].parted_by}/{inside[0].spot[0]}"))
            places = [place for place in places if place not in inside]
    tops = {place.spot[0] for place in places if place.spot}
    for top in sorted(filter(names.has_no_class, tops)):
        inside = of(places, top)
        if any(place.photos for place in inside):
            aside.append(left("aside_unlabelled", inside, top))
        places = [place for place in places if place not in inside]
    return places, aside


def _way(places: list[Place], layout: str) -> str:
    nested = {name for place in places if place.photos for name in place.spot[1:]}
    if layout in NAMINGS:
        return layout
    if not all(map(names.is_collection, nested)):
        raise UndecidedError(list(NAMINGS))
    return "first"


def _missing(tree: Tree, places: list[Place], labels: dict[str, str], known: set[str]) -> dict[str, Note]:
    """Classes without a photo, and folders whose photos are out of reach, each with where and why."""
    found = {
        labels[place.folder]: _why_empty(tree, place.folder)
        for place in places
        if place.folder in labels and labels[place.folder] not in known
    }
    unread = [f for f, (key, _) in tree.no_folders.items() if key in ("why_closed", "why_undecodable")]
    lost = {folder: _why_empty(tree, folder) for folder in unread}
    return found | {folder: why for folder, why in lost.items() if why not in found.values()}


def _packed(tree: Tree, filled: dict[str, Place], known: set[str]) -> dict[str, Note]:
    """Archives that lie where class folders do, by their name: classes that nobody has unpacked."""
    beside = {PurePosixPath(folder).parent.as_posix() for folder, at in filled.items() if len(at.spot) == 1}
    own = {unicodedata.normalize("NFC", name) for folder in tree.photos for name in folder.split("/")}
    own |= {*known, tree.root.resolve().name}
    found = {}
    for file in tree.archives:
        path = PurePosixPath(unicodedata.normalize("NFC", file))
        name = path.stem.removesuffix(".tar")
        other = names.part_of(name) or names.is_wrapper(name) or names.is_no_class(name)
        if path.parent.as_posix() in beside and name not in own and not other and not _unpacked(tree, file):
            found[name] = ("why_packed", {"file": file})
    return found


def _unpacked(tree: Tree, file: str) -> bool:
    """Whether a file of this zip lies among the photos, by its name."""
    try:
        with zipfile.ZipFile(tree.root / file) as archive:
            packed = {name.rpartition("/")[2] for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    return any(path.rpartition("/")[2] in packed for files in tree.photos.values() for path, _, _ in files)


def _why_empty(tree: Tree, folder: str) -> Note:
    if folder in tree.no_folders:
        key, values = tree.no_folders[folder]
        return key, {"folder": folder, **values}
    others = tree.others.get(folder)
    if not others:
        return "why_empty", {"folder": folder}
    kinds = ", ".join(f"{count} {ending}" for ending, count in others.most_common(3))
    return "why_others", {"folder": folder, "kinds": kinds}
