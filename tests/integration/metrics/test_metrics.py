"""Every metric of docs/metrics.md arrives at an OTLP receiver, with its tags."""

import pytest

from airflow_mcp_provider.plugin.metrics import ADMITTED, ENQUEUED, FINISHED, METRICS, REJECTED, RUNNING, Metric


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_arrives_with_its_kind_and_its_tags(received, runs, until, metric: Metric):
    points = until(lambda: received.of_metric(metric.name), metric.name)
    assert {(point.kind, *sorted(point.tags)) for point in points} == {(metric.kind, *sorted(metric.tags))}


@pytest.mark.parametrize(
    ("metric", "tags", "least"),
    [
        (ADMITTED, {"dag_id": "walk"}, 2),
        (ADMITTED, {"dag_id": "leaf"}, 1),
        (REJECTED, {"dag_id": "walk", "rule": "max_pending"}, 1),
        (ENQUEUED, {"dag_id": "walk"}, 4),
        (FINISHED, {"dag_id": "walk", "state": "success"}, 2),
        (RUNNING, {"dag_id": "walk"}, 1),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_metric_has_the_value_of_what_happened(received, runs, until, metric, tags, least):
    def reached():
        return max((point.value for point in received.of_metric(metric.name) if point.tags == tags), default=0) >= least

    until(reached, f"{metric.name} {tags} of {least}")
