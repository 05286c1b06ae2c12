"""Download a public set of photos, or an archive of one's own, for those who have the network."""

import re
import shutil
import tempfile
import urllib.error
from pathlib import Path, PurePosixPath
from urllib.parse import urlparse

from kimchi_vision.base.errors import DataError
from kimchi_vision.data.archive import Entry, check_space, opened

FASTAI = {"pets": "PETS", "food101": "FOOD", "imagenette": "IMAGENETTE_320"}
"""Names of fastai.data.external.URLs."""
OTHERS = {
    # Bourke's course material: pizza, steak and sushi from Food-101, in train and test folders.
    "foodvision-mini": "https://github.com/mrdbourke/pytorch-deep-learning/raw/main/data/pizza_steak_sushi.zip"
}


def fetch(source: str, to: Path, sha256: str | None = None) -> Path:
    """Download a named set or a URL and unpack it into the new folder `to`, as it lies in the archive.

    The photos of `pets` lie side by side; they are put into folders by the breed in their names.
    sha256: refuse a file with another checksum.
    Raises DataError: `to` is there already, an unknown name, no network, another checksum, no archive, too
    little space, more to unpack than archive.LIMIT.
    """
    if to.exists():
        raise DataError("{to} is there already; name a folder that is not.", to=to)
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=to.parent, prefix=f".{to.name}-") as place:
            archive = _download(_url(source), Path(place), sha256)
            made = Path(place) / "unpacked"
            with opened(archive, None) as entries:
                check_space(entries, to.parent)
                for entry in entries:
                    _unpack(entry, made, by_name=source == "pets")
            while [each.is_dir() for each in made.iterdir()] == [True]:  # a folder that holds another alone
                made = next(made.iterdir())
            shutil.move(made, to)
    except OSError as error:
        what = "{to} cannot be written: {reason}. Nothing was left behind."
        raise DataError(what, to=to, reason=error.strerror or error) from None
    return to


def _url(source: str) -> str:
    if "://" in source:
        return source
    if source in FASTAI:
        from fastai.data.external import URLs

        return getattr(URLs, FASTAI[source])
    if source in OTHERS:
        return OTHERS[source]
    raise DataError(
        "{source} is neither a URL nor one of {names}.", source=source, names=", ".join([*FASTAI, *OTHERS])
    )


def _download(url: str, place: Path, sha256: str | None) -> Path:
    from torch.hub import download_url_to_file

    file = place / (PurePosixPath(urlparse(url).path).name or "archive")
    try:
        download_url_to_file(url, str(file), hash_prefix=sha256)
    except RuntimeError as error:
        raise DataError("{url} is not the file that was meant: {reason}.", url=url, reason=error) from None
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise DataError(
            "{url} cannot be downloaded: {reason}. Without the network, bring the file and "
            "use `data import`.",
            url=url,
            reason=reason,
        ) from None
    return file


def _unpack(entry: Entry, made: Path, by_name: bool) -> None:
    path = PurePosixPath(entry.name)
    breed = re.fullmatch(r"(.+)_\d+", path.stem)
    if by_name and breed and path.suffix == ".jpg":
        path = path.parent / breed[1] / path.name
    elif by_name:
        return
    target, number = made / path, 1
    while target.exists():  # names of two Unicode forms become one
        number += 1
        target = made / path.with_name(f"{path.stem}-{number}{path.suffix}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(entry.read())
