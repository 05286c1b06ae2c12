"""Photos to label, laid out for people: a folder, Label Studio's tasks, or FiftyOne's data set."""

from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_json, write_text
from kimchi_vision.deploy.labelling.choose import Asked, Chosen
from kimchi_vision.deploy.labelling.places import check_apart, check_classes, write

Form = Literal["folder", "label-studio", "fiftyone"]


def write_tasks(chosen: Chosen, to: Path, form: Form, model: str) -> Path:
    """Lay photos out in a new folder; what a person opens first. model: what the guesses are by.

    folder: the photos, numbered, beside an empty folder for each class to move them into.
    label-studio: tasks.json, in which photos stay where they are, and interface.xml.
    fiftyone: data/ and labels.json (FiftyOneImageClassificationDataset), guesses with their confidence.
    Raises InputError when `to` holds something, or a class cannot be a folder.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise InputError("{to} is there already; name a folder that is not.", to=to)
    check_apart(chosen.folder, to)
    return {"folder": _folder, "label-studio": _label_studio, "fiftyone": _fiftyone}[form](chosen, to, model)


def _folder(chosen: Chosen, to: Path, model: str) -> Path:
    vocab = tuple(sorted(label for label, _ in chosen.asked[0].classes))
    check_classes(vocab)
    for number, each in enumerate(chosen.asked, 1):
        photo = chosen.folder / each.path
        write(photo, to / _numbered(number, each), photo.read_bytes())
    for label in vocab:
        (to / label).mkdir(parents=True, exist_ok=True)
    return to


def _label_studio(chosen: Chosen, to: Path, model: str) -> Path:
    """Paths are below the folder that LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT names: that of the photos."""
    tasks = []
    for each in chosen.asked:
        label, score = each.classes[0]
        choice = {"from_name": "class", "to_name": "image", "type": "choices", "value": {"choices": [label]}}
        guess = {"model_version": model, "score": score, "result": [choice]}
        image = f"/data/local-files/?d={quote(each.path)}"
        tasks.append({"data": {"image": image}, "predictions": [guess]})
    choices = "\n".join(
        f"    <Choice value={quoteattr(label)}/>" for label in sorted(dict(chosen.asked[0].classes))
    )
    interface = (
        '<View>\n  <Image name="image" value="$image"/>\n'
        f'  <Choices name="class" toName="image" choice="single">\n{choices}\n  </Choices>\n</View>\n'
    )
    write_text(to / "interface.xml", interface)
    write_json(to / "tasks.json", tasks)
    return to / "tasks.json"


def _fiftyone(chosen: Chosen, to: Path, model: str) -> Path:
    vocab = sorted(dict(chosen.asked[0].classes))
    labels = {}
    for number, each in enumerate(chosen.asked, 1):
        name, (label, probability) = _numbered(number, each), each.classes[0]
        photo = chosen.folder / each.path
        write(photo, to / "data" / name, photo.read_bytes())
        labels[PurePosixPath(name).stem] = {"label": vocab.index(label), "confidence": probability}
    write_json(to / "labels.json", {"classes": vocab, "labels": labels})
    return to / "labels.json"


def _numbered(number: int, each: Asked) -> str:
    """A name that no other photo has, with or without its ending."""
    return f"{number:04}-{PurePosixPath(each.path).name}"
