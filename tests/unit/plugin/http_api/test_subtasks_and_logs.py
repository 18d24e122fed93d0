"""Subtasks with any key in the path, and their logs, over HTTP."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from urllib.parse import quote

import pytest
from airflow.configuration import conf
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.tasklog import LogTemplate
from airflow.serialization.serialized_objects import DagSerialization
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import select

from airflow_mcp_provider.client import LogLine
from airflow_mcp_provider.plugin.growth import backend
from airflow_mcp_provider.plugin.http_api import logs
from airflow_mcp_provider.plugin.http_api.airflow_internals import TaskLogReader, loaded
from tests.sizes import patient
from tests.unit.plugin.conftest import Job
from tests.unit.plugin.played import Played
from tests.unit.waiting import until

KEYS = ["a", "a/b", "a/logs", "logs", "ü ?#&%", "%2F", "..", "x/runs/y/subtasks/z", "\n", "'\"<>", "🙂" * 20]
SUBTASKS = "/jobs/crawl/runs/one/subtasks"
NOW = datetime.now(UTC)


class Plain(Played):
    SPEC = "plan: {items: [1]}\nrun: {shell: x}"


@pytest.fixture
def played(database):
    with database() as session:
        session.add(
            LogTemplate(filename="{{ ti.run_id }}/{{ ti.map_index }}/{{ try_number }}.log", elasticsearch_id="")
        )
        session.flush()
        run = Plain(session, Job(session))
        run.planned(KEYS)
        for index in range(len(KEYS)):
            run.instance("run", index, TaskInstanceState.SUCCESS).start_date = NOW
        run.run.start_date = NOW
        session.commit()
    yield
    backend.materializer().stop()
    backend.materializer.cache_clear()


def test_an_empty_parent_is_a_filter_and_other_empty_values_are_none(played, http):
    found = http.get(SUBTASKS, params={"parent": "", "state": "", "step": "", "text": "", "cursor": ""}).json()
    assert [(one["key"], one["children"]) for one in found["subtasks"]] == [(key, 0) for key in KEYS]
    assert [one["ui"] for one in found["subtasks"]][1] == "/dags/crawl/runs/one/tasks/run/mapped/1"
    assert http.get(SUBTASKS, params={"parent": "a"}).json()["subtasks"] == []
    assert http.get(SUBTASKS).json()["subtasks"][0]["children"] is None
    assert http.get(SUBTASKS, params={"state": "odd"}).status_code == 422


def test_each_key_in_a_list_leads_to_its_subtask_and_its_log(played, http):
    listed = http.get(SUBTASKS).json()["subtasks"]
    assert [one["key"] for one in listed] == KEYS
    for one in listed:
        found = http.get(f"{SUBTASKS}/{quote(one['key'], safe='').replace('.', '%2E')}")
        assert (found.status_code, found.json().get("key"), found.json().get("map_index")) == (
            200,
            one["key"],
            one["map_index"],
        ), one["key"]
        path = "-/logs?key=.." if one["key"] == ".." else f"{quote(one['key'], safe='')}/logs"
        assert one["log"] == f"/job-control/v1{SUBTASKS}/{path}"


def test_a_key_that_a_path_cannot_have_stands_in_the_query(played, http):
    """A browser takes `..` out of each path, also as %2E%2E."""
    for key in KEYS:
        assert http.get(f"{SUBTASKS}/-", params={"key": key}).json()["key"] == key
    assert http.get(f"{SUBTASKS}/-/logs", params={"key": ".."}).status_code == 200
    assert http.get(f"{SUBTASKS}/a", params={"key": "none"}).status_code == 404


def test_a_slash_that_is_not_encoded(played, http):
    assert http.get(f"{SUBTASKS}/a/b").json()["key"] == "a/b"
    assert http.get(f"{SUBTASKS}/none/of/these").status_code == 404


def test_filters_of_the_list(played, http):
    assert [one["key"] for one in http.get(SUBTASKS, params={"text": "a/l"}).json()["subtasks"]] == ["a/logs"]
    assert http.get(SUBTASKS, params={"state": "failed"}).json() == {"subtasks": [], "next": None}
    page = http.get(SUBTASKS, params={"limit": 2}).json()
    assert [
        one["key"] for one in http.get(SUBTASKS, params={"limit": 2, "cursor": page["next"]}).json()["subtasks"]
    ] == KEYS[2:4]
    for wrong in ({"state": "odd"}, {"cursor": "odd"}, {"limit": 1000}):
        assert http.get(SUBTASKS, params=wrong).status_code == 422


@pytest.fixture
def log(played, database):
    """Write a line into the log of a subtask."""

    def write(index, text, task="run", more=None):
        with database() as session:
            query = loaded().where(TaskInstance.task_id == task, TaskInstance.map_index == index)
            one = session.scalars(query).unique().one()
        name = TaskLogReader().log_handler._render_filename(one, one.try_number)
        path = Path(conf.get("logging", "base_log_folder")) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            line = {"timestamp": NOW.isoformat(), "level": "info", "event": text, **(more or {})}
            file.write(json.dumps(line) + "\n")

    return write


@pytest.fixture
def set_state(database):
    def change(index, state, task="run"):
        with database() as session:
            one = session.scalars(
                select(TaskInstance).where(TaskInstance.task_id == task, TaskInstance.map_index == index)
            ).one()
            one.state = state
            session.commit()

    return change


@pytest.fixture
def looks(monkeypatch):
    """Wait until a follower, which looks often, has looked again and read what it found."""
    looked, plain = [], logs.Tracker.look
    monkeypatch.setattr(logs, "LOOK_S", 0.05)
    monkeypatch.setattr(logs.Tracker, "look", lambda self: looked.append(self) or plain(self))

    def again():
        before = len(looked)
        until(lambda: len(looked) > before + 1)

    return again


def lines(answer):
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines() if line]


def test_the_log_of_a_subtask_has_its_own_lines(log, http):
    log(1, "the first")
    found = lines(http.get(f"{SUBTASKS}/a%2Fb/logs"))
    assert "the first" in [one["event"] for one in found]
    assert {(one["task"], one["map_index"], one["attempt"]) for one in found} == {("run", 1, 1)}
    assert not [one for one in found if "::" in one["event"]]
    assert http.get(f"{SUBTASKS}/none/logs").status_code == 404


@pytest.mark.parametrize("path", [f"{SUBTASKS}/a%2Fb/logs", "/jobs/crawl/runs/one/logs"])
def test_the_last_lines_of_a_log(log, http, path):
    for number in range(5):
        log(1, f"line {number}")
    whole = lines(http.get(path))
    assert lines(http.get(path, params={"tail": 2})) == whole[-2:]
    assert lines(http.get(path, params={"tail": 1000})) == whole
    for wrong in ({"tail": 0}, {"tail": 1001}, {"tail": 2, "follow": "true"}):
        answer = http.get(path, params=wrong)
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:airflow-mcp:invalid_request"), wrong


def test_a_log_is_followed_to_the_end_of_the_attempt(log, http, set_state, looks):
    set_state(0, TaskInstanceState.RUNNING)
    log(0, "one")
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(http.get, f"{SUBTASKS}/a/logs", params={"follow": "true"})
        looks()
        log(0, "two")
        looks()
        log(0, "three")
        set_state(0, TaskInstanceState.SUCCESS)
        found = lines(following.result(patient(60)))
    assert [one["event"] for one in found if one["event"] in {"one", "two", "three"}] == ["one", "two", "three"]


def test_the_log_of_a_run_has_those_of_all_its_tasks(log, http):
    for index in range(len(KEYS)):
        log(index, f"line of {index}")
    found = [one["event"] for one in lines(http.get("/jobs/crawl/runs/one/logs"))]
    assert {f"line of {index}" for index in range(len(KEYS))} <= set(found)


@pytest.fixture
def many(played, log, database):
    """250 task instances with a log each."""
    with database() as session:
        first = session.scalars(select(TaskInstance).where(TaskInstance.map_index == 0)).one()
        for index in range(len(KEYS), 250):
            one = TaskInstance(
                DagSerialization.from_dict(session.scalars(select(SerializedDagModel)).one().data).get_task("run"),
                run_id="one",
                map_index=index,
                dag_version_id=first.dag_version_id,
            )
            one.state, one.try_number, one.start_date = TaskInstanceState.SUCCESS, 1, NOW + timedelta(seconds=index)
            session.add(one)
        session.commit()
    for index in range(250):
        log(index, f"line of {index}")


@pytest.mark.parametrize("follow", ["false", "true"])
def test_all_logs_of_a_run_with_more_than_two_pages_of_them(many, http, database, follow):
    with database() as session:
        session.scalars(select(DagRun)).one()._state = DagRunState.SUCCESS
        session.commit()
    found = lines(http.get("/jobs/crawl/runs/one/logs", params={"follow": follow}))
    assert [one["event"] for one in found if one["event"].startswith("line of")] == [f"line of {n}" for n in range(250)]


def test_the_logs_of_more_running_tasks_than_are_open_at_once(many, http, database):
    with database() as session:
        for one in session.scalars(select(TaskInstance).where(TaskInstance.task_id == "run")):
            one.state = TaskInstanceState.RUNNING
        session.commit()
    found = [one["event"] for one in lines(http.get("/jobs/crawl/runs/one/logs"))]
    assert {f"line of {n}" for n in range(250)} <= set(found)


def test_fields_of_the_task_do_not_change_ours(log, http):
    own = {"task": "other", "key": "its own", "attempt": 7, "map_index": "x", "fields": 3}
    log(1, "odd", more={**own, "size": 1})
    (line,) = [one for one in lines(http.get(f"{SUBTASKS}/a%2Fb/logs")) if one["event"] == "odd"]
    found = LogLine.model_validate(line)
    assert (found.task, found.map_index, found.key, found.attempt) == ("run", 1, "a key", 1)
    assert line["fields"] == own
    assert line["size"] == 1


def test_a_follower_reads_for_a_tenth_of_the_time_at_most():
    assert logs.Took(0.01).pause == logs.LOOK_S
    assert logs.Took(0.5).pause == 5
    assert logs.Took(60).pause == logs.COMMENT_S, "a connection without a line is cut"


def test_a_follower_does_not_wait_for_the_reading_of_another_one(log, http, monkeypatch):
    log(0, "first")
    log(1, "second")
    entered, go = Event(), Event()
    plain = logs.Opened.lines

    def slow(self):
        if self.instance.map_index == 0:
            entered.set()
            assert go.wait(patient(60))
        yield from plain(self)

    monkeypatch.setattr(logs.Opened, "lines", slow)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(http.get, f"{SUBTASKS}/a/logs")
        assert entered.wait(patient(60))
        assert "second" in [one["event"] for one in lines(http.get(f"{SUBTASKS}/a%2Fb/logs"))]
        go.set()
        assert "first" in [one["event"] for one in lines(reading.result(patient(60)))]


def test_the_log_of_a_subtask_is_followed_when_its_key_is_known(log, http, database, set_state, looks, monkeypatch):
    monkeypatch.setattr(logs, "NAMED_WITHIN", timedelta(hours=1))

    def change(**more):
        with database() as session:
            one = session.scalars(select(TaskInstance).where(TaskInstance.map_index == 0)).one()
            for name, value in more.items():
                setattr(one, name, value)
            session.commit()

    change(state=TaskInstanceState.RUNNING, _rendered_map_index=None, start_date=datetime.now(UTC))
    log(0, "early")
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(http.get, f"{SUBTASKS}/a/logs", params={"follow": "true"})
        looks()
        change(_rendered_map_index="a")
        looks()
        set_state(0, TaskInstanceState.SUCCESS)
        found = lines(following.result(patient(60)))
    assert {one["key"] for one in found} == {"a"}
    assert [one["event"] for one in found].count("early") == 1
