"""What /metrics tells Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest


class Meters:
    """Counters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "kimchi_requests", "Requests by path and status.", ["path", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "kimchi_request_seconds", "Seconds from request to answer.", ["path"], registry=self.registry
        )
        self.answers = Counter(
            "kimchi_answers", "Answers by model and label.", ["model", "label"], registry=self.registry
        )
        self.batch = Histogram(
            "kimchi_batch_photos",
            "Photos that went through the network together.",
            buckets=(1, 2, 4, 8, 16),
            registry=self.registry,
        )

    def text(self) -> bytes:
        """In Prometheus's text format."""
        return generate_latest(self.registry)
