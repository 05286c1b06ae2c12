"""What a server keeps: counters for Prometheus, and with --collect uploads and what was answered."""

import csv
import hashlib
import io
import logging
import threading
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path

from PIL import Image
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import TABLE_ENCODING
from kimchi_vision.deploy.predictor import Prediction
from kimchi_vision.results.run import Run

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


class Meters:
    """Counters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ours = {"registry": self.registry}
        self.requests = Counter("kimchi_requests", "Requests by path and status.", ["path", "status"], **ours)
        self.seconds = Histogram(
            "kimchi_request_seconds", "Seconds from request to answer.", ["path"], **ours
        )
        self.answers = Counter("kimchi_answers", "Answers by model and label.", ["model", "label"], **ours)
        together = "Photos that went through the network together."
        self.batch = Histogram("kimchi_batch_photos", together, buckets=(1, 2, 4, 8, 16), **ours)
        found = (
            "What drift found last: auc, auc_low, auc_high (0.5: alike), unlike_share (0.05: alike), photos."
        )
        self.drift = Gauge("kimchi_drift", found, ["model", "what"], **ours)

    def drifted(self, runs: Iterable[tuple[str, Run]]) -> None:
        """Take over the drift.json of runs that have one, by the names of their models."""
        self.drift.clear()  # what was found before is not beside what was found last
        for name, run in runs:
            try:
                found = run.json_if(run.files.drift)
            except InputError:
                continue  # half a file is whole when it is asked for again
            low, high = found.get("auc_interval") or (None, None)
            shown = {name: found.get(name) for name in ("auc", "unlike_share", "photos")}
            for what, value in {**shown, "auc_low": low, "auc_high": high}.items():
                if value is not None:
                    self.drift.labels(name, what).set(value)

    def text(self) -> bytes:
        """In Prometheus's text format."""
        return generate_latest(self.registry)
