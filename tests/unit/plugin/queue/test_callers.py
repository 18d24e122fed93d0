"""Runs that were made for a subtask: one damaged row does not keep the watch from the others."""

import pytest
from airflow.utils.state import DagRunState

from airflow_mcp_provider.plugin import store
from airflow_mcp_provider.plugin.queue import callers
from airflow_mcp_provider.plugin.store import PLAN, RunRef
from tests.unit.plugin.conftest import SETTINGS


@pytest.mark.parametrize("damaged", [5, {"run": "x"}, [], {"run": True, "task_id": 1, "map_index": 0}])
def test_a_damaged_caller_keeps_nobody_from_being_looked_at(session, make_job, monkeypatch, damaged):
    job, ended = make_job(), []
    gone = {"run": 9_999, "task_id": "run", "map_index": 0}
    for name, caller in (("subtask__a", damaged), ("subtask__b", gone), ("manual__c", gone)):
        run = job.run(name, DagRunState.RUNNING)
        store.write(session, RunRef(run.id, "crawl", name), PLAN, -1, callers.CALLER, caller)
    session.commit()  # what a look undoes is its own
    monkeypatch.setattr(callers, "_end", lambda _, run: ended.append(run.run_id))
    callers.end_abandoned(session, SETTINGS)
    assert ended == ["subtask__b"]
