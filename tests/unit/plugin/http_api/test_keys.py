"""Keys of submits that lead to a run which another submit has created."""

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.task_state_store import TaskStateStoreModel
from airflow.utils.state import DagRunState
from sqlalchemy import delete

RUNS = "/jobs/crawl/runs"


@pytest.fixture
def unique(make_job):
    make_job(more="queue: {unique: [url]}")


def submit(http, key=None, **conf):
    return http.post(RUNS, json={"conf": conf} | ({"key": key} if key else {}))


def test_a_key_stays_with_the_run_that_did_the_same_work(http, unique, set_run):
    first = submit(http, url="b").json()["run"]
    assert (submit(http, "k", url="b").status_code, submit(http, "k", url="b").json()["run"]) == (200, first)
    set_run(first, DagRunState.RUNNING)
    again = submit(http, "k", url="b")
    assert (again.status_code, again.json()["run"]) == (200, first), "although it is not queued any more"
    other = submit(http, "k", url="c")
    assert (other.status_code, other.json()["type"]) == (422, "urn:airflow-mcp:key_reused")
    assert submit(http, "k2", url="b").status_code == 202
    bert = http.post(RUNS, json={"conf": {"url": "c"}, "key": "k"}, headers={"x-user": "bert"})
    assert bert.status_code == 202, "a user's keys are the user's own"


def test_a_key_of_a_run_with_a_key(http, unique, set_run):
    first = submit(http, "a", url="b").json()["run"]
    assert submit(http, "k", url="b").json()["run"] == first
    set_run(first, DagRunState.SUCCESS)
    assert submit(http, "k", url="b").json()["run"] == submit(http, "a", url="b").json()["run"] == first


def test_a_deleted_run_frees_its_keys(http, unique, database):
    first = submit(http, "a", url="b").json()["run"]
    assert submit(http, "k", url="b").json()["run"] == first
    with database() as session:
        # What the database does itself where foreign keys count.
        assert [one.ondelete for one in TaskStateStoreModel.__table__.foreign_key_constraints] == ["CASCADE"]
        session.execute(delete(TaskStateStoreModel))
        session.execute(delete(DagRun).where(DagRun.run_id == first))
        session.commit()
    assert submit(http, "k", url="c").status_code == 202
