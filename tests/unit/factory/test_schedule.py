"""What the DAG of a job with a schedule has: a timetable or assets, catchup, defaults; stable when serialized."""

import json
import os
import subprocess
import sys

import pytest
from airflow.sdk.definitions._internal.dag_parsing_context import _airflow_parsing_context_manager
from airflow.serialization.serialized_objects import DagSerialization

from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.factory.assets import completed
from airflow_mcp_provider.spec import JobSpec
from airflow_mcp_provider.timetable import EPOCH, AtTimetable, CronTimetable, EveryTimetable

KINDS = [
    ({"cron": "0 8 * * *", "timezone": "Europe/Berlin"}, CronTimetable),
    ({"cron": ["@daily", "0 12 * * *"], "coalesce": False, "misfire_grace": "1h"}, CronTimetable),
    ({"every": "15m", "jitter": "1m", "conf": {"url": "b", "n": [1, {"z": 1, "a": 2}]}}, EveryTimetable),
    ({"at": "2026-12-01T09:00"}, AtTimetable),
    ({"after": ["c", "b"]}, None),
    ({"watch": {"python": "os:getcwd"}}, None),
]


@pytest.fixture(autouse=True)
def _not_in_a_runner(monkeypatch):
    for name in ("DAG", "TASK"):
        monkeypatch.delenv(f"_AIRFLOW_PARSING_CONTEXT_{name}_ID", raising=False)


def dag_of(schedule, **params):
    given = {"url": {"type": "string", "default": "a"}, "n": {"default": []}} | params
    return build_dag(JobSpec(id="job", params=given, plan={"items": [1]}, run={"shell": "x"}, schedule=schedule))


@pytest.mark.parametrize(
    ("schedule", "kind"), KINDS, ids=lambda one: str(next(iter(one))) if isinstance(one, dict) else ""
)
def test_each_kind_of_schedule_is_serialized_and_read_back(schedule, kind):
    dag = dag_of(schedule)
    assert dag.catchup is (not schedule.get("coalesce", True))
    assert dag.start_date == (EPOCH if dag.catchup else None)
    assert dag.max_active_runs == 1
    stored = DagSerialization.to_dict(dag)
    read = DagSerialization.from_dict(json.loads(json.dumps(stored)))
    assert kind is None or type(read.timetable) is kind
    assert read.timetable.description


def test_after_waits_for_the_reports_of_all_jobs():
    assert dag_of({"after": ["c", "b"]}).timetable.asset_condition.objects == (completed("b"), completed("c"))


def test_a_param_without_a_default_has_the_value_of_scheduled_runs():
    """Airflow refuses the DAG otherwise."""
    dag = dag_of({"cron": "@daily", "conf": {"url": "b", "must": 5}}, must={"type": "integer"})
    assert (dag.params["must"], dag.params["url"]) == (5, "a")


def test_a_job_without_a_schedule_has_none():
    dag = dag_of(None)
    assert dag.timetable.can_be_scheduled is False
    assert dag.start_date is None


def test_in_a_runner_there_is_no_schedule():
    with _airflow_parsing_context_manager("job", "run"):
        assert dag_of(KINDS[0][0]).timetable.can_be_scheduled is False


def test_a_runner_does_not_load_timetables():
    code = (
        "import sys; from airflow_mcp_provider.spec import JobSpec; from airflow_mcp_provider.factory import build_dag;"
        "build_dag(JobSpec(id='a', plan={'items': [1]}, run={'shell': 'x'}, schedule={'every': '5m'}));"
        "print([name for name in sys.modules if 'provider.timetable' in name or 'provider.trigger' in name])"
    )
    env = {**os.environ, "_AIRFLOW_PARSING_CONTEXT_DAG_ID": "a", "_AIRFLOW_PARSING_CONTEXT_TASK_ID": "run"}
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env).stdout
    assert out.splitlines()[-1] == "[]"


def test_the_same_spec_is_the_same_serialized_dag():
    dumped = {
        json.dumps(DagSerialization.to_dict(dag_of(schedule)), sort_keys=False)
        for schedule, _ in KINDS[2:3]
        for _ in range(100)
    }
    assert len(dumped) == 1
