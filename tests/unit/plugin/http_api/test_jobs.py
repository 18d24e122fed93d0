"""Documents and lists of jobs over HTTP."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import yaml
from airflow.models.dag import DagModel
from airflow.models.errors import ParseImportError
from airflow.utils.state import DagRunState
from sqlalchemy import event

from airflow_mcp_provider.plugin.http_api import job_routes

NOW = datetime.now(UTC)


@pytest.fixture
def broken(database):
    def make(file, bundle="b", text="Traceback\nSpecError: jobs/crawl.yaml:3: invalid"):
        with database() as session:
            session.add(ParseImportError(filename=file, bundle_name=bundle, stacktrace=text, timestamp=NOW))
            session.commit()

    return make


def test_a_job(http, make_job, set_run):
    make_job(
        more="queue: {max_pending: 7, priority: 2}\ntags: [web]\ntimeouts: {run: 1h, queue: 5m}\nsubtasks: {parallelism: 3}"
    )
    runs = []
    for n in range(12):
        runs.append(http.post("/jobs/crawl/runs", json={"conf": {"url": f"secret-{n}"}}).json()["run"])
        if n < 4:
            set_run(runs[n], DagRunState.SUCCESS, start_date=NOW, end_date=NOW)
        if n == 4:
            set_run(runs[4], DagRunState.RUNNING, start_date=NOW)
    found = http.get("/jobs/crawl").json()
    assert (found["job"], found["tags"], found["paused"], found["queued"], found["error"]) == (
        "crawl",
        ["web"],
        False,
        7,
        None,
    )
    assert found["holder"]["run"] == runs[4]
    assert found["holder"]["submitter"] == "anna"
    assert [one["run"] for one in found["queue"]] == runs[5:]
    assert [one["position"] for one in found["queue"]] == list(range(1, 8))
    assert [one["run"] for one in found["last"]] == runs[2:][::-1]
    (listed,) = http.get("/jobs").json()["jobs"]
    assert listed["last"] == found["last"], "ten latest in a list, too"
    assert found["params"]["properties"]["url"] == {"type": "string", "default": "a"}
    assert found["params"]["additionalProperties"] is False
    spec = found["spec"]
    assert (spec["queue"], spec["timeouts"], spec["parallelism"]) == (
        {"max_pending": 7, "priority": 2},
        {"run": "1h", "queue": "5m"},
        3,
    )
    assert spec["steps"] == [{"name": "run", "attempts": 3}]
    assert yaml.safe_load(found["spec_text"]) == spec
    assert "secret-" not in json.dumps(found), "a list has no conf"


def test_params_without_a_default_are_required(http, make_job):
    params = "{text: {type: string}, empty: {type: [string, 'null'], default: null}, one: {type: integer, default: 1}}"
    make_job(text=f"params: {params}\nplan: {{items: [1]}}\nrun: {{shell: x}}")
    found = http.get("/jobs/crawl").json()["params"]
    assert found["required"] == ["text"]
    assert found["properties"]["text"] == {"type": "string"}
    assert found["properties"]["empty"]["default"] is None


def test_the_arguments_of_the_work_and_environments_are_not_in_the_document(http, make_job):
    make_job(more="pod: {env: {TOKEN: hunter2}}\nreport: {shell: 'echo hunter2'}")
    assert "hunter2" not in http.get("/jobs/crawl").text


@pytest.mark.parametrize("text", ["", "one line", "two\n\nparts, and a table\n\n| | |\n| --- | --- |\n| a | b |"])
def test_the_description_in_a_spec_is_that_of_the_spec(http, make_job, text):
    make_job(more=f"description: {json.dumps(text)}")
    assert http.get("/jobs/crawl").json()["spec"].get("description", "") == text


@pytest.mark.parametrize(
    ("file", "bundle", "shown"),
    [
        ("jobs/crawl.yaml", "b", True),
        ("jobs.py", "b", True),
        ("jobs/crawler.yaml", "b", False),
        ("crawl.yaml", "c", False),
    ],
)
def test_the_error_of_a_spec(http, job, broken, database, file, bundle, shown):
    """Its job goes on with the last valid version, unless the file of its DAG cannot be imported."""
    broken(file, bundle)
    error = http.get("/jobs/crawl").json()["error"] or ""
    assert ("crawl.yaml:3: invalid" in error, "last valid version" in error) == (shown, shown)
    assert http.post("/jobs/crawl/runs", json={}).status_code == 202
    with database() as session:
        dag = session.get(DagModel, "crawl")
        dag.is_stale, dag.has_import_errors = True, shown
        session.commit()
    assert "last valid version" not in http.get("/jobs/crawl").json()["error"]
    answer = http.post("/jobs/crawl/runs", json={})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:airflow-mcp:invalid_spec")
    assert ("crawl.yaml:3: invalid" in answer.json()["detail"]) is shown


def test_a_removed_job_that_is_kept_for_its_active_run_is_removed(http, job, database):
    with database() as session:
        session.get(DagModel, "crawl").has_import_errors = True
        session.commit()
    assert "does not define this job" in http.get("/jobs/crawl").json()["error"]
    assert http.post("/jobs/crawl/runs", json={}).status_code == 409


def test_a_job_whose_file_is_gone(http, job, database):
    with database() as session:
        session.get(DagModel, "crawl").is_stale = True
        session.commit()
    assert http.get("/jobs").json()["jobs"] == []
    assert "does not define this job" in http.get("/jobs/crawl").json()["error"]
    assert http.post("/jobs/crawl/runs", json={}).status_code == 409


def test_lists_are_filtered_searched_and_paged(http, make_job, set_run, database):
    for name in ("a1", "a2", "b_1", "bx1"):
        make_job(name, more=f"tags: [{name[0]}]")
    make_job("plain", tag="other")
    with database() as session:
        session.get(DagModel, "a2").is_paused = True
        session.commit()
    http.post("/jobs/bx1/runs", json={})

    def named(**query):
        return [one["job"] for one in http.get("/jobs", params=query).json()["jobs"]]

    assert named() == ["a1", "a2", "b_1", "bx1"]
    assert named(search="A") == ["a1", "a2"]
    assert named(search="b_") == ["b_1"], "no wildcards"
    assert named(search="the job b") == ["b_1", "bx1"]
    assert named(tag="b") == ["b_1", "bx1"]
    assert http.get("/tags").json() == {"tags": ["a", "b"]}, "each once, and none of a DAG that is not a job"
    assert named(paused="true") == ["a2"]
    assert named(active="true") == ["bx1"]
    assert named(active="false", paused="false") == ["a1", "b_1"]
    first = http.get("/jobs", params={"limit": 3}).json()
    assert (first["next"], named(cursor=first["next"])) == ("b_1", ["bx1"])
    (one,) = http.get("/jobs", params={"active": "true"}).json()["jobs"]
    assert (one["queued"], [run["state"] for run in one["last"]]) == (1, ["queued"])


def test_only_jobs_that_the_user_may_read_are_listed(http, make_job, monkeypatch):
    for name, tag in (("a1", "a"), ("a2", "b")):
        make_job(name, more=f"tags: [{tag}]")
    monkeypatch.setattr(job_routes, "readable_jobs", lambda *_: {"a2", "plain"})
    assert [one["job"] for one in http.get("/jobs").json()["jobs"]] == ["a2"]
    assert http.get("/tags").json() == {"tags": ["b"]}


def test_the_schedule_of_a_job(http, make_job, database):
    make_job(
        more="schedule: {cron: '0 8 * * *', timezone: Europe/Berlin, jitter: 5m, misfire_grace: 1h, conf: {url: b}}"
    )
    with database() as session:
        row = session.get_one(DagModel, "crawl")
        row.timetable_summary, row.timetable_description = "0 8 * * *", "At 08:00 (Europe/Berlin)"
        row.next_dagrun_create_after = NOW
        session.commit()
    before = datetime.now(UTC)
    found = http.get("/jobs/crawl").json()
    assert (found["schedule"], found["schedule_description"]) == ("0 8 * * *", "At 08:00 (Europe/Berlin)")
    assert datetime.fromisoformat(found["next_run"]) == NOW
    upcoming = [datetime.fromisoformat(one) for one in found["upcoming"]]
    assert {one.astimezone(ZoneInfo("Europe/Berlin")).hour for one in upcoming} == {8}
    assert (len(upcoming), sorted(upcoming)) == (5, upcoming)
    assert timedelta(0) < upcoming[0] - before <= timedelta(days=1, hours=1)
    assert found["spec"]["schedule"] == {"jitter": "5m", "misfire_grace": "1h", "coalesce": True, "conf": {"url": "b"}}


def test_a_job_without_a_schedule_has_no_description_of_one(http, make_job, database):
    make_job()
    with database() as session:
        row = session.get_one(DagModel, "crawl")
        row.timetable_summary, row.timetable_description = "None", "Never, external triggers only"
        session.commit()
    found = http.get("/jobs/crawl").json()
    assert (found["schedule"], found["schedule_description"], found["next_run"]) == (None, None, None)
    assert "schedule" not in found["spec"]
    assert found["upcoming"] == []


@pytest.mark.parametrize(
    ("schedule", "dates"),
    [
        ("{at: '2150-01-01T00:00:00Z'}", ["2150-01-01T00:00:00Z"]),
        ("{at: '2001-01-01T00:00:00Z'}", []),
        (
            "{every: 1h, start: '2150-01-01T00:00:00Z', end: '2150-01-01T01:00:00Z'}",
            ["2150-01-01T00:00:00Z", "2150-01-01T01:00:00Z"],
        ),
        ("{after: [other]}", []),
    ],
)
def test_the_next_dates_of_other_schedules(http, make_job, schedule, dates):
    make_job(more=f"schedule: {schedule}")
    assert http.get("/jobs/crawl").json()["upcoming"] == dates


def test_a_removed_job_has_no_next_dates(http, make_job, database):
    make_job(more="schedule: {at: '2150-01-01T00:00:00Z'}")
    with database() as session:
        dag = session.get(DagModel, "crawl")
        dag.is_stale, dag.next_dagrun_create_after = True, NOW
        session.commit()
    found = http.get("/jobs/crawl").json()
    assert (found["next_run"], found["upcoming"]) == (None, [])


def test_a_run_in_a_list_has_its_priority_and_why_it_waits(http, make_job, set_run):
    make_job(more="queue: {priority: 3}")
    runs = [http.post("/jobs/crawl/runs", json=body).json()["run"] for body in ({}, {}, {"priority": 7})]
    set_run(runs[0], DagRunState.RUNNING, start_date=NOW)
    for listed in (http.get("/jobs/crawl").json()["last"], http.get("/jobs/crawl/runs").json()["runs"]):
        assert [(one["priority"], (one["reason"] or {}).get("code")) for one in listed] == [
            (7, "holder_running"),
            (3, "behind"),
            (3, None),
        ]
    assert http.get(f"/jobs/crawl/runs/{runs[2]}").json()["priority"] == 7


def test_a_list_of_more_jobs_needs_no_more_queries(http, make_job, database):
    def queries():
        seen = []
        note = lambda *arguments: seen.append(arguments[2])  # noqa: E731
        engine = database.kw["bind"]
        event.listen(engine, "before_cursor_execute", note)
        assert http.get("/jobs").status_code == 200
        event.remove(engine, "before_cursor_execute", note)
        return len(seen)

    make_job("a1")
    http.post("/jobs/a1/runs", json={})
    queries()
    before = queries()
    for name in ("a2", "a3"):
        make_job(name)
        for _ in range(3):
            http.post(f"/jobs/{name}/runs", json={})
    queries()
    assert queries() == before
