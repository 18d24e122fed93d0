"""A job with more ready subtasks than slots: the scheduler goes on, others get their share, a lost slot comes back."""

import os
import signal
from collections import Counter
from datetime import datetime
from typing import NamedTuple

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.slots.conftest import SLOTS, Crowd, active, busy_workers, wait

BEATS = 9  # one a second; the pipe to the workers would be full after five, and stay so until a subtask ends


def test_a_crowd_of_long_subtasks_does_not_stop_the_scheduler(airflow: Embedded, crowd: Crowd) -> None:
    """It sends its heartbeats while every slot is taken, and before a subtask has ended."""
    run = crowd.come(200, seconds=86400)
    for _ in range(BEATS):
        before = heartbeat(airflow)
        wait(lambda seen=before: heartbeat(airflow) > seen, airflow, "a heartbeat of the scheduler")
        assert len(active(airflow)) == SLOTS
    assert Counter(states(airflow, run))["success"] == 1, "plan alone has ended"


def heartbeat(airflow: Embedded) -> datetime:
    ((at,),) = airflow.sql("SELECT latest_heartbeat FROM job WHERE job_type = 'SchedulerJob'")
    found: datetime = at
    return found


def test_two_runs_share_the_slots(airflow: Embedded, crowd: Crowd) -> None:
    """A runner may take long; what counts is who has the slots, and who is given the next one."""
    came = crowd.come(400, seconds=0.3)
    guest = airflow.api.trigger("guest", {"count": 20, "seconds": 0.3})
    airflow.api.wait("guest", guest)
    given = tasks(airflow, guest, came)
    assert sum(ready == "scheduled" for ready in states(airflow, came)) > 100, "the crowd had work all the time"

    ((begun,),) = airflow.sql("SELECT start_date FROM dag_run WHERE run_id = %s", guest)
    (plan,) = (one for one in given if one.name == ("guest", "plan"))
    runs = [one.queued for one in given if one.name == ("guest", "run")]
    before = [one.queued for one in given if one.name[0] == "crowd"]
    assert len(runs) == 20
    assert sum(begun < at < plan.queued for at in before) <= 3 * SLOTS, "a slot that gets free goes to the plan"
    assert sum(plan.ended < at < runs[0] for at in before) <= 3 * SLOTS, "and then to the first subtask"
    shares = [share(given, one.queued) for one in given if runs[0] <= one.queued <= runs[-1]]
    assert 0.35 <= sum(shares) / len(shares) <= 0.65


class Given(NamedTuple):
    """A task that was given a slot: from when to when; a task that works still ends now."""

    name: tuple[str, str]
    queued: datetime
    ended: datetime


def tasks(airflow: Embedded, *runs: str) -> list[Given]:
    """All that were given a slot, in order."""
    query = """
        SELECT dag_id, task_id, queued_dttm, coalesce(end_date, now()) FROM task_instance
        WHERE run_id IN (%s, %s) AND queued_dttm IS NOT NULL ORDER BY queued_dttm
    """
    return [Given((job, task), queued, ended) for job, task, queued, ended in airflow.sql(query, *runs)]


def share(given: list[Given], at: datetime) -> float:
    """Return which part of the slots that are taken at a moment the guest has."""
    taken = [one.name[0] for one in given if one.queued <= at < one.ended]
    return taken.count("guest") / len(taken)


def states(airflow: Embedded, run_id: str) -> list[str]:
    return [state for (state,) in airflow.sql("SELECT state FROM task_instance WHERE run_id = %s", run_id)]


def test_the_slots_of_killed_workers_come_back(airflow: Embedded) -> None:
    """All of them: otherwise nothing would start any more. Of a cancelled run Airflow misses no heartbeat."""
    lost = airflow.api.trigger("guest", {"count": SLOTS, "seconds": 86400})
    wait(lambda: running(airflow, lost) == SLOTS, airflow, "a running subtask in every slot")
    workers = busy_workers(airflow)
    assert len(workers) == SLOTS
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    airflow.api.cancel("guest", lost)
    after = airflow.api.trigger("guest", {"count": 2 * SLOTS, "seconds": 0})
    assert airflow.api.wait("guest", after)["state"] == "success"


def running(airflow: Embedded, run_id: str) -> int:
    query = "SELECT count(*) FROM task_instance WHERE run_id = %s AND task_id = 'run' AND state = 'running'"
    ((count,),) = airflow.sql(query, run_id)
    return int(count)
