"""The spans of subtasks, where Airflow's tracing is on (``[traces] otel_on``).

Runs in the runner. The span of a subtask links to the span that enqueued it. It is no child of that span: OpenTelemetry
links what a queue separates (https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/), and the parent
in the trace is the run, as for every task of Airflow. Where tracing is off or the run is not sampled, no request and
no item has a field more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from airflow_mcp_provider.runtime.answer_types import ChildRun
from airflow_mcp_provider.runtime.messages import Item

TRACER = trace.get_tracer("airflow_mcp_provider")


def traceparent() -> str | None:
    """Return the current span as a W3C traceparent; None where it is not sampled."""
    current = trace.get_current_span().get_span_context()
    if not (current.is_valid and current.trace_flags.sampled):
        return None
    return f"00-{trace.format_trace_id(current.trace_id)}-{trace.format_span_id(current.span_id)}-01"


def describe(item: Item) -> None:
    """Add the subtask to the current span, which is that of its task."""
    span = trace.get_current_span()
    if span.is_recording():
        span.set_attributes(_attributes(item))
        _link(span, item.trace)


@contextmanager
def span_of(item: Item) -> Iterator[None]:
    """Make a span of one subtask of a batch: its task has one span for all of them."""
    links = [Link(enqueued)] if (enqueued := _context(item.trace)) else []
    with TRACER.start_as_current_span(
        "subtask",
        attributes=_attributes(item),
        links=links,
        record_exception=False,  # its text and its trace may have secrets
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except Exception as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def describe_call(job: str, answer: ChildRun) -> None:
    """Add the run of another job, which the subtask was, to the current span."""
    span = trace.get_current_span()
    if span.is_recording():
        span.set_attributes({"mcp.called.job": job, "mcp.called.run": answer.run})
        _link(span, answer.trace)


def _attributes(item: Item) -> dict[str, str]:
    parent = {} if item.parent is None else {"mcp.subtask.parent": item.parent}
    return {"mcp.subtask.key": item.key, **parent}


def _link(span: trace.Span, parent: str | None) -> None:
    if (context := _context(parent)) is not None:
        span.add_link(context)


def _context(parent: str | None) -> SpanContext | None:
    """Return the span that a traceparent names; None for none, and for one of a form that is not known."""
    if parent is None:
        return None
    found = TraceContextTextMapPropagator().extract({"traceparent": parent})
    context = trace.get_current_span(found).get_span_context()
    return context if context.is_valid else None
