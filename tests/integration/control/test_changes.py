"""Retry, priority, parallelism, pause, delete and retention, on a real Airflow."""

import time
from pathlib import Path

from tests.integration.control.conftest import begun, end, release, until, what
from tests.integration.control.dags import record as records


def most_at_once(record):
    """The largest number of subtasks that worked at the same time."""
    lines = sorted(records.seen(record), key=lambda one: one["at"])
    now = most = 0
    for one in lines:
        if one["task"] != "plan":
            now += {"begin": 1, "end": -1}.get(one["what"], 0)
            most = max(most, now)
    return most


def counted(record, tasks):
    """How often each subtask began."""
    return [what(record, task).count("begin") for task in tasks]


def test_what_failed_is_done_again_and_nothing_else(airflow, control, record):
    run = airflow.api.trigger("wide", {"record": record, "does": "fail", "subtasks": 4})
    assert airflow.api.wait("wide", run)["state"] == "success", "all failures are tolerated"
    Path(record + ".healed").touch()
    assert control.post("wide", run, "retry") == {"run": run, "state": "queued", "subtasks": 3}
    assert airflow.api.wait("wide", run)["state"] == "success"
    names = [f"s{n}" for n in range(4)]
    assert counted(record, names) == [1, 2, 2, 2]
    result = airflow.api.xcom("wide", run, "report")
    assert (result["state"], result["succeeded"]) == ("complete", 4)
    assert control.post("wide", run, "retry")["subtasks"] == 0
    assert control.post("wide", run, "retry", keys=["s0"])["subtasks"] == 1
    assert airflow.api.wait("wide", run)["state"] == "success"
    assert counted(record, names) == [2, 2, 2, 2]
    unknown = control.send("POST", f"/jobs/wide/runs/{run}/retry", {"keys": ["s0", "nothing"]})
    assert (unknown.status_code, "'nothing'" in unknown.json()["detail"]) == (404, True)


def test_a_run_that_was_stopped_is_continued(airflow, control, record):
    """No failure is tolerated: what had not begun was skipped."""
    run = airflow.api.trigger("worker", {"record": record, "does": "fail", "subtasks": 8})
    assert airflow.api.wait("worker", run)["state"] == "failed"
    Path(record + ".healed").touch()
    assert control.post("worker", run, "retry")["subtasks"] >= 7
    assert airflow.api.wait("worker", run)["state"] == "success"
    assert [what(record, f"s{n}").count("end") for n in range(8)] == [1] * 8


def test_of_a_batch_exactly_what_failed_is_done_again(airflow, control, record):
    run = airflow.api.trigger("packed", {"record": record, "does": "fail", "subtasks": 5})
    assert airflow.api.wait("packed", run)["state"] == "success", "all failures are tolerated"
    names = [f"s{n}" for n in range(5)]
    assert counted(record, names) == [1, 1, 1, 1, 1]
    Path(record + ".healed").touch()
    assert control.post("packed", run, "retry", keys=["s2", "s4"])["subtasks"] == 2
    assert airflow.api.wait("packed", run)["state"] == "success"
    assert counted(record, names) == [1, 1, 2, 1, 2]
    assert airflow.api.xcom("packed", run, "report")["failed"] == 2
    assert control.post("packed", run, "retry")["subtasks"] == 2
    assert airflow.api.wait("packed", run)["state"] == "success"
    assert counted(record, names) == [1, 2, 2, 2, 2]
    assert airflow.api.xcom("packed", run, "report")["failed"] == 0


def test_of_a_run_with_steps_only_the_step_that_failed_is_done_again(airflow, control, record):
    run = airflow.api.trigger("staged", {"record": record, "does": "fail", "subtasks": 4})
    airflow.api.wait("staged", run)
    names = [f"s{n}" for n in range(4)]
    searches = [f"search {name}" for name in names]
    Path(record + ".healed").touch()
    assert control.post("staged", run, "retry", keys=["s1"])["subtasks"] == 1
    airflow.api.wait("staged", run)
    assert counted(record, searches) == [1, 1, 1, 1]
    assert counted(record, names) == [1, 2, 1, 1]
    assert control.post("staged", run, "retry")["subtasks"] == 2
    assert airflow.api.wait("staged", run)["state"] == "success"
    assert counted(record, searches) == [1, 1, 1, 1]
    assert counted(record, names) == [1, 2, 2, 2]
    assert airflow.api.xcom("staged", run, "report")["failed"] == 0


def test_a_run_whose_plan_failed_is_planned_again(airflow, control, record):
    run = airflow.api.trigger("worker", {"record": record, "does": "fail_plan", "subtasks": 2})
    assert airflow.api.wait("worker", run)["state"] == "failed"
    Path(record + ".healed").touch()
    assert control.post("worker", run, "retry") == {"run": run, "state": "queued", "subtasks": 0}
    assert airflow.api.wait("worker", run)["state"] == "success"
    assert counted(record, ["s0", "s1"]) == [1, 1]


def test_a_cancelled_run_goes_on_after_its_processes_have_ended(airflow, control, record):
    """It is retried at once: the processes keep their grace, and the slot until they have ended."""
    run = airflow.api.trigger("worker", {"record": record, "seconds": 600, "cleanup": 0.1, "subtasks": 8})
    begun(record, 6)
    control.post("worker", run, "cancel")
    answer = control.send("DELETE", f"/jobs/worker/runs/{run}")
    assert (answer.status_code, "may work until" in answer.json()["detail"]) == (409, True)
    assert control.post("worker", run, "retry")["subtasks"] == 8
    until(lambda: len(records.seen(record, what="cleaned up")) == 6)
    release(record)
    assert airflow.api.wait("worker", run, 240)["state"] == "success"
    cleaned = [one["at"] for one in records.seen(record, what="cleaned up")]
    begins = sorted(one["at"] for one in records.seen(record, what="begin") if one["task"] != "plan")
    assert len(cleaned) == 6
    assert len(begins) == 6 + 8
    assert max(cleaned) < begins[6], "the old processes and the new ones never worked together"
    assert end(airflow, "worker", run) is None
    assert not (airflow.api.run("worker", run)["note"] or "").startswith("cancelled")


def test_an_active_run_cannot_be_retried_or_deleted(airflow, control, record):
    run = airflow.api.trigger("worker", {"record": record, "seconds": 600})
    begun(record)
    for method, path in (("POST", "/retry"), ("DELETE", "")):
        answer = control.send(method, f"/jobs/worker/runs/{run}{path}", {} if path else None)
        assert answer.status_code == 409, answer.text
        assert "has not ended" in answer.json()["detail"]
    release(record)
    airflow.api.wait("worker", run)


def test_the_priority_of_a_queued_run(airflow, control, record):
    holder = airflow.api.trigger("worker", {"record": record, "seconds": 600})
    begun(record)
    first, second = (airflow.api.trigger("worker", {"record": record + name}) for name in "ab")
    control.post("worker", second, "priority", priority=7)
    release(record)
    for run in (holder, first, second):
        assert airflow.api.wait("worker", run)["state"] == "success"
    a, b = (records.seen(record + name, task="plan")[0]["at"] for name in "ab")
    assert b < a
    answer = control.send("POST", f"/jobs/worker/runs/{holder}/priority", {"priority": 1})
    assert answer.status_code == 409


def test_the_parallelism_of_a_running_run(airflow, control, record):
    run = airflow.api.trigger("worker", {"record": record, "seconds": 600, "subtasks": 14})
    working = [one["task"] for one in begun(record, 6)]
    control.post("worker", run, "parallelism", parallelism=2)
    time.sleep(3)  # the loop of the scheduler that may have read the former number ends
    release(record, *working[:4])
    until(lambda: len(records.seen(record, what="end")) == 4)
    time.sleep(3)  # in which others would begin
    assert len(begun(record, 6)) == 6
    release(record, working[4])
    assert len(begun(record, 7)) == 7
    control.post("worker", run, "parallelism", parallelism=7)
    begun(record, 5 + 7)
    release(record)
    assert airflow.api.wait("worker", run)["state"] == "success"
    assert most_at_once(record) == 7
    following = airflow.api.trigger("worker", {"record": record + "next"})
    airflow.api.wait("worker", following)
    assert airflow.sql("SELECT max_active_tasks FROM dag WHERE dag_id = 'worker'")[0][0] == 6


def test_a_paused_job_starts_nothing(airflow, control, record):
    assert control.send("POST", "/jobs/worker/pause").status_code == 204
    run = airflow.api.trigger("worker", {"record": record})
    time.sleep(3)
    assert airflow.api.run("worker", run)["state"] == "queued"
    assert control.send("POST", "/jobs/worker/resume").status_code == 204
    assert airflow.api.wait("worker", run)["state"] == "success"


def test_no_run_starts_while_the_host_has_too_little_memory(airflow, control, record):
    run = airflow.api.trigger("heavy", {"record": record})
    note = until(lambda: airflow.api.run("heavy", run)["note"])
    assert note.startswith("waiting: ")
    assert note.endswith("Mi of memory are available on the host, and queue.memory is 900Gi")
    assert control.post("heavy", run, "cancel")["state"] == "cancelled"


def test_an_ended_run_is_deleted(airflow, control, record):
    run = airflow.api.trigger("worker", {"record": record})
    airflow.api.wait("worker", run)
    assert control.send("DELETE", f"/jobs/worker/runs/{run}").status_code == 204
    assert control.send("DELETE", f"/jobs/worker/runs/{run}").status_code == 404
    assert airflow.sql("SELECT 1 FROM task_instance WHERE dag_id = 'worker' AND run_id = %s", run) == []


def test_the_newest_ended_runs_are_kept(airflow, record):
    runs = [airflow.api.trigger("kept", {"record": record}) for _ in range(4)]
    for run in runs:
        until(lambda run=run: gone_or_ended(airflow, run), 120)
    until(lambda: left(airflow) == runs[-2:], 90)


def gone_or_ended(airflow, run):
    found = airflow.sql("SELECT state FROM dag_run WHERE dag_id = 'kept' AND run_id = %s", run)
    return not found or found[0][0] in {"success", "failed"}


def left(airflow):
    return [row[0] for row in airflow.sql("SELECT run_id FROM dag_run WHERE dag_id = 'kept' ORDER BY id")]
