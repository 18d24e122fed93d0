"""What a user sees who has not all permissions: results, documents, import errors; and what the audit log has."""

import json
from datetime import UTC, datetime

import pytest
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.models.dag import DagModel
from airflow.models.errors import ParseImportError
from airflow.models.log import Log
from airflow.models.xcom import XComModel
from airflow.utils.state import DagRunState
from sqlalchemy import select

from airflow_mcp_provider.plugin.status import import_errors

RUNS = "/jobs/crawl/runs"
NOW = datetime.now(UTC)


@pytest.fixture
def without(monkeypatch):
    """Take permissions to read something of a DAG, and views, away from all users."""

    def take(*entities):
        dag, view = SimpleAuthManager.is_authorized_dag, SimpleAuthManager.is_authorized_view

        def of_dag(self, *, method, user, access_entity=None, details=None):
            if method == "GET" and access_entity in entities:
                return False
            return dag(self, method=method, user=user, access_entity=access_entity, details=details)

        def of_view(self, *, access_view, user):
            return access_view not in entities and view(self, access_view=access_view, user=user)

        monkeypatch.setattr(SimpleAuthManager, "is_authorized_dag", of_dag)
        monkeypatch.setattr(SimpleAuthManager, "is_authorized_view", of_view)

    return take


@pytest.fixture
def ended(http, job, set_run, database):
    """A run whose report has raised."""
    run = http.post(RUNS, json={"key": "k"}).json()["run"]
    number = set_run(run, DagRunState.FAILED, start_date=NOW, end_date=NOW)
    value = {"state": "failed", "result": {"a": "secret"}, "error": {"type": "KeyError", "message": "secret"}}
    with database() as session:
        names = {"dag_run_id": number, "dag_id": "crawl", "run_id": run, "task_id": "report", "map_index": -1}
        session.add(XComModel(key="return_value", value=value, **names))
        session.commit()
    return run


def test_what_the_report_has_raised_is_an_xcom(http, ended, without):
    whole = http.get(f"{RUNS}/{ended}")
    assert whole.json()["error"] == {"code": "report_failed", "text": "KeyError: secret"}
    without(DagAccessEntity.XCOM)
    bare = http.get(f"{RUNS}/{ended}")
    assert "secret" not in bare.text
    assert (bare.json()["error"]["code"], bare.json()["result"]) == ("report_failed", None)
    assert bare.headers["etag"] != whole.headers["etag"]
    assert "secret" not in http.get(f"{RUNS}/{ended}/events").text
    assert "secret" not in http.post(RUNS, json={"key": "k"}, headers={"Prefer": "wait=1"}).text


def test_who_may_only_submit_gets_no_document(http, ended, without):
    request = {"json": {"key": "k"}, "headers": {"Prefer": "wait=1"}}
    assert http.post(RUNS, **request).json()["document"]["run"] == ended
    without(DagAccessEntity.RUN)
    answer = http.post(RUNS, **request)
    assert (answer.status_code, answer.json()["state"], answer.json()["document"]) == (200, "error", None)


def test_an_import_error_is_for_those_who_may_read_import_errors(http, job, database, without):
    with database() as session:
        text = "Traceback\n  token = 'hunter2'\nSpecError: invalid"
        session.add(ParseImportError(filename="jobs.py", bundle_name="b", stacktrace=text, timestamp=NOW))
        dag = session.get(DagModel, "crawl")
        dag.is_stale, dag.has_import_errors = True, True
        session.commit()
    answers = [lambda: http.get("/jobs/crawl"), lambda: http.get("/jobs"), lambda: http.post(RUNS, json={})]
    assert all("hunter2" in one().text for one in answers)
    without(AccessView.IMPORT_ERRORS)
    for one in answers:
        assert "hunter2" not in one().text
        assert import_errors.HIDDEN in one().text
    assert answers[2]().status_code == 409


def test_the_part_of_an_import_error_that_is_about_the_job():
    trace = (
        'File "jobs.py"\nSpecError: jobs/other.yaml:3: token\n/x/jobs/crawl.yaml:7: run: required\nmy-crawl.yaml:1: x'
    )
    assert import_errors.own_part("crawl", trace) == "/x/jobs/crawl.yaml:7: run: required"
    assert import_errors.own_part("none", trace) == trace


def test_an_error_of_a_spec_is_there_once_without_the_exceptions_of_airflow():
    error = "/x/jobs/crawl.yaml:7: run: required"
    serialized = f"airflow.exceptions.SerializationError: Failed to serialize DAG 'broken.crawl': {error}"
    trace = f"Traceback\nairflow_mcp_provider.errors.SpecError: {error}\n\nTraceback\n{serialized}\n"
    assert import_errors.own_part("crawl", trace) == error


def test_each_change_is_in_the_audit_log(http, job, set_run, database):
    one, two = (http.post(RUNS, json={}).json()["run"] for _ in range(2))
    for method, path, body, event, run in (
        ("POST", f"{RUNS}/{one}/priority", {"priority": 7}, "set_priority", one),
        ("POST", f"{RUNS}/{one}/parallelism", {"parallelism": 2}, "set_parallelism", one),
        ("POST", f"{RUNS}/{one}/cancel", {"reason": "because"}, "cancel_run", one),
        ("DELETE", f"{RUNS}/{two}", None, "delete_run", two),
        ("POST", "/jobs/crawl/pause", None, "pause_job", None),
        ("POST", "/jobs/crawl/resume", None, "resume_job", None),
    ):
        if event == "delete_run":
            assert http.request(method, path).status_code == 409
            set_run(two, DagRunState.SUCCESS)
        answer = http.request(method, path, json=body, headers={"x-user": "bert", "Authorization": "Bearer x"})
        assert answer.status_code in {200, 204}, answer.text
        with database() as session:
            rows = [*session.scalars(select(Log).where(Log.event == event))]
        assert [(row.owner, row.dag_id, row.run_id) for row in rows] == [("bert", "crawl", run)], event
        assert json.loads(rows[0].extra) == {"method": method, **(body or {})}


def test_a_body_that_a_route_does_not_read_is_not_in_the_audit_log(http, job, database):
    for content in (b"[" * 5000, b"{", b'{"a": "b"}'):
        answer = http.post("/jobs/crawl/pause", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 204
    with database() as session:
        rows = [*session.scalars(select(Log).where(Log.event == "pause_job"))]
    assert [json.loads(row.extra) for row in rows] == [{"method": "POST"}] * 3
