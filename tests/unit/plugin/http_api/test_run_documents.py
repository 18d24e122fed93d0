"""Documents of runs over HTTP: ETags, states, lists, what a user may see."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from airflow.models.dagrun import DagRun, DagRunNote
from airflow.models.task_state_store import TaskStateStoreModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import select, update

from airflow_mcp_provider.plugin.db.run_end import End, Reason
from airflow_mcp_provider.plugin.http_api import access
from airflow_mcp_provider.plugin.status.reasons import NOT_REPORTED

RUNS = "/jobs/crawl/runs"
NOW = datetime.now(UTC)


@pytest.fixture
def end(database, http, job, set_run):
    """Make a run that has ended."""

    def make(state, *, end=None, report=None, alive=False, note=None):
        run_id = http.post(RUNS, json={}).json()["run"]
        number = set_run(run_id, state, start_date=NOW, end_date=NOW)
        with database() as session:
            names = {"dag_id": "crawl", "run_id": run_id}
            if end:
                session.add(
                    TaskStateStoreModel(
                        dag_run_id=number, task_id="mcp", map_index=-1, key="mcp.end", value=end, **names
                    )
                )
            if report:
                session.add(
                    XComModel(
                        dag_run_id=number, task_id="report", map_index=-1, key="return_value", value=report, **names
                    )
                )
            if note:
                session.get_one(DagRun, number).note = note
            if alive:
                one = session.scalars(
                    select(TaskInstance).where(TaskInstance.run_id == run_id, TaskInstance.task_id == "plan")
                ).one()
                one.state, one.last_heartbeat_at = TaskInstanceState.FAILED, datetime.now(UTC)
            session.commit()
        return http.get(f"{RUNS}/{run_id}").json()

    return make


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("cancelled", "cancelled"),
        ("replaced", "cancelled"),
        ("timeout", "timeout"),
        ("queue_timeout", "timeout"),
        ("invalid", "error"),
    ],
)
def test_how_a_run_was_ended(end, reason, expected):
    document = end("failed", end=End(Reason(reason), "because", "anna", NOW).row())
    assert (document["state"], document["done"]) == (expected, True)
    told = {"code": reason, "text": "because"}
    assert document["error" if expected == "error" else "reason"] == told
    assert end("success", end=End(Reason(reason), "before", at=NOW).row())["state"] == "completed"


def test_a_damaged_row_of_the_end(end):
    for row in ("[", "{}", json.dumps({"reason": "odd", "text": "x", "at": None, "until": None})):
        document = end("failed", end=row)
        assert (document["state"], document["error"]["code"]) == ("error", "no_result"), row


def test_the_end_of_before_a_clear_does_not_count(end):
    states = [end("failed", end=End(Reason.CANCELLED, "", clear_number=number).row())["state"] for number in (0, 1)]
    assert states == ["cancelled", "error"]


def test_a_run_is_cancelling_while_its_processes_run(end, http):
    now = datetime.now(UTC)
    row = End(Reason.CANCELLED, "", "anna", now, now + timedelta(hours=1)).row()
    document = end("failed", end=row, alive=True)
    assert (document["state"], document["done"]) == ("cancelling", False)
    assert document["reason"] == {"code": "cancelled", "text": "cancelled by anna"}
    assert end("failed", end=row)["state"] == "cancelled", "no process is left"
    listed = http.get(RUNS).json()["runs"]
    assert [one["state"] for one in listed] == ["cancelled", "cancelling"]
    assert [one["state"] for one in http.get(RUNS, params={"state": "cancelling"}).json()["runs"]] == ["cancelling"]


@pytest.mark.parametrize(
    ("state", "report", "expected", "reason", "error"),
    [
        ("success", {"state": "complete", "subtasks": 2, "result": {"files": 3}}, "completed", None, None),
        ("success", {"state": "partial", "subtasks": 2, "result": None}, "partial", "partial", None),
        ("success", {"state": "nothing to do", "subtasks": 0}, "completed", "nothing_to_do", None),
        ("success", None, "completed", None, None),
        ("failed", {"state": "failed", "subtasks": 2, "failed": 2}, "error", None, "subtasks_failed"),
        ("failed", {"state": "failed", "subtasks": 0}, "error", None, "plan_failed"),
        ("failed", {"state": "failed", "error": {"type": "KeyError", "message": "x"}}, "error", None, "report_failed"),
        ("failed", None, "error", None, "no_result"),
    ],
)
def test_how_a_run_ended_by_itself(end, http, state, report, expected, reason, error):
    document = end(state, report=report, note="seen by Anna" if state == "success" else None)
    assert (document["state"], document["result"]) == (expected, (report or {}).get("result"))
    assert (document["reason"] or {}).get("code") == reason
    assert (document["error"] or {}).get("code") == error
    (listed,) = http.get(RUNS).json()["runs"]
    assert listed["failed"] == (report or {}).get("failed")
    assert (listed["reason"] or {}).get("code") == (reason or (error and "failed"))


@pytest.mark.parametrize(("failed", "expected"), [(0, "completed"), (2, "partial")])
def test_a_person_may_write_a_note_like_ours(end, http, failed, expected):
    report = {"state": "partial" if failed else "complete", "subtasks": 9, "failed": failed}
    assert end("success", report=report, note="partial: as I see it")["state"] == expected
    assert [one["failed"] for one in http.get(RUNS).json()["runs"]] == [failed]


def test_the_report_of_a_run_without_a_note_is_not_read(end, http):
    """It may be large, and the list of jobs has many runs. One that did not complete with subtasks has a note."""
    assert end("success", report={"state": "partial"})["state"] == "completed"
    assert [one["state"] for one in http.get(RUNS).json()["runs"]] == ["completed"]


def test_a_document_that_has_not_changed_is_not_sent_again(http, job, set_run):
    run = http.post(RUNS, json={}).json()["run"]
    first = http.get(f"{RUNS}/{run}")
    tag = first.headers["etag"]
    for given in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = http.get(f"{RUNS}/{run}", headers={"If-None-Match": given})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    set_run(run, start_date=NOW)
    changed = http.get(f"{RUNS}/{run}", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["state"]) == (200, "running")


def test_a_waiting_run_names_what_it_waits_for(http, job, set_run, database):
    one, two, three = (http.post(RUNS, json={}).json()["run"] for _ in range(3))
    set_run(one, start_date=NOW)
    reasons = [http.get(f"{RUNS}/{run}").json()["reason"] for run in (two, three)]
    assert reasons[0] == {"code": "holder_running", "text": f"{one} is running"}
    assert reasons[1] == {"code": "behind", "text": f"1 run of the job is ahead in the queue; {two} is next"}
    from airflow.models.dag import DagModel

    with database() as session:
        session.get(DagModel, "crawl").is_paused = True
        session.commit()
    assert http.get(f"{RUNS}/{two}").json()["reason"]["code"] == "paused"


def test_the_parallelism_of_a_running_run(http, job, set_run):
    run = http.post(RUNS, json={}).json()["run"]

    def parallelism():
        return http.get(f"{RUNS}/{run}").json()["parallelism"]

    assert parallelism() is None
    set_run(run, start_date=NOW)
    assert parallelism() == 16
    assert http.post(f"{RUNS}/{run}/parallelism", json={"parallelism": 5}).status_code == 204
    assert parallelism() == 5
    set_run(run, DagRunState.SUCCESS, start_date=NOW, end_date=NOW)
    assert parallelism() is None


def test_lists_have_cursors_and_filters(http, job, set_run):
    made = [http.post(RUNS, json={}).json()["run"] for _ in range(5)]
    set_run(made[0], DagRunState.SUCCESS, start_date=NOW, end_date=NOW)
    seen, cursor = [], None
    while True:
        page = http.get(RUNS, params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen += [one["run"] for one in page["runs"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == made[::-1]
    assert [one["run"] for one in http.get(RUNS, params={"state": "completed"}).json()["runs"]] == made[:1]
    assert [one["position"] for one in http.get(RUNS, params={"state": ["queued"]}).json()["runs"]] == [4, 3, 2, 1]
    for wrong in ({"cursor": "x"}, {"limit": 0}, {"state": "odd"}, {"cursor": "9" * 20}):
        assert http.get(RUNS, params=wrong).status_code == 422


def test_pages_of_runs_with_large_numbers(http, job, database):
    made = [http.post(RUNS, json={}).json()["run"] for _ in range(3)]
    with database() as session:
        for number, run in enumerate(made):
            session.execute(update(DagRun).where(DagRun.run_id == run).values(id=2_000_000_000 + number))
        session.commit()
    page = http.get(RUNS, params={"limit": 1}).json()
    rest = http.get(RUNS, params={"limit": 2, "cursor": page["next"]}).json()
    assert [one["run"] for one in page["runs"] + rest["runs"]] == made[::-1]


def write_note(database, run, text):
    with database() as session:
        note = DagRunNote(text)
        note.dag_run_id = session.scalar(select(DagRun.id).where(DagRun.run_id == run))
        session.add(note)
        session.commit()


@pytest.mark.parametrize(
    ("note", "code", "shown"),
    [
        (
            "failed: 3 of 9 subtasks succeeded, 6 failed (tolerated: 0)\na: secret",
            "failed",
            "3 of 9 subtasks succeeded, 6 failed (tolerated: 0)",
        ),
        ("failed: the report failed: `KeyError: secret`", "report_failed", "the report failed; see the run"),
        (
            "failed: the report failed: `KeyError: secret`; 9 of 9 subtasks succeeded",
            "report_failed",
            "the report failed; see the run",
        ),
        ("a note of a person: secret", "failed", NOT_REPORTED),
    ],
)
def test_why_a_run_in_a_list_has_failed(end, http, database, note, code, shown):
    """In one line, without what the report has raised: that is an XCom."""
    run = end("failed")["run"]
    write_note(database, run, note)
    (listed,) = http.get(RUNS).json()["runs"]
    assert listed["reason"] == {"code": code, "text": shown}


def test_a_run_with_failures_in_a_list(end, http, database):
    for note in ("partial: 3 of 4 subtasks succeeded", "a note of a person", None):
        run = end("success", report={"state": "partial", "failed": 1})["run"]
        write_note(database, run, note)
    listed = http.get(RUNS).json()["runs"]
    assert [(one["state"], one["failed"]) for one in listed] == [("partial", None), ("partial", None), ("partial", 1)]


def test_an_odd_number_of_failures_in_the_result_of_a_report(end, http):
    for odd in ("x", -1, {"a": 1}, None, 1.5):
        end("failed", report={"state": "failed", "failed": odd})
    assert {one["failed"] for one in http.get(RUNS).json()["runs"]} == {None}


def test_without_permission_for_xcoms_a_run_has_no_result(app, end, http):
    app.dependency_overrides[access._reads_results] = lambda: False
    document = end("success", report={"state": "complete", "result": {"secret": 1}})
    assert (document["state"], document["result"]) == ("completed", None)


def test_what_does_not_exist(http, job):
    for path in (
        f"{RUNS}/none",
        f"{RUNS}/none/events",
        f"{RUNS}/none/logs",
        f"{RUNS}/none/subtasks",
        "/jobs/none",
        "/jobs/none/runs",
    ):
        answer = http.get(path)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:airflow-mcp:not_found"), path


def test_a_run_of_a_dag_that_is_not_a_job_is_not_shown(http, make_job, database):
    make_job("plain", tag="other")
    with database() as session:
        session.add(DagRun(dag_id="plain", run_id="one", run_type="manual", run_after=NOW, conf={}))
        session.commit()
    assert http.get("/jobs/plain/runs/one").status_code == 404
