"""Read every photo once: content hash, size, thumbnail, and whether it can be decoded."""

import hashlib
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from kimchi_vision.base.plain import Json
from kimchi_vision.base.progress import bar
from kimchi_vision.base.threads import share
from kimchi_vision.data.decoding import check_size
from kimchi_vision.data.formats import RAW, without_reader
from kimchi_vision.data.hashes import thumbnail
from kimchi_vision.data.looks import sharpness
from kimchi_vision.data.memory import FACTS, KEY, Memory
from kimchi_vision.data.photo import open_photo

_BATCH = 512


def scan(root: Path, photos: pd.DataFrame, memory: Memory) -> pd.DataFrame:
    """`photos` with what is in them: the columns of memory.FACTS.

    photos: columns path, bytes, mtime_ns; a row with all three as in the last scan is not read again.
    width, height: pixels, of the upright photo; orientation: EXIF's, 1 when none is given; camera: EXIF's
    model or empty; animated: 1 where the first of several frames is used; sharpness: see looks.sharpness.
    problem: "" or a sentence's end, such as "is empty"; sizes are 0 when a photo cannot be opened.
    """
    paths = photos["path"].tolist()
    facts = memory.facts(paths)
    fresh = (facts["bytes"] != photos["bytes"]) | (facts["mtime_ns"] != photos["mtime_ns"])
    if fresh.any():
        for found, thumbnails in _inspected(root, photos.loc[fresh, list(KEY)]):
            memory.keep(found, thumbnails)
        facts = memory.facts(paths)
    return photos.assign(**{name: facts[name] for name in FACTS})


def _inspected(root: Path, photos: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, list[bytes | None]]]:
    """Batches of facts; Pillow and hashlib let threads work side by side."""
    with warnings.catch_warnings(), ThreadPoolExecutor(share()) as pool:
        warnings.simplefilter("ignore")  # Pillow's words on odd files; what matters is in `problem`.
        for start in bar(range(0, len(photos), _BATCH), "Reading photos"):
            batch = photos.iloc[start : start + _BATCH]
            facts, thumbnails = zip(*pool.map(_inspect, [root / path for path in batch["path"]]), strict=True)
            yield pd.concat([batch.reset_index(drop=True), pd.DataFrame(facts)], axis=1), list(thumbnails)


def _inspect(file: Path) -> tuple[Json, bytes | None]:
    facts: Json = {name: "" if kind == "TEXT" else 0 for name, kind in FACTS.items()}
    try:
        check_size(file)
        content = file.read_bytes()
        facts["sha256"] = hashlib.sha256(content).hexdigest()
        if not content:
            raise ValueError("is empty")
        if file.suffix.lower() in RAW:
            raise ValueError(f"cannot be read: {without_reader(file.name)}")
        photo = open_photo(content, about=facts, mode="L")
    except OSError as error:
        facts["problem"] = f"cannot be read: {error.strerror}"
    except ValueError as error:
        facts["problem"] = str(error).removeprefix("the photo ")
    else:
        facts["width"], facts["height"] = photo.size
        facts["sharpness"] = sharpness(photo)
        return facts, thumbnail(photo).tobytes()
    return facts, None
