"""Where a photo goes: into its class's folder, beside what lies there."""

import os
from pathlib import Path

from kimchi_vision.base.errors import InputError, RunError

UNSURE = "_unsure"
"""The folder of photos that the model does not know; data.layout reads no class from it."""


def check_classes(labels: tuple[str, ...]) -> None:
    """Raise InputError for a class that cannot be the name of a folder below another one."""
    for label in labels:
        parts = label.split("/")
        if label == UNSURE or "\\" in label or "\0" in label or {"", ".", ".."} & set(parts):
            raise InputError("The class {label} cannot be the name of a folder.", label=repr(label))


def check_apart(folder: Path, to: Path) -> None:
    """Raise InputError when one of two folders lies in the other: what is written would be read again."""
    one, two = folder.resolve(), to.resolve()
    if one == two or one in two.parents or two in one.parents:
        raise InputError("{to} and {folder} lie in one another. Give a folder beside.", to=to, folder=folder)


def write(photo: Path, file: Path, content: bytes | None = None) -> None:
    """Write a photo's content to where nothing lies, whole, or hard-link it where none is given.

    Raises RunError when it cannot be written.
    """
    partial = file.with_name(f".{file.name}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            os.link(photo, file)
        else:
            partial.write_bytes(content)
            os.replace(partial, file)
    except OSError as error:
        what = (
            "{file} cannot be made from {photo}: {reason}. What is there is whole: mend that, and give the "
            "same command again."
        )
        raise RunError(what, file=file, photo=photo, reason=error.strerror) from None
    finally:
        partial.unlink(missing_ok=True)
