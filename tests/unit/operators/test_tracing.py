"""What the spans of subtasks have, with OpenTelemetry's own SDK; and that nothing is added where tracing is off."""

import threading

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import format_span_id

from airflow_mcp_provider.operators import tracing
from airflow_mcp_provider.operators.server_client import ServerClient
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.answer_types import ChildRun
from airflow_mcp_provider.runtime.messages import Item
from airflow_mcp_provider.runtime.payload import Child

ENQUEUED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ITEM = Item("a/b", {"name": "a/b"}, "a", 1, trace=ENQUEUED)


class Kept:
    """Airflow's accessor, of a server that answers each enqueue."""

    def __init__(self):
        self.sent = {}

    def set(self, key, value):
        self.sent[key] = value

    def get(self, *_):
        call = self.sent[store_keys.ENQUEUE]["call"]
        return {"call": call, "new": 1, "reserved": 1, "instances": 1, "mappable": 9}


@pytest.fixture
def spans(monkeypatch):
    """Return the spans that have ended; ``TRACER`` and the tracer of the fixture make them."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "TRACER", provider.get_tracer("test"))
    return exporter.get_finished_spans


def links(span):
    return [format_span_id(link.context.span_id) for link in span.links]


def test_the_span_of_a_task_is_described_by_its_subtask(spans):
    with tracing.TRACER.start_as_current_span("worker.run[0]"):
        tracing.describe(ITEM)
    (span,) = spans()
    assert dict(span.attributes) == {"mcp.subtask.key": "a/b", "mcp.subtask.parent": "a"}
    assert links(span) == ["b7ad6b7169203331"]


def test_a_subtask_of_plan_that_was_enqueued_without_tracing(spans):
    with tracing.TRACER.start_as_current_span("worker.run[0]"):
        tracing.describe(Item("a", {}, None, 0))
    assert (dict(spans()[0].attributes), links(spans()[0])) == ({"mcp.subtask.key": "a"}, [])


def test_each_subtask_of_a_batch_has_its_span_and_a_failed_one_tells_no_text(spans):
    with tracing.TRACER.start_as_current_span("worker.run[0]"):
        with tracing.span_of(ITEM):
            pass
        with pytest.raises(LookupError), tracing.span_of(Item("c", {}, None, 0)):
            raise LookupError("a secret")
    good, bad, task = spans()
    assert (good.parent.span_id, links(good)) == (task.context.span_id, ["b7ad6b7169203331"])
    assert (bad.status.is_ok, bad.status.description, len(bad.events)) == (False, "LookupError", 0)


def test_a_run_of_another_job_is_linked(spans):
    with tracing.TRACER.start_as_current_span("worker.run[0]"):
        tracing.describe_call("leaf", ChildRun("one", "success", 1.0, None, ENQUEUED))
    (span,) = spans()
    assert (dict(span.attributes), links(span)) == (
        {"mcp.called.job": "leaf", "mcp.called.run": "one"},
        ["b7ad6b7169203331"],
    )


def test_a_request_of_another_thread_has_the_span_of_the_task(spans):
    store = Kept()
    with tracing.TRACER.start_as_current_span("worker.run[0]"):
        client = ServerClient(store)
        sending = threading.Thread(target=client.enqueue, args=([Child("k", {})],))
        sending.start()
        sending.join()
    (span,) = spans()
    assert store.sent[store_keys.ENQUEUE]["trace"].split("-")[2] == format_span_id(span.context.span_id)


def test_without_tracing_a_request_has_no_field_more():
    store = Kept()
    ServerClient(store).enqueue([Child("k", {})])
    assert store.sent[store_keys.ENQUEUE].keys() == {"call", "children"}
    tracing.describe(ITEM)
    with tracing.span_of(ITEM):
        assert tracing.traceparent() is None


def test_a_run_that_is_not_sampled_has_no_field_more():
    tracer = TracerProvider(sampler=ALWAYS_OFF).get_tracer("test")
    with tracer.start_as_current_span("worker.run[0]"):
        assert tracing.traceparent() is None


@pytest.mark.parametrize(
    "damaged", ["", "x", "01-0-0-0", ENQUEUED + "0" * 9, "00-" + "0" * 32 + "-" + "0" * 16 + "-01"]
)
def test_a_damaged_trace_costs_the_link_alone(spans, damaged):
    with tracing.TRACER.start_as_current_span("worker.run[0]"):
        tracing.describe(Item("a", {}, None, 0, trace=damaged))
    assert links(spans()[0]) == []
