"""Runs that a real scheduler creates of a job's schedule."""

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from airflow_mcp_provider.plugin.schedules import dates
from tests.integration.schedule.conftest import DAY, LAST, SECOND, until


def test_a_scheduled_run_has_its_conf_and_starts_in_its_grace(scheduled):
    scheduled.date("plain_conf", datetime.now(UTC) - SECOND)
    done = scheduled.done("plain_conf", scheduled.run("plain_conf"))
    assert (done.state, done.conf, done.submitter) == ("completed", {"site": "a"}, None)
    job = scheduled.client.job("plain_conf")
    assert job.next_run == LAST + DAY
    assert job.schedule


def test_jitter_is_the_start_that_the_run_shows(scheduled):
    date = datetime.now(UTC).replace(microsecond=0)
    scheduled.date("jittered", date)
    name = scheduled.run("jittered")
    run = scheduled.client.run("jittered", name)
    most = timedelta(minutes=30)
    assert run.not_before == date + dates.jitter("jittered", name, most)
    assert (run.state, run.reason.code) == ("queued", "not_before")
    assert scheduled.next_date("jittered") == LAST + DAY


def test_after_a_downtime_exactly_what_the_rule_says_is_started(scheduled):
    """Three days: four dates, with the last one."""
    jobs = ("latest", "latest_in_time", "each", "each_in_time")
    scheduled.airflow.kill("scheduler-1")
    for job in jobs:
        scheduled.date(job, LAST - 3 * DAY)
    scheduled.airflow.start("scheduler-1")
    until(lambda: all(scheduled.next_date(job) == LAST + DAY for job in jobs), 90)
    ended = {job: [scheduled.done(job, run) for run in scheduled.runs(job)] for job in jobs}
    dated = {job: [run.run.removeprefix("scheduled__")[:10] for run in runs] for job, runs in ended.items()}
    days = [f"{LAST - number * DAY:%Y-%m-%d}" for number in (3, 2, 1, 0)]
    assert dated == {"latest": days[-1:], "latest_in_time": days[-1:], "each": days, "each_in_time": days[-1:]}
    assert {run.state for job in ("latest", "each") for run in ended[job]} == {"completed"}
    for job in ("latest_in_time", "each_in_time"):
        (run,) = ended[job]
        assert (run.state, run.reason.code, run.started) == ("timeout", "misfire", None)
        assert (
            run.error.text == f"misfire_grace (10s) passed before the run of {LAST:%Y-%m-%d %H:%M:%S} UTC could start"
        )
    spans = [(run.started, run.ended) for run in ended["each"]]
    assert all(before[1] <= after[0] for before, after in pairwise(spans)), "one after the other"


def test_a_run_that_waits_beyond_its_grace_is_dropped_while_another_works(scheduled):
    holder = scheduled.client.submit("late", {"site": "b", "go": "/never"}).run
    until(lambda: scheduled.client.run("late", holder).state == "running")
    scheduled.date("late", datetime.now(UTC) - SECOND)
    dropped = scheduled.done("late", scheduled.run("late"))
    assert (dropped.state, dropped.reason.code) == ("timeout", "misfire")
    assert scheduled.airflow.api.run("late", dropped.run)["note"].startswith("failed: misfire_grace (3s) passed")
    assert scheduled.client.run("late", holder).state == "running"
    scheduled.client.cancel("late", holder)


def test_submitted_runs_do_not_stop_a_schedule(scheduled):
    """One in the far future, and the flag that a parse of the DAG file sets because of it."""
    scheduled.client.submit("crowded", {"site": "b"}, not_before=datetime.now(UTC) + 30 * DAY)
    scheduled.date("crowded", LAST, exceeds_max_non_backfill=True)
    assert scheduled.done("crowded", scheduled.run("crowded")).state == "completed"


def test_dates_before_the_start_of_a_run_that_waited_get_no_run(scheduled):
    run = scheduled.done("plain_conf", scheduled.run("plain_conf"))
    scheduled.date("plain_conf", run.started - SECOND)
    until(lambda: scheduled.next_date("plain_conf") == LAST + DAY)
    assert scheduled.runs("plain_conf") == [run.run]


def test_pausing_holds_and_resuming_starts_one(scheduled):
    scheduled.client.pause("held")
    scheduled.date("held", LAST - 3 * DAY)
    scheduled.looks()
    assert scheduled.runs("held") == []
    scheduled.client.resume("held")
    assert scheduled.done("held", scheduled.run("held")).state == "completed"
    scheduled.looks()
    assert len(scheduled.runs("held")) == 1


def test_a_damaged_marker_and_a_conf_that_does_not_fit_stop_no_other_job(scheduled):
    put = "UPDATE serialized_dag SET data = jsonb_set(data::jsonb, %s, %s::jsonb)::json WHERE dag_id = %s RETURNING id"
    path = "{dag,default_args,__var,mcp,__var,schedule,__var}"
    assert scheduled.airflow.sql(put, path, '{"jitter": "soon"}', "damaged")
    assert scheduled.airflow.sql(put, path, '{"conf": {"__type": "dict", "__var": {"site": 5}}}', "wrong_conf")
    for job in ("damaged", "wrong_conf", "plain_conf"):
        scheduled.date(job, datetime.now(UTC) + SECOND)
    wrong = scheduled.done("wrong_conf", scheduled.run("wrong_conf"))
    assert (wrong.state, wrong.error.code) == ("error", "invalid")
    assert wrong.error.text.startswith("conf of the job wrong_conf: Invalid input for param site")
    assert scheduled.done("plain_conf", scheduled.run("plain_conf", 2)).state == "completed"
    damaged = scheduled.run("damaged")
    note = until(lambda: scheduled.airflow.api.run("damaged", damaged)["note"])
    assert note.startswith("waiting: the gate failed and will retry")


def test_the_report_of_a_check_is_the_conf_of_its_run(scheduled):
    """No triggerer runs: the events are written as one writes them."""
    query = "SELECT asset_id FROM dag_schedule_asset_reference WHERE dag_id = 'watched'"
    asset = scheduled.airflow.sql(query)[0][0]
    found = []
    for number, conf in enumerate(({"site": "b"}, {"sites": "b"}), 1):
        body = {"asset_id": asset, "extra": {"from_trigger": True, "payload": {"mcp.conf": conf}}}
        scheduled.airflow.api.post("/assets/events", body)
        found.append(scheduled.done("watched", scheduled.run("watched", number)))
    assert [(run.state, run.conf) for run in found] == [("completed", {"site": "b"}), ("error", {})]
    assert found[1].error.text.startswith("unknown param 'sites' of the job watched; expected go, site")


def test_a_short_schedule_runs_one_after_the_other_until_it_is_paused(scheduled):
    scheduled.client.resume("often")
    scheduled.run("often", 2)
    scheduled.client.pause("often")
    scheduled.looks()
    names = scheduled.runs("often")
    query = "SELECT start_date, coalesce(end_date, now()) FROM dag_run WHERE dag_id = 'often' AND start_date IS NOT NULL ORDER BY start_date"
    spans = scheduled.airflow.sql(query)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert len(set(names)) == len(names)
    time.sleep(3)  # a date comes
    scheduled.looks()
    assert scheduled.runs("often") == names
