"""Classes from JSON files: exports of Label Studio and FiftyOne, and COCO's form for classification."""

import json
from pathlib import Path

import pandas as pd

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.plain import Json
from kimchi_vision.data import names
from kimchi_vision.data.layout import tables
from kimchi_vision.data.layout.files import Names
from kimchi_vision.data.layout.tables import Labels
from kimchi_vision.data.tables import text


def read(root: Path, file: str, photos: Names) -> Labels | None:
    """The classes of photos by a JSON file below the root; None when it is none of these forms.

    Any list of records, or of a record on each line, is read as a table is.
    Raises DataError when a photo has several classes.
    """
    try:
        content = _content(root / file)
    except (DataError, ValueError):
        return None
    try:
        pairs = _pairs(content)
    except (KeyError, TypeError, AttributeError, IndexError, StopIteration):
        pairs = None
    if pairs is None:
        records = _records(content)
        return tables.labels(pd.DataFrame(records).fillna("").astype(str), file, photos) if records else None
    found = Labels(file)
    for name, label in pairs:
        found.take(name, label, photos)
    return found if found.of else None


def _content(file: Path) -> Json | list[Json]:
    plain = text(file, "")
    try:
        return json.loads(plain)
    except ValueError:
        return [json.loads(line) for line in plain.splitlines() if line.strip()]


def _records(content: Json | list[Json]) -> list[Json]:
    """Flat records with their plain values: a list of them, alone or under one name, or what names photos."""
    if isinstance(content, dict):
        values = list(content.values())
        if all(isinstance(value, str | int) for value in values):  # the class of each photo
            content = [{"file": name, "label": value} for name, value in content.items()]
        elif all(isinstance(value, list) for value in values) and not any(map(names.part_of, content)):
            content = [{"file": each, "label": name} for name, photos in content.items() for each in photos]
        else:
            content = next((value for value in values if isinstance(value, list)), [])
    if not all(isinstance(each, dict) for each in content):
        return []
    flat = [{key: value for key, value in each.items() if isinstance(value, str | int)} for each in content]
    return [each for each in flat if any(key.lower() in tables.LABELS for key in each)] or flat


def _pairs(content: Json | list[Json]) -> list[tuple[str, str]] | None:
    """Names and classes of an export with a form of its own; None for any other."""
    if isinstance(content, list):
        tasks = [task for task in content if "data" in task]
        return [pair for task in tasks for pair in _label_studio(task)] if tasks else None
    if {"images", "annotations", "categories"} <= content.keys():
        return _coco(content)
    if isinstance(content.get("labels"), dict):
        return _fiftyone(content)
    return None


def _label_studio(task: Json) -> list[tuple[str, str]]:
    """A task of the JSON export; one that nobody answered has no class."""
    image = next(value for value in task["data"].values() if isinstance(value, str))
    answers = [each for each in task.get("annotations", []) if not each.get("was_cancelled")]
    results = [result for answer in answers for result in answer["result"] if result["type"] == "choices"]
    chosen = [choice for result in results for choice in result["value"]["choices"]]
    return [(image, choice) for choice in dict.fromkeys(chosen)]


def _coco(content: Json) -> list[tuple[str, str]]:
    """Several boxes of one class are one answer."""
    classes = {each["id"]: str(each["name"]) for each in content["categories"]}
    files = {each["id"]: each["file_name"] for each in content["images"]}
    pairs = [(files[each["image_id"]], classes[each["category_id"]]) for each in content["annotations"]]
    return list(dict.fromkeys(pairs))


def _fiftyone(content: Json) -> list[tuple[str, str]]:
    """FiftyOneImageClassificationDataset: a class's name or its place in `classes` by a photo's name.

    A label with a confidence is a model's guess, which nobody has confirmed.
    """
    classes = content.get("classes")
    pairs = []
    for name, label in content["labels"].items():
        if isinstance(label, dict):
            label = label.get("label") if label.get("confidence") is None else None
        if isinstance(label, list):
            if len(label) > 1:
                raise DataError("{name} has several classes; a photo has one class here.", name=name)
            label = label[0] if label else None
        if label is not None:
            pairs.append((name, str(classes[label]) if classes and isinstance(label, int) else str(label)))
    return pairs
