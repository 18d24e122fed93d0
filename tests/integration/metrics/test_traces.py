"""The span of a subtask links to the span that enqueued it, at an OTLP receiver."""

import pytest

from tests.integration.metrics.receiver import Span

KEY, PARENT = "mcp.subtask.key", "mcp.subtask.parent"


@pytest.fixture
def spans(airflow, received, until):
    """Return the spans of a run that have a name, when so many are there."""

    def of(job, run, count, name):
        def found() -> list[Span]:
            trace = {span.trace for span in received.spans if span.attributes.get("airflow.dag_run.run_id") == run}
            there = [span for span in received.spans if span.trace in trace and span.name.startswith(name)]
            return there if len(there) >= count else []

        spans = until(found, f"{count} spans {name} of {job}")
        assert len(spans) == count
        return spans

    return of


def by_key(spans: list[Span]) -> dict[str, Span]:
    return {span.attributes[KEY]: span for span in spans}


def test_a_subtask_links_to_its_parent(spans, runs):
    (plan,) = spans("walk", runs.first, 1, "worker.plan")
    found = by_key(spans("walk", runs.first, 3, "worker.run["))
    assert {key: span.attributes.get(PARENT) for key, span in found.items()} == {
        "root": None,
        "root/0": "root",
        "root/1": "root",
    }
    assert found["root"].links == (plan.id,)
    assert found["root/0"].links == found["root/1"].links == (found["root"].id,)


def test_each_subtask_of_a_batch_has_a_span_and_the_next_step_links_to_it(spans, runs):
    (plan,) = spans("batches", runs.batches, 1, "worker.plan")
    search = by_key(spans("batches", runs.batches, 3, "subtask"))
    write = by_key(spans("batches", runs.batches, 3, "worker.write["))
    assert search["root"].links == (plan.id,)
    assert search["root/0"].links == search["root/1"].links == (search["root"].id,)
    assert {key: span.links for key, span in write.items()} == {key: (span.id,) for key, span in search.items()}


def test_a_subtask_that_is_a_run_links_to_that_run(spans, received, until, runs, airflow):
    (leaf,) = airflow.api.get("/dags/leaf/dagRuns")["dag_runs"]
    (run,) = spans("leaf", leaf["dag_run_id"], 1, "dag_run.leaf")
    called = {"mcp.called.job": "leaf", "mcp.called.run": leaf["dag_run_id"]}

    def ended() -> list[Span]:
        return [span for span in received.spans if called.items() <= span.attributes.items()]

    (last,) = until(ended, "span of the subtask whose run has ended")
    assert (last.name, last.attributes[KEY]) == ("worker.run[0]", "only")
    assert run.id in last.links
