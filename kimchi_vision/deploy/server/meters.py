"""What /metrics tells Prometheus."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from kimchi_vision.base.errors import InputError
from kimchi_vision.results.run import Run


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
