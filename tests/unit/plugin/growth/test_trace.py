"""The item of a subtask has the span that enqueued it, as the runner sent it."""

import json

import pytest
from airflow.utils.state import TaskInstanceState

from airflow_mcp_provider.errors import InvalidPayload
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.request_types import read_request
from tests.unit.plugin.played import Played

SPAN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"


class Staged(Played):
    """A run of two steps, of which the first has batches of a size."""

    def __init__(self, session, job, batch):
        self.SPEC = (
            "plan: {items: [1]}\nsteps:\n"
            f"  - {{name: search, run: {{shell: x}}, subtasks: {{batch: {batch}}}}}\n"
            "  - {name: write, run: {shell: x}}\n"
        )
        super().__init__(session, job)
        self.instance("write.places", -1, TaskInstanceState.SUCCESS)
        self.instance("write", -1, TaskInstanceState.SKIPPED)

    def item(self, task_id, index):
        return json.loads(self.get(task_id, index, store_keys.ITEM))


def begin(run, trace):
    body = {"begin": run.begin, "children": [["a", {"node": "a"}]]}
    answer = run.ask("plan", -1, store_keys.ENQUEUE, body if trace is None else {**body, "trace": trace})
    assert answer["new"] == 1, answer
    run.instance("search", 0)


def test_an_enqueued_subtask_and_its_next_step(session, job):
    run = Staged(session, job, batch=1)
    begin(run, SPAN)
    assert run.item("search", 0)["trace"] == SPAN
    run.ask("search", 0, store_keys.DONE, {"outcome": {"attempt": 1, "result": 1}, "trace": OTHER})
    assert run.item("write", 0)["trace"] == OTHER


def test_the_next_step_after_a_batch(session, job):
    run = Staged(session, job, batch=3)
    begin(run, SPAN)
    tries = {"attempts": 1, "delay": 1.0, "backoff": 1.0, "max_delay": 1.0}
    first = run.ask("search", 0, store_keys.NEXT, {"tries": tries})
    assert first["item"]["trace"] == SPAN
    ended = {"attempt": 1, "result": 1, "place": 0}
    run.ask("search", 0, store_keys.NEXT, {"tries": tries, "ended": ended, "trace": OTHER})
    assert run.item("write", 0)["trace"] == OTHER


def test_without_tracing_an_item_has_no_field_more(session, job):
    run = Staged(session, job, batch=1)
    begin(run, None)
    assert "trace" not in run.item("search", 0)


@pytest.mark.parametrize("trace", ["", "x", SPAN + "\n", SPAN.upper(), "01" + SPAN[2:], "0" * 10_000, 5])
def test_a_trace_of_another_form_is_refused(trace):
    with pytest.raises(InvalidPayload, match=r"trace"):
        read_request(store_keys.ENQUEUE, {"call": "1", "children": [], "trace": trace})
