"""Metrics of the service for Prometheus. Of a text they reveal no more than its length."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The figures of one service, in a registry of their own."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        ProcessCollector(registry=own)
        said = "Requests to /predict, by HTTP status."
        self.requests = Counter("biaozhu_requests", said, ["status"], registry=own)
        said = "From a request's first byte to its answer, of those answered with 200."
        self.seconds = Histogram("biaozhu_predict_seconds", said, buckets=SECONDS, registry=own)
        self.busy = Gauge("biaozhu_busy", "Requests that are worked on or wait for it.", registry=own)
        self.characters = Counter("biaozhu_characters", "Code points annotated.", registry=own)
        self.spans = Counter("biaozhu_spans", "Spans found, by label.", ["label"], registry=own)
