"""With --collect: uploaded photos and what was answered, for labelling them later."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import datetime, timezone
from pathlib import Path

from PIL import Image

from kimchi_vision.base.files import TABLE_ENCODING
from kimchi_vision.deploy.predictor import Prediction


class Collection:
    """A folder with one file a photo, named by its content, and answers.csv.

    Columns of answers.csv: time (UTC), file, model, label, probability, known.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, content: bytes, model: str, answer: Prediction) -> None:
        """Keep a photo and its answer. Nothing of the name that the client gave is used."""
        with Image.open(io.BytesIO(content)) as photo:
            suffix = (photo.format or "photo").lower()
        file = self.folder / f"{hashlib.sha256(content).hexdigest()}.{suffix}"
        if not file.exists():
            file.write_bytes(content)
        answers = self.folder / "answers.csv"
        new = not answers.exists()
        with answers.open("a", encoding=TABLE_ENCODING, newline="") as table:
            writer = csv.writer(table)
            if new:
                writer.writerow(["time", "file", "model", "label", "probability", "known"])
            now = datetime.now(timezone.utc).isoformat(timespec="seconds")
            writer.writerow([now, file.name, model, *answer.classes[0], answer.known])
