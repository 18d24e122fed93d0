"""Each event of a run calls the notifiers of its job, whatever the notifiers do."""

import time

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.growth.waiting import until


def state(airflow: Embedded, job: str, run_id: str) -> str:
    return airflow.api.wait(job, run_id, 180)["state"]


def test_success_with_counts_and_a_link_for_a_file_and_a_webhook(airflow, runs, read, called):
    run_id = runs["succeeds"]
    assert state(airflow, "succeeds", run_id) == "success"
    (note,) = read("succeeds", run_id)
    counts = {"known": 2, "succeeded": 2, "failed": 0, "skipped": 0}
    assert note["mcp"] == {**note["mcp"], "event": "success", "job": "succeeds", "state": "complete", "counts": counts}
    assert note["text"] == note["mcp"]["message"] == note["message"]
    assert note["text"].splitlines()[0] == "Job succeeds succeeded: 2 of 2 subtasks succeeded"
    assert note["mcp"]["url"].startswith(f"{airflow.url}/dags/succeeds/runs/manual__")
    assert note["more"] == ["2", run_id]
    assert len(read("succeeds_later", run_id)) == 1
    ((path, body),) = [one for one in called if one[1]["run"] == run_id]
    assert (path, body["event"], body["text"]) == ("/hook", "success", note["text"])


def test_a_partly_succeeded_run_is_one_event(airflow, runs, read):
    run_id = runs["partial"]
    assert state(airflow, "partial", run_id) == "success"
    (note,) = read("partial", run_id)
    assert (note["mcp"]["event"], note["mcp"]["counts"]["failed"]) == ("partial", 1)
    (line,) = [line for line in note["text"].splitlines() if line.startswith("- ")]
    assert line.startswith("- `bad: ") or "bad" in line
    assert not {"<", ">", "&"} & set(note["text"].replace(note["mcp"]["url"], ""))
    assert "{{ mcp.job }}" in line


def test_notifiers_that_raise_exit_hang_or_do_not_exist_harm_nothing(airflow, runs, read, mails):
    run_id = runs["fails"]
    assert state(airflow, "fails", run_id) == "failed"
    (note,) = read("fails", run_id)
    assert note["mcp"]["counts"] == {"known": 2, "succeeded": 1, "failed": 1, "skipped": 0}
    assert airflow.api.xcom("fails", run_id, "report", "result")["state"] == "failed"
    (mail,) = mails.to("ops@example.com")
    assert f"Subject: fails failed ({run_id})" in mail.replace("\r\n ", " ").replace("\n ", " ")
    noted = airflow.api.xcom("fails", run_id, "report", "notified")
    assert noted["event"] == "failure"
    assert [reason.partition(": ")[0] for reason in noted["failed"]] == [
        "notes:Raises",
        "notes:Exits",
        "notes:Hangs",
        "notes:NOT_A_NOTIFIER",
        "missing.provider:Notifier",
    ]
    log = airflow.api.log("fails", run_id, "report")
    assert "the channel does not exist" in log
    assert "no module named 'missing'; install it in the runner" in log
    time.sleep(3)
    assert len(read("fails", run_id)) == 1


def test_a_plan_that_fails_for_good(airflow, runs, read):
    run_id = runs["no_plan"]
    assert state(airflow, "no_plan", run_id) == "failed"
    (note,) = read("no_plan", run_id)
    assert "plan ended as" in note["mcp"]["reason"]


def test_a_report_that_fails_is_a_failure_too(airflow, runs, read, wait):
    run_id = runs["no_fold"]
    assert state(airflow, "no_fold", run_id) == "failed"
    (note,) = wait("no_fold", run_id)
    assert "LookupError: the fold fails" in note["mcp"]["reason"]
    assert note["mcp"]["counts"]["succeeded"] == 1


def test_a_run_that_reaches_its_time_limit(airflow, runs, read, wait, mails):
    run_id = runs["timed_out"]
    assert state(airflow, "timed_out", run_id) == "failed"
    (note,) = wait("timed_out", run_id)
    assert "timeouts.run (20s) passed" in note["mcp"]["reason"]
    assert note["mcp"]["counts"]["succeeded"] == 0
    (mail,) = mails.to("late@example.com")
    assert "timed_out" in mail


def test_late_runs_and_a_run_that_waits_too_long_in_the_queue(airflow, runs, notes, read, wait):
    first, second = runs["late"], runs["late again"]
    (note,) = wait("late", first)
    assert note["mcp"]["event"] == "late"
    assert note["mcp"]["reason"] in {f"still {now} 4s after it could start" for now in ("queued", "running")}
    (note,) = wait("late", second)
    assert note["mcp"]["reason"] == "still queued 4s after it could start"
    (note,) = wait("late_failed", second)
    assert note["mcp"]["reason"] == "timeouts.queue (30s) passed before the run could start"
    assert note["mcp"]["counts"] is None
    (notes / "late").touch()
    assert state(airflow, "late", first) == "success"
    assert len(read("late_succeeded", first)) == 1
    assert (len(read("late", first)), len(read("late", second)), read("never", first)) == (1, 1, [])


def test_a_run_that_a_user_ends_is_not_a_failure(airflow, runs, read):
    run_id = runs["cancelled"]
    until(lambda: airflow.api.run("cancelled", run_id)["state"] == "running", what="the start")
    airflow.api.cancel("cancelled", run_id)
    assert state(airflow, "cancelled", run_id) == "failed"
    time.sleep(3)
    assert read("cancelled", run_id) == []
