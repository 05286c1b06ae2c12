"""Write a clean copy of a folder of photos; the folder itself is never changed."""

import shutil
import tempfile
from pathlib import Path, PurePosixPath

import pandas as pd

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.files import write_table
from kimchi_vision.data import select
from kimchi_vision.data.audit import Audit
from kimchi_vision.data.photo import open_photo


def fix_to(audit: Audit, target: Path) -> pd.DataFrame:
    """Copy what can be used into `target`, a folder for each class; returns what was left out.

    Photos that select.read_specially lists (turned by EXIF, CMYK, 16 bits, ...) are saved anew as upright RGB
    (JPEG, quality 95); all others are copied byte for byte. Left out, and listed in left-out.csv
    (path, label, reason): problems, label conflicts, and all but the first copy of a picture.
    Raises DataError when `target` is there already or cannot be written; then nothing is left behind.
    """
    if target.exists():
        raise DataError(
            "{target} is there already; name a folder that is not, so that nothing is lost.", target=target
        )
    photos = audit.photos
    sound = photos[photos["problem"] == ""]
    copies = sound[sound.duplicated(["group", "label"])].assign(reason="a copy of another photo of its class")
    found = pd.concat([select.problems(photos), select.conflicts(sound), copies])
    left_out = found.drop_duplicates("path")[["path", "label", "reason"]]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as place:
            made = Path(place) / target.name
            made.mkdir()
            special = set(select.read_specially(photos)["path"])
            for row in select.without(photos, left_out).itertuples():
                _write(audit.root / row.path, row, made, anew=row.path in special)
            write_table(made / "left-out.csv", left_out)
            made.rename(target)
    except OSError as error:
        unwritten = "{target} cannot be written: {reason}. Nothing was left behind."
        raise DataError(unwritten, target=target, reason=error.strerror) from None
    return left_out


def _write(source: Path, row: pd.Series, made: Path, anew: bool) -> None:
    name = f"{PurePosixPath(row.path).stem}.jpg" if anew else PurePosixPath(row.path).name
    folder = made / row.label
    folder.mkdir(exist_ok=True)
    if (folder / name).exists():
        name = f"{row.sha256[:8]}-{name}"
    if anew:
        open_photo(source).save(folder / name, quality=95)
    else:
        shutil.copyfile(source, folder / name)
