"""A job with more ready subtasks than slots: the scheduler goes on, others get their share, a lost slot comes back."""

import os
import signal
from collections import Counter
from datetime import datetime

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.slots.conftest import SLOTS, Crowd, active, busy_workers, wait

BEATS = 9  # one a second; the pipe to the workers would be full after five, and stay so until a subtask ends


def test_a_crowd_of_long_subtasks_does_not_stop_the_scheduler(airflow: Embedded, crowd: Crowd) -> None:
    """It sends its heartbeats while every slot is taken, and before a subtask has ended."""
    run = crowd.come(200, seconds=60)
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
    came = crowd.come(400, seconds=0.3)
    ((before,),) = airflow.sql("SELECT now()")
    guest = airflow.api.trigger("guest", {"count": 20, "seconds": 0.3})
    airflow.api.wait("guest", guest)
    started = starts(airflow, guest, came, before)
    assert sum(ready == "scheduled" for ready in states(airflow, came)) > 100, "the crowd had work all the time"

    plan = started.index(("guest", "plan"))
    first = started.index(("guest", "run"))
    last = len(started) - 1 - started[::-1].index(("guest", "run"))
    assert plan <= 3 * SLOTS, "a slot that gets free goes to the plan, once its run has started"
    assert first - plan <= 3 * SLOTS, "and then to the first subtask"
    both = started[first : last + 1]
    assert 0.35 <= both.count(("guest", "run")) / len(both) <= 0.65


def starts(airflow: Embedded, guest: str, crowd: str, since: object) -> list[tuple]:
    """What started after that time, in order."""
    query = """
        SELECT dag_id, task_id FROM task_instance WHERE run_id IN (%s, %s) AND start_date > %s ORDER BY start_date
    """
    return airflow.sql(query, guest, crowd, since)


def states(airflow: Embedded, run_id: str) -> list[str]:
    return [state for (state,) in airflow.sql("SELECT state FROM task_instance WHERE run_id = %s", run_id)]


def test_the_slots_of_killed_workers_come_back(airflow: Embedded) -> None:
    """All of them: otherwise nothing would start any more. Of a cancelled run Airflow misses no heartbeat."""
    lost = airflow.api.trigger("guest", {"count": SLOTS, "seconds": 300})
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
