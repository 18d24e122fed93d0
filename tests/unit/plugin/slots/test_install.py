"""Where the slots are looked after: in a scheduler, whatever its executors, with the gate or without; nowhere else."""

import json
import os
import subprocess
import sys

import pytest

LOADED = """
import json, sys
sys.argv = {argv!r}
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner  # as Airflow's own command does
from airflow.executors.local_executor import LocalExecutor
{before}
from airflow_mcp_provider.plugin import McpPlugin
McpPlugin.on_load()
ours = [hasattr(method, "__wrapped__") for method in (
    LocalExecutor._process_workloads, SchedulerJobRunner._executable_task_instances_to_queued,
)]
print(json.dumps([ours, [name for name in sys.modules if name.startswith("airflow_mcp_provider.plugin.slots")] != []]))
"""
RUNNER = """
import types
runner = sys.modules["airflow.sdk.execution_time.task_runner"] = types.ModuleType("runner")
runner.SUPERVISOR_COMMS = None
"""


def load(argv, before="", **env):
    code = LOADED.format(argv=argv, before=before)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ, **env}
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("executor", "gate"), [("LocalExecutor", "True"), ("KubernetesExecutor,LocalExecutor", "False")]
)
def test_a_scheduler_counts_and_shares(executor, gate):
    env = {"AIRFLOW__CORE__EXECUTOR": executor, "AIRFLOW__MCP__GATE": gate}
    assert load(["airflow", "scheduler"], **env) == [[True, True], True]


def test_sharing_can_be_turned_off():
    assert load(["airflow", "scheduler"], AIRFLOW__MCP__FAIR_SHARE="False") == [[True, False], True]


@pytest.mark.parametrize("command", ["api-server", "standalone"])
def test_nothing_of_it_elsewhere(command):
    assert load(["airflow", command]) == [[False, False], False]


def test_nothing_of_it_in_a_runner():
    assert load(["python", "-m", "airflow.sdk.execution_time.execute_workload"], before=RUNNER) == [
        [False, False],
        False,
    ]


def test_nothing_of_it_in_a_worker_that_an_executor_has_spawned():
    """It has the scheduler's arguments."""
    spawned = "import multiprocessing.process; multiprocessing.process._parent_process = object()"
    assert load(["airflow", "scheduler"], before=spawned) == [[False, False], False]


def test_a_scheduler_with_a_wrong_setting_does_not_start():
    with pytest.raises(
        AssertionError, match=r"invalid value 'perhaps' of \[mcp\] fair_share \(AIRFLOW__MCP__FAIR_SHARE\)"
    ):
        load(["airflow", "scheduler"], AIRFLOW__MCP__FAIR_SHARE="perhaps")
