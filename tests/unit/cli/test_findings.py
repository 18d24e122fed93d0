from dataclasses import replace
from pathlib import Path

import pytest

from airflow_mcp_provider.cli.findings import Installation, Load, Namespaces, Watches, findings, same
from airflow_mcp_provider.embedded.recommended_settings import Setting

GOOD = Installation(
    airflow="3.3.2",
    plugins=("mcp", "other"),
    plugin_errors={},
    backend="airflow_mcp_provider.plugin.growth.backend.GrowthBackend",
    backend_is_ours=True,
    clear_on_success=False,
    worker_backend="",
    max_map_length=1024,
    database="postgresql",
    load=Load(connections=25, max_connections=100, api_workers=1, parallelism=32, heartbeat=1),
    active={("scheduler", "scheduler_idle_sleep_time"): "0.1"},
)
RECOMMENDED = (Setting("AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME", "0.1", "An idle second is long."),)


def wrong(installation):
    return [finding for finding in findings(installation, RECOMMENDED) if not finding.ok]


def test_nothing_is_wrong_with_a_good_installation():
    assert wrong(GOOD) == []


@pytest.mark.parametrize(
    ("fault", "fix"),
    [
        ({"ignored_files": [Path("/dags/jobs.py")]}, "call load_dags"),
        ({"airflow": "3.2.0"}, "apache-airflow~=3.3.2"),
        ({"airflow": "3.10.1"}, "apache-airflow~=3.3.2"),
        ({"plugins": ("other",)}, "install airflow-mcp-provider"),
        ({"plugin_errors": {"airflow_mcp_provider.plugin:McpPlugin": "boom"}}, "fix the error"),
        (
            {"backend": "my.Backend", "backend_is_ours": False},
            "airflow_mcp_provider.plugin.growth.backend.GrowthBackend",
        ),
        ({"clear_on_success": True}, "clear_on_success = False"),
        ({"worker_backend": "my.Workers"}, "state_store_backend empty"),
    ],
)
def test_what_jobs_need_is_missing_with_its_fix(fault, fix):
    (finding,) = wrong(replace(GOOD, **fault))
    assert finding.needed
    assert fix in finding.fix


@pytest.mark.parametrize(
    ("fault", "fix"),
    [
        ({"database": "sqlite"}, "use Postgres"),
        ({"database": "mysql"}, "use Postgres"),
        (
            {"load": replace(GOOD.load, api_workers=4)},
            "raise max_connections of the database (now 100) to 130, plus 100 for each",
        ),
        ({"load": replace(GOOD.load, parallelism=1000)}, "min_heartbeat_interval = 5 or more"),
        ({"load": replace(GOOD.load, max_connections=None)}, "run this command with access to Postgres"),
        ({"load": replace(GOOD.load, parallelism=490)}, "min_heartbeat_interval = 3 or more"),
        ({"active": {("scheduler", "scheduler_idle_sleep_time"): "1"}}, "0.1 is recommended for jobs: An idle second"),
    ],
)
def test_what_is_only_slower_is_advice(fault, fix):
    (finding,) = wrong(replace(GOOD, **fault))
    assert not finding.needed
    assert fix in finding.fix


@pytest.mark.parametrize(
    "load",
    [
        replace(GOOD.load, connections=None, api_workers=100),
        replace(GOOD.load, parallelism=1000, heartbeat=5),
        replace(GOOD.load, parallelism=1000, heartbeat=2.5, api_workers=2),
    ],
)
def test_what_fits_or_is_not_known_is_no_fault(load):
    assert wrong(replace(GOOD, load=load)) == []


def test_a_longer_interval_of_heartbeats_is_no_fault_where_so_many_run():
    interval = Setting("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", "1", "A cancel goes unnoticed.")
    load = replace(GOOD.load, parallelism=1000, heartbeat=5)
    many = replace(GOOD, load=load, active={interval.option: "5"})
    assert [finding for finding in findings(many, [interval]) if not finding.ok] == []
    few = replace(many, load=replace(load, parallelism=32))
    assert len([finding for finding in findings(few, [interval]) if not finding.ok]) == 1


def test_the_error_of_our_plugin_is_shown_and_not_that_of_another():
    errors = {"theirs": "not ours", "airflow_mcp_provider.plugin:McpPlugin": "works with Airflow 3.3"}
    (finding,) = wrong(replace(GOOD, plugin_errors=errors))
    assert finding.found == "works with Airflow 3.3"


@pytest.mark.parametrize(("one", "other"), [("1", "1.0"), ("True", "true"), ("a=B c=D", "a=b c=d")])
def test_settings_are_compared_as_airflow_reads_them(one, other):
    assert same(one, other)
    assert not same(one, f"{other}1")


def test_runners_beside_the_keys_of_airflow_are_told_as_advice():
    [finding] = wrong(replace(GOOD, namespaces=Namespaces("airflow", "airflow")))
    assert (finding.name, finding.needed) == ("Namespace of the runners", False)
    assert "[kubernetes_executor] namespace" in finding.fix
    assert wrong(replace(GOOD, namespaces=Namespaces("airflow", "airflow-runners"))) == []


def test_jobs_with_a_watch_need_a_triggerer():
    [finding] = wrong(replace(GOOD, watches=Watches(["inbox"], triggerer=False)))
    assert (finding.name, finding.needed) == ("Triggerer", True)
    assert finding.found == "none is running; 1 job has schedule.watch: inbox"
    assert "airflow triggerer" in finding.fix
    [finding] = wrong(replace(GOOD, watches=Watches([f"job{n}" for n in range(9)], triggerer=False)))
    assert finding.found.endswith("9 jobs have schedule.watch: job0, job1, job2, job3, job4 …")
    for fine in (None, Watches([], triggerer=False), Watches(["inbox"], triggerer=True)):
        assert wrong(replace(GOOD, watches=fine)) == []
