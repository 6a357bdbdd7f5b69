"""Metrics of the service for Prometheus. Of a text they reveal no more than its length."""

from __future__ import annotations

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


@dataclass(frozen=True, slots=True)
class Metrics:
    """The figures of one service."""

    registry: CollectorRegistry
    requests: Counter = field(repr=False)
    seconds: Histogram = field(repr=False)
    busy: Gauge = field(repr=False)
    characters: Counter = field(repr=False)
    spans: Counter = field(repr=False)


def make_metrics() -> Metrics:
    """Return figures at zero, in a registry of their own."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return Metrics(
        registry,
        Counter("biaozhu_requests", "Requests to /predict, by HTTP status.", ["status"], registry=registry),
        Histogram(
            "biaozhu_predict_seconds",
            "From a request's first byte to its answer, of those answered with 200.",
            buckets=SECONDS,
            registry=registry,
        ),
        Gauge("biaozhu_busy", "Requests that are worked on or wait for it.", registry=registry),
        Counter("biaozhu_characters", "Code points annotated.", registry=registry),
        Counter("biaozhu_spans", "Spans found, by label.", ["label"], registry=registry),
    )
