"""``schedule.after`` on a real Airflow: a job starts when others have completed."""

import time

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.growth.waiting import until


def runs_of(airflow: Embedded, job: str) -> list[dict]:
    return airflow.api.get(f"/dags/{job}/dagRuns", order_by="id", limit=50)["dag_runs"]


def ended(airflow: Embedded, job: str, count: int = 1) -> list[dict]:
    """Wait until a job has that many runs which have ended."""

    def look() -> list[dict]:
        found = runs_of(airflow, job)
        return found if len(found) >= count and all(run["end_date"] for run in found) else []

    return until(look, what=f"{count} ended runs of {job}", seconds=180)


def test_a_failed_and_a_cancelled_run_start_nothing_and_a_chain_follows_a_completed_one(airflow):
    for job in ("chain_b", "chain_c", "chain_d"):
        airflow.api.wait_for_dag(job)
    cancelled = airflow.api.trigger("chain_a", {"go": "never"})
    until(lambda: airflow.api.run("chain_a", cancelled)["state"] == "running", what="the start")
    airflow.api.cancel("chain_a", cancelled)
    failed = airflow.api.trigger("chain_a", {"item": "bad"})
    assert airflow.api.wait("chain_a", failed, 180)["state"] == "failed"
    time.sleep(2)
    assert [runs_of(airflow, job) for job in ("chain_b", "chain_c", "chain_d")] == [[], [], []]

    assert airflow.api.wait("chain_a", airflow.api.trigger("chain_a"), 180)["state"] == "success"
    (of_b,) = ended(airflow, "chain_b")
    assert (of_b["state"], of_b["run_type"], of_b["conf"]) == (
        "success",
        "asset_triggered",
        {"name": "from the schedule"},
    )
    assert airflow.api.xcom("chain_b", of_b["dag_run_id"], "report")["result"] == [{"name": "from the schedule"}]
    (of_c,) = ended(airflow, "chain_c")
    assert airflow.api.xcom("chain_c", of_c["dag_run_id"], "report")["state"] == "partial"
    (of_d,) = ended(airflow, "chain_d")
    events = airflow.api.get(f"/dags/chain_d/dagRuns/{of_d['dag_run_id']}/upstreamAssetEvents")["asset_events"]
    assert {(event["source_dag_id"], event["source_task_id"]) for event in events} == {
        ("chain_a", "report"),
        ("chain_c", "report"),
    }
    assert airflow.sql("SELECT count(*) FROM asset WHERE name = 'job chain_d completed'") == [(0,)]


def test_events_while_a_run_is_active_make_exactly_one_more(airflow, notes):
    airflow.api.wait_for_dag("chain_e")
    for _ in range(3):
        assert airflow.api.wait("chain_f", airflow.api.trigger("chain_f"), 180)["state"] == "success"
        until(lambda: [run["state"] for run in runs_of(airflow, "chain_e")][:1] == ["running"], what="the start")
    (notes / "chain_e").touch()
    assert [run["state"] for run in ended(airflow, "chain_e", 2)] == ["success", "success"]
    time.sleep(3)
    assert len(runs_of(airflow, "chain_e")) == 2
