"""An OTLP receiver on loopback: it keeps every span and every data point of a metric that a process sends."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KINDS = {"sum": "counter", "gauge": "gauge", "exponential_histogram": "timer"}
"""The kinds of OTLP, as Airflow's documentation names them."""


@dataclass(frozen=True)
class Point:
    """A data point of a metric."""

    name: str
    kind: str
    tags: dict[str, Any]
    value: float


@dataclass(frozen=True)
class Span:
    """A span; ``links`` are the ids of the spans that it links to."""

    name: str
    id: str
    trace: str
    links: tuple[str, ...]
    attributes: dict[str, Any]


class Received:
    """What was sent until now."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.spans: list[Span] = []

    def take(self, path: str, body: bytes) -> None:
        """Keep the content of a request."""
        if path == "/v1/metrics":
            self.points += _points(ExportMetricsServiceRequest.FromString(body))
        elif path == "/v1/traces":
            known = {span.id for span in self.spans}  # a process that waited too long for the response sends again
            self.spans += [one for one in _spans(ExportTraceServiceRequest.FromString(body)) if one.id not in known]

    def of_metric(self, name: str) -> list[Point]:
        """Return the data points of a metric."""
        return [point for point in self.points if point.name == f"airflow.{name}"]


def _points(request: ExportMetricsServiceRequest) -> Iterator[Point]:
    found = [metric for one in request.resource_metrics for scope in one.scope_metrics for metric in scope.metrics]
    for metric in found:
        kind = metric.WhichOneof("data")
        for point in getattr(metric, kind).data_points:
            value = point.count if "histogram" in kind else point.as_int or point.as_double
            yield Point(metric.name, KINDS.get(kind, kind), _plain(point.attributes), value)


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    found = [span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans]
    for span in found:
        links = tuple(link.span_id.hex() for link in span.links)
        yield Span(span.name, span.span_id.hex(), span.trace_id.hex(), links, _plain(span.attributes))


def _plain(attributes) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@contextmanager
def receiving() -> Iterator[tuple[str, Received]]:
    """Yield the address of the receiver, and what it has received."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            received.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # with the default, 5, processes that send at the same time are refused

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
