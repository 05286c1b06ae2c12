"""With --collect: uploaded photos and what was answered, for labelling them later."""

import csv
import hashlib
import io
import logging
import threading
from datetime import datetime, timezone
from pathlib import Path

from PIL import Image

from kimchi_vision.base.files import TABLE_ENCODING
from kimchi_vision.deploy.predictor import Prediction

log = logging.getLogger(__name__)


class Collection:
    """A folder with one file a photo, named by its content, and answers.csv; each photo once.

    Columns of answers.csv: time (UTC), file, model, label, probability, known.
    megabytes: of all photos in the folder, 10^6 bytes; above that nothing more is kept.
    """

    def __init__(self, folder: Path, megabytes: float) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.left = megabytes * 1e6 - sum(file.stat().st_size for file in folder.iterdir())
        self.full = False
        self.one_at_a_time = threading.Lock()

    def add(self, content: bytes, model: str, answer: Prediction) -> None:
        """Keep a photo and its answer. Nothing of the name that the client gave is used."""
        with Image.open(io.BytesIO(content)) as photo:
            suffix = (photo.format or "photo").lower()
        file = self.folder / f"{hashlib.sha256(content).hexdigest()}.{suffix}"
        with self.one_at_a_time:
            if file.exists() or not self._has_room(len(content)):
                return
            file.write_bytes(content)
            self._note(file.name, model, answer)

    def _has_room(self, size: int) -> bool:
        if self.left >= size:
            self.left -= size
            return True
        if not self.full:
            log.warning("%s is full: no more uploads are kept. --collect-megabytes makes room.", self.folder)
        self.full = True
        return False

    def _note(self, name: str, model: str, answer: Prediction) -> None:
        answers = self.folder / "answers.csv"
        new = not answers.exists()
        with answers.open("a", encoding=TABLE_ENCODING if new else "utf-8", newline="") as table:
            writer = csv.writer(table)
            if new:
                writer.writerow(["time", "file", "model", "label", "probability", "known"])
            now = datetime.now(timezone.utc).isoformat(timespec="seconds")
            writer.writerow([now, name, model, *answer.classes[0], answer.known])
