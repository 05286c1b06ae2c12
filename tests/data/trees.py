"""Random folders of photos in the layouts that people have, each with the truth about it."""

import csv
import json
import os
import random
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

CLASSES = (
    "배추김치", "깍두기", "갓김치", "총각김치", "비빔밥", "baklava", "bibimbap", "apple pie", "crème brûlée",
    "寿司", "$5 pizza$", "007", "NA", "None", "김치 (신), 2kg", "-rf", "{count} %s", "001.Tench", "Über",
    "test kitchen",
)  # fmt: skip
PARTS = (
    ("train", "valid", "test"), ("Train", "Val", "Test"), ("1.Training", "2.Validation", "3.Test"),
    ("학습", "검증", "시험"), ("훈련", "검증", "평가"), ("TRAINING", "VALIDATION", "TESTING"),
    ("train2017", "val2017", "test2017"), ("01_tr", "02_va", "03_te"),
    ("학습데이터", "검증데이터", "평가데이터"),
    ("training_set", "validation_set", "test_set"), ("seg_train", "seg_val", "seg_test"),
    ("trainval", "dev", "holdout"), ("训练集", "验证集", "测试集"),
)  # fmt: skip
COLLECTIONS = (
    "day1",
    "day2",
    "phone",
    "2023-05-01",
    "100APPLE",
    "2차",
    "more",
    "batch_3",
    "session-2",
    "1",
    "카메라",
)
WRAPPERS = ("원천데이터", "01.원천데이터", "images", "data")
LOOKS = ("ripe", "unripe", "fried", "steamed")
"""Folders that may be classes or not, so that nothing but the person knows."""
STRAYS = (
    ".DS_Store",
    "Thumbs.db",
    "crop_area.properties",
    "bb_info.txt",
    "org_url.xml",
    "._x.jpg",
    "clip.mp4",
    "README",
)
HIDDEN = (".ipynb_checkpoints", "@eaDir", "__MACOSX", ".thumbnails")
ENDINGS = (".jpg", ".JPG", ".jpeg", ".png", ".webp", ".HEIC", ".gif", "")


@dataclass
class Truth:
    """What a person means by a tree.

    labels, parts: by path; parts is empty when the tree does not say. aside: photos in no class.
    missing: classes without a photo. ways: the keys of `data.layout` that must be asked about.
    """

    labels: dict[str, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    aside: int = 0
    missing: set[str] = field(default_factory=set)
    ways: dict[str, dict[str, str]] = field(default_factory=dict)


class Grower:
    """Writes one random tree."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root, self.random, self.truth, self.count = root, random.Random(seed), Truth(), 0
        root.mkdir(parents=True)
        self.names = self.random.sample(CLASSES, self.random.randint(2, 5))

    def photo(self, folder: str, name: str | None = None) -> str:
        """A file that begins as a JPEG, or a link to one elsewhere; returns its path below the root."""
        self.count += 1
        name = (
            name or f"{self.random.choice(('IMG_', 'x', '사진 '))}{self.count}{self.random.choice(ENDINGS)}"
        )
        file = self.root / folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        content = b"\xff\xd8\xff\xe0" + str(self.count).encode()
        if self.random.random() < 0.1:
            store = self.root.parent / f"{self.root.name} store"
            store.mkdir(exist_ok=True)
            (store / str(self.count)).write_bytes(content)
            file.symlink_to(store / str(self.count))
        else:
            file.write_bytes(content)
        return file.relative_to(self.root).as_posix()

    def photos(self, folder: str, label: str | None, part: str = "") -> None:
        for _ in range(self.random.randint(1, 4)):
            path = self.photo(folder)
            if label is None:
                self.truth.aside += 1
                continue
            self.truth.labels[path] = label
            if part:
                self.truth.parts[path] = part

    def named(self, name: str) -> str:
        """A class's folder as macOS may spell it."""
        return unicodedata.normalize(self.random.choice(("NFC", "NFC", "NFD")), name)

    def odds(self) -> None:
        """What lies about in every real folder and means nothing."""
        folders = [folder for folder in self.root.rglob("*") if folder.is_dir()] or [self.root]
        for name in self.random.sample(STRAYS, self.random.randint(0, 4)):
            (self.random.choice(folders) / name).write_bytes(b"\0 nothing")
        for name in self.random.sample(HIDDEN, self.random.randint(0, 2)):
            self.photo(f"{self.random.choice(folders).relative_to(self.root).as_posix()}/{name}", "thumb.jpg")
        if self.random.random() < 0.2:
            (self.random.choice(folders) / "loop").symlink_to(self.root)


def flat(tree: Grower) -> None:
    above = tree.random.choice(("", "", "kfood/", "kfood/김치/", "images/"))
    if tree.random.random() < 0.2:
        tree.names = [*tree.names[:2], "train"]  # a vehicle, beside others
    for name in tree.names:
        tree.photos(above + tree.named(name), name)
    if above and tree.random.random() < 0.3:
        tree.photos(above.rstrip("/"), None)


def parts_above(tree: Grower) -> None:
    folders = dict(zip(("train", "valid", "test"), tree.random.choice(PARTS), strict=True))
    kinds = tree.random.choice((("train", "valid"), ("train", "test"), ("train", "valid", "test")))
    unlabelled = tree.random.random() < 0.3 and "test" in kinds
    above = tree.random.choice(("", "", "set/"))
    wrapper = tree.random.choice(("", "", f"/{tree.random.choice(WRAPPERS)}"))
    collections = tree.random.choice(((), (), COLLECTIONS))
    names = [*tree.names[:3], "test"] if tree.random.random() < 0.1 else tree.names
    for part in kinds:
        if part == "test" and unlabelled:
            tree.photos(f"{above}{folders[part]}{tree.random.choice(('', '/images', '/unknown'))}", None)
            continue
        for name in names:
            nested = f"/{tree.random.choice(collections)}" if collections else ""
            tree.photos(f"{above}{folders[part]}{wrapper}/{tree.named(name)}{nested}", name, part)
    if set(kinds) - ({"test"} if unlabelled else set()) == {"train"}:
        tree.truth.parts = {}
    if tree.random.random() < 0.2:
        for part in ("train", "valid"):
            tree.photos(f"{above}sample/{folders[part]}/{names[0]}", None)


def parts_below(tree: Grower) -> None:
    folders = dict(zip(("train", "valid", "test"), tree.random.choice(PARTS), strict=True))
    kinds = tree.random.choice((("train", "test"), ("train", "valid", "test")))
    for name in tree.names:
        for part in kinds:
            tree.photos(f"{tree.named(name)}/{folders[part]}", name, part)


def nested(tree: Grower) -> None:
    for name in tree.names:
        folder = tree.named(name)
        for collection in tree.random.sample(COLLECTIONS, tree.random.randint(0, 3)):
            tree.photos(f"{folder}/{collection}", name)
        tree.photos(folder, name)


def undecided(tree: Grower) -> None:
    """CLASS/LOOK or CATEGORY/CLASS: nobody can know."""
    ways = {"first": {}, "folder": {}, "path": {}}
    for name in tree.names:
        for look in tree.random.sample(LOOKS, 2):
            before = set(tree.truth.labels)
            tree.photos(f"{tree.named(name)}/{look}", name)
            for path in set(tree.truth.labels) - before:
                ways["first"][path], ways["folder"][path], ways["path"][path] = name, look, f"{name}/{look}"
    tree.truth.ways = ways


def with_table(tree: Grower) -> None:
    """Photos side by side, their classes in a file."""
    form = tree.random.choice((kaggle, imagenet, one_hot, in_parts, label_studio, fiftyone, coco))
    folder = tree.random.choice(("images", "train", "."))
    for name in tree.names:
        for _ in range(tree.random.randint(2, 4)):
            tree.truth.labels[tree.photo(folder)] = name
    if tree.random.random() < 0.3:
        tree.photos("test", None)
    form(tree)


def rows(tree: Grower, file: str, columns: list[str], values: list[list[str]]) -> None:
    encoding = tree.random.choice(("utf-8", "utf-8-sig"))
    with (tree.root / file).open("w", encoding=encoding, newline="") as opened:
        csv.writer(opened).writerows([columns, *values])


def kaggle(tree: Grower) -> None:
    columns = tree.random.choice(
        (["id", "breed"], ["image_id", "label"], ["filename", "class"], ["파일", "라벨"])
    )
    strip = tree.random.choice(
        (lambda path: path, lambda path: Path(path).name, lambda path: Path(path).stem)
    )
    rows(tree, "labels.csv", columns, [[strip(path), label] for path, label in tree.truth.labels.items()])
    rows(tree, "sample_submission.csv", columns, [[strip(path), "x"] for path in tree.truth.labels])


def imagenet(tree: Grower) -> None:
    tree.truth.labels = {path: f"n0{hash_of(label)}" for path, label in tree.truth.labels.items()}
    values = [[Path(path).stem, f"{label} 1 2 3 4 "] for path, label in tree.truth.labels.items()]
    rows(tree, "LOC_train_solution.csv", ["ImageId", "PredictionString"], values)


def hash_of(label: str) -> int:
    return CLASSES.index(label) + 1000


def one_hot(tree: Grower) -> None:
    values = [
        [Path(path).name, *(str(int(label == each)) for each in tree.names)]
        for path, label in tree.truth.labels.items()
    ]
    rows(tree, "_classes.csv", ["filename", *tree.names], values)


def in_parts(tree: Grower) -> None:
    """fastai's and torchvision's: a column says the part."""
    first = {}
    for path, label in tree.truth.labels.items():
        first.setdefault(label, path)
        tree.truth.parts[path] = "train" if first[label] == path else "valid"
    form = tree.random.choice(("is_valid", "split"))
    said = {"is_valid": {"train": "False", "valid": "True"}, "split": {"train": "Train", "valid": "val"}}[
        form
    ]
    values = [[path, label, said[tree.truth.parts[path]]] for path, label in tree.truth.labels.items()]
    rows(tree, "labels.csv", ["name", "label", form], values)


def label_studio(tree: Grower) -> None:
    tasks = [
        {
            "data": {"image": f"/data/upload/1/{'0a1b2c3d-' * tree.random.randint(0, 1)}{Path(path).name}"},
            "annotations": [{"result": [{"type": "choices", "value": {"choices": [label]}}]}],
        }
        for path, label in tree.truth.labels.items()
    ]
    write(tree, "project-1.json", tasks)


def fiftyone(tree: Grower) -> None:
    content = {"classes": tree.names}
    content["labels"] = {
        Path(path).stem: tree.names.index(label) for path, label in tree.truth.labels.items()
    }
    write(tree, "labels.json", content)


def coco(tree: Grower) -> None:
    paths = list(tree.truth.labels)
    content = {
        "images": [{"id": place, "file_name": Path(path).name} for place, path in enumerate(paths)],
        "annotations": [
            {"id": place, "image_id": place, "category_id": tree.names.index(tree.truth.labels[path])}
            for place, path in enumerate(paths)
        ],
        "categories": [{"id": place, "name": name} for place, name in enumerate(tree.names)],
    }
    write(tree, "_annotations.coco.json", content)


def write(tree: Grower, file: str, content: object) -> None:
    (tree.root / file).write_text(
        json.dumps(content, ensure_ascii=tree.random.random() < 0.5), encoding="utf-8"
    )


def missing(tree: Grower) -> None:
    """A class folder without a photo: empty, of other files, or a link to nowhere."""
    flat(tree)
    above = Path(next(iter(tree.truth.labels))).parent.parent
    name = next(each for each in CLASSES if each not in tree.names)
    folder = tree.root / above / name
    kind = tree.random.choice(("empty", "others", "broken", "links"))
    if kind == "broken":
        folder.symlink_to(tree.root.parent / "nowhere")
    else:
        folder.mkdir()
        if kind == "others":
            (folder / "1021845").write_bytes(b"<html>")
            (folder / "clip.mov").write_bytes(b"\0")
        elif kind == "links":
            (folder / "1021845").symlink_to(tree.root.parent / "nowhere")
    tree.truth.missing = {name}


LAYOUTS = (flat, parts_above, parts_below, nested, undecided, with_table, missing)


def grow(root: Path, seed: int) -> Truth:
    """The tree of a seed, and what it means."""
    tree = Grower(root, seed)
    layout = LAYOUTS[seed % len(LAYOUTS)]
    layout(tree)
    tree.odds()
    assert tree.truth.labels, os.fspath(root)
    return tree.truth


def counts(labels: dict[str, str]) -> Counter[str]:
    return Counter(unicodedata.normalize("NFC", label) for label in labels.values())
