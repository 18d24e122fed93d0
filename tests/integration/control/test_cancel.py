"""Cancel in each state of a run: what is reached, and that nothing starts afterwards."""

import time
from pathlib import Path

from tests.integration.control.conftest import begun, end, release, states, until, what
from tests.integration.control.dags import record as records
from tests.sizes import patient

LONGEST = 8.0
"""Seconds in which a task that was queued when its run was cancelled would have begun."""


def quiet_after(record, at, seconds=LONGEST):
    """Nothing begins after ``at``."""
    time.sleep(seconds)
    assert [one for one in records.seen(record, what="begin") if one["at"] > at + 0.05] == []


def running(airflow, job, run):
    return [one for one in airflow.api.task_instances(job, run) if one["state"] == "running"]


def gone(record, seconds=30):
    """Wait until no process of the work is left, which would go on for minutes."""
    import psutil

    pids = {one["pid"] for one in records.seen(record)}
    until(lambda: not any(psutil.pid_exists(pid) for pid in pids), seconds)


def test_a_queued_run_leaves_its_place(airflow, control, record):
    holder = airflow.api.trigger("worker", {"record": record, "seconds": 600})
    begun(record)
    queued, last = (airflow.api.trigger("worker", {"record": record + name}) for name in "ab")
    answer = control.post("worker", queued, "cancel", reason="no longer needed")
    assert answer["state"] == "cancelled"
    assert (answer["running"], answer["waiting"], answer["children"]) == (0, 3, 0)
    assert airflow.api.run("worker", queued)["note"] == "cancelled: no longer needed"
    release(record)
    assert airflow.api.wait("worker", last)["state"] == "success"
    assert airflow.api.run("worker", holder)["state"] == "success"
    assert records.seen(record + "a") == []
    told = end(airflow, "worker", queued)
    assert (told["reason"], told["text"], told["by"], told["until"]) == (
        "cancelled",
        "no longer needed",
        "admin",
        None,
    )


def test_while_it_is_planned(airflow, control, record):
    run = airflow.api.trigger("worker", {"record": record, "plan_seconds": 600, "subtasks": 5})
    begun(record, task="plan")
    answer = control.post("worker", run, "cancel")
    at = time.time()
    assert answer["state"] == "cancelling"
    assert (answer["running"], answer["waiting"]) == (1, 2)
    gone(record, 13)
    quiet_after(record, at, 1)
    assert set(states(airflow, "worker", run)) == {"failed", "skipped"}


def test_ten_running_may_clean_up(airflow, control, record):
    run = airflow.api.trigger("wide", {"record": record, "seconds": 600, "subtasks": 13, "cleanup": 1})
    begun(record, 10)
    answer = control.post("wide", run, "cancel", reason="wrong url", grace=patient(20))
    at = time.time()
    assert (answer["state"], answer["running"]) == ("cancelling", 10)
    assert answer["running"] + answer["waiting"] == 13 + 1, "with those that had not begun, and the report"
    gone(record)
    quiet_after(record, at, 3)
    worked = [one["task"] for one in records.seen(record, what="begin") if one["task"] != "plan"]
    assert len(worked) == 10
    for name in worked:
        assert what(record, name) == ["begin", "asked to end", "cleaned up"]
    assert states(airflow, "wide", run) == {"success": 1, "failed": 10, "skipped": 4}
    again = control.post("wide", run, "cancel", reason="twice")
    assert (again["running"], again["waiting"], again["children"]) == (0, 0, 0)
    assert end(airflow, "wide", run)["text"] == "wrong url"
    assert airflow.api.run("wide", run)["note"] == "cancelled: wrong url"


def test_a_runner_that_has_not_begun_its_work_does_not_begin_it(airflow, control, record):
    """Its task instance is running, but its process still loads the DAG file."""
    run = airflow.api.trigger("slow_start", {"record": record, "seconds": 600, "cleanup": 0.1})
    until(lambda: any(one["task_id"] == "run" for one in running(airflow, "slow_start", run)))
    answer = control.post("slow_start", run, "cancel")
    at = time.time()
    Path(airflow.folder, "loaded").touch()
    assert answer["running"] == 1
    quiet_after(record, at)
    assert what(record, "s0") == []


def test_work_that_takes_too_long_to_clean_up_is_killed(airflow, control, record):
    run = airflow.api.trigger("worker", {"record": record, "seconds": 600, "cleanup": 600})
    begun(record)
    control.post("worker", run, "cancel", grace=patient(2))
    gone(record, 12)
    assert what(record, "s0") == ["begin", "asked to end"]


def test_a_long_grace(airflow, control, record):
    """Longer than Airflow's supervisor waits by itself; the slot is held as long."""
    run = airflow.api.trigger("worker", {"record": record, "seconds": 600, "cleanup": 9})
    begun(record)
    control.post("worker", run, "cancel", grace=20)
    following = airflow.api.trigger("worker", {"record": record + "next"})
    gone(record)
    assert what(record, "s0") == ["begin", "asked to end", "cleaned up"]
    airflow.api.wait("worker", following)
    cleaned = records.seen(record, what="cleaned up")[0]["at"]
    assert cleaned < records.seen(record + "next", task="plan", what="begin")[0]["at"]


def test_at_the_very_moment_of_an_enqueue(airflow, control, record):
    run = airflow.api.trigger("worker", {"record": record, "does": "grow", "subtasks": 2})
    begun(record, 6)  # as many as may work: none is about to begin
    release(record)
    before = len(records.seen(record, what="enqueued"))
    until(lambda: len(records.seen(record, what="enqueued")) > before + 40)
    answer = control.post("worker", run, "cancel")
    at = time.time()
    assert answer["running"] >= 1
    gone(record)
    quiet_after(record, at)
    assert not {"running", "queued", "scheduled", "none"} & set(states(airflow, "worker", run))


def test_child_runs_are_cancelled_too(airflow, control, record):
    run = airflow.api.trigger("caller", {"record": record})
    begun(record)
    until(lambda: len(airflow.sql("SELECT 1 FROM dag_run WHERE dag_id = 'called' AND state = 'queued'")) == 1)
    answer = control.post("caller", run, "cancel")
    at = time.time()
    assert answer["children"] == 2
    called = airflow.sql("SELECT run_id, state FROM dag_run WHERE dag_id = 'called'")
    assert {state for _, state in called} == {"failed"}
    gone(record, 13)
    quiet_after(record, at, 3)
    text = f"the run {run} of caller was cancelled, which made this one for a subtask"
    assert {end(airflow, "called", name)["text"] for name, _ in called} == {text}


def test_a_batch_begins_no_further_subtask(airflow, control, record):
    run = airflow.api.trigger("packed", {"record": record, "seconds": 600, "subtasks": 3})
    begun(record)
    answer = control.post("packed", run, "cancel", grace=patient(10))
    at = time.time()
    assert answer["running"] == 1
    gone(record)
    assert what(record, "s0") == ["begin", "asked to end", "cleaned up"]
    quiet_after(record, at, 2)


def test_a_run_that_has_ended_is_left_as_it_is(airflow, control, record):
    run = airflow.api.trigger("worker", {"record": record})
    airflow.api.wait("worker", run)
    answer = control.post("worker", run, "cancel")
    assert (answer["state"], answer["running"], answer["waiting"]) == ("completed", 0, 0)
    assert airflow.api.run("worker", run)["state"] == "success"


def test_by_airflows_own_cancel_work_may_clean_up_too(airflow, record):
    run = airflow.api.trigger("worker", {"record": record, "seconds": 600, "cleanup": 0.1})
    begun(record)
    airflow.api.cancel("worker", run)
    gone(record)
    assert what(record, "s0") == ["begin", "asked to end", "cleaned up"]
    assert end(airflow, "worker", run)["reason"] == "cancelled"


def test_the_newest_run_replaces_the_running_one(airflow, record):
    old = airflow.api.trigger("latest", {"record": record, "seconds": 600, "cleanup": 0.1})
    begun(record)
    skipped = airflow.api.trigger("latest", {"record": record + "skipped"})
    new = airflow.api.trigger("latest", {"record": record + "new"})
    assert airflow.api.wait("latest", new)["state"] == "success"
    for run in (old, skipped):
        assert airflow.api.run("latest", run)["state"] == "failed"
        assert end(airflow, "latest", run)["reason"] == "replaced"
    assert what(record, "s0") == ["begin", "asked to end", "cleaned up"]
    assert records.seen(record + "skipped") == []


def test_the_newest_waiting_run_replaces_the_other_waiting_ones(airflow, record):
    holder = airflow.api.trigger("newest", {"record": record, "seconds": 600})
    begun(record)
    old, new = (airflow.api.trigger("newest", {"record": record + name}) for name in ("old", "new"))
    until(lambda: end(airflow, "newest", old))
    release(record)
    for run in (holder, new):
        assert airflow.api.wait("newest", run)["state"] == "success"
    assert airflow.api.run("newest", old)["state"] == "failed"
    assert end(airflow, "newest", old)["reason"] == "replaced"
    assert records.seen(record + "old") == []


def test_what_does_not_exist_is_not_found(airflow, control):
    for path in ("/jobs/worker/runs/nothing/cancel", "/jobs/nothing/runs/nothing/cancel"):
        answer = control.send("POST", path, {})
        assert (answer.status_code, "does not exist" in answer.json()["detail"]) == (404, True)
    assert control.client.post("/jobs/worker/runs/x/cancel", headers={"Authorization": ""}).status_code in {401, 403}
