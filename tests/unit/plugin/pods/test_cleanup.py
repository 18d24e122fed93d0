"""Which pods of ended task instances are deleted at once: those whose work has not begun, whatever the kubelet reports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import DagRunState, TaskInstanceState

from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.run_end import End, Reason
from airflow_mcp_provider.plugin.pods.cleanup import PodCleanup
from airflow_mcp_provider.plugin.pods.identity import INSTANCE
from airflow_mcp_provider.plugin.queue.cancel import end_run
from tests.unit.plugin.pods.test_pods import NAMES, pod
from tests.unit.plugin.queue.test_cancel import task

CREATED = datetime.now(UTC) - timedelta(minutes=1)
BEFORE, AFTER = CREATED - timedelta(minutes=5), CREATED + timedelta(seconds=20)


@pytest.fixture
def cleanup(job, session):
    """Cancel a run with one task instance, and look at its pod."""

    def look(state, phase, **fields):
        run = job.run("a", DagRunState.RUNNING)
        task(session, run, "run", state, 0, **fields)
        end_run(session, RunRef(run.id, "crawl", "a"), End(Reason.CANCELLED, "x", grace=30), 60)
        session.expire_all()
        instance = str(session.query(TaskInstance.id).scalar())
        made = pod(
            {"phase": phase},
            uid="1",
            creationTimestamp=CREATED.isoformat(),
            annotations={**NAMES, INSTANCE: instance},
        )
        return [one.metadata.uid for one in PodCleanup(None).look(session, [made])]

    return look


@pytest.mark.parametrize("phase", ["Pending", "Running"])
def test_work_that_has_begun_may_clean_up_also_where_its_pod_is_reported_late(cleanup, phase):
    assert cleanup(TaskInstanceState.RUNNING, phase, start_date=AFTER) == []


@pytest.mark.parametrize("start", [None, BEFORE], ids=["never", "an earlier attempt"])
def test_a_pod_whose_work_has_not_begun_is_deleted_at_once(cleanup, start):
    assert cleanup(TaskInstanceState.QUEUED, "Pending", start_date=start) == ["1"]
