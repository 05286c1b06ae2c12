"""Classes from JSON files: exports of Label Studio and FiftyOne, and COCO's form for classification."""

import json
from pathlib import Path

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.plain import Json
from kimchi_vision.data.layout.files import Names
from kimchi_vision.data.layout.tables import LABELS, Labels


def read(root: Path, file: str, photos: Names) -> Labels | None:
    """The classes of photos by a JSON file below the root; None when it is none of these forms.

    Raises DataError when a photo has several classes.
    """
    try:
        content = json.loads((root / file).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None
    found = Labels(file)
    try:
        for name, label in _pairs(content):
            found.take(name, label, photos)
    except (KeyError, TypeError, AttributeError, IndexError):
        return None
    return found if found.of else None


def _pairs(content: Json | list[Json]) -> list[tuple[str, str]]:
    if isinstance(content, list):
        return [pair for task in content for pair in _label_studio(task)]
    if {"images", "annotations", "categories"} <= content.keys():
        return _coco(content)
    if isinstance(content.get("labels"), dict):
        return _fiftyone(content)
    return []


def _label_studio(task: Json) -> list[tuple[str, str]]:
    """A task of the JSON export, or of JSON-MIN; one that nobody answered has no class."""
    if "data" not in task:
        image = next((task[key] for key in ("image", "img", "photo") if key in task), None)
        label = next((task[key] for key in LABELS if isinstance(task.get(key), str)), None)
        return [(image, label)] if image and label else []
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
