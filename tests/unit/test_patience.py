"""The supervisor of a task waits for the grace that the API server tells it; in a process of its own, as patched there."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import pytest
from airflow.sdk.api.client import ServerResponseError, TaskInstanceOperations
from airflow.sdk.execution_time.supervisor import ActivitySubprocess

from airflow_mcp_provider import patience

LOOK = """
import json, signal
from types import SimpleNamespace
from airflow.sdk.api.client import TaskInstanceOperations
from airflow.sdk.execution_time.supervisor import ActivitySubprocess
from airflow_mcp_provider import patience

waited, timeouts = [], []
supervisor = SimpleNamespace(
    selector=SimpleNamespace(select=lambda timeout: timeouts.append(timeout) or []),
    _check_subprocess_exit=lambda **_: None,
)
ActivitySubprocess.kill = lambda self, *args: waited.append([args[0].name, *args[1:]])
answers = [None, {"reason": "not_running"}, {"reason": "not_running", "mcp_grace": 30}, None]

class Refused(Exception):
    def __init__(self, detail):
        self.detail = detail

def heartbeat(self, detail):
    if detail:
        raise Refused(detail)

TaskInstanceOperations.heartbeat = heartbeat
patience.install()
patience.install()
for detail in answers:
    try:
        TaskInstanceOperations.heartbeat(None, detail)
    except Refused:
        pass
    ActivitySubprocess.kill(None, signal.SIGTERM, force=True)
    ActivitySubprocess.kill(None, signal.SIGKILL)
    ActivitySubprocess._service_subprocess(supervisor, max_wait_time=32.0, raise_on_timeout=False)
print(json.dumps([patience.is_installed(), waited, timeouts]))
"""


def test_it_waits_for_the_grace_of_the_last_heartbeat_and_of_no_other():
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    installed, waited, timeouts = json.loads(done.stdout.strip().splitlines()[-1])
    assert installed is True
    kill = ["SIGKILL", 5.0, False]
    assert waited == [
        ["SIGTERM", 5.0, True],
        kill,
        ["SIGTERM", 5.0, True],
        kill,
        ["SIGTERM", 32.0, True],
        kill,
        ["SIGTERM", 5.0, True],
        kill,
    ]
    assert timeouts == [32.0, 32.0, 1.0, 32.0], "within the grace it looks often whether the process has ended"


TASK = """
import os, signal
from airflow.sdk.api.client import TaskInstanceOperations
from airflow_mcp_provider import patience
from airflow_mcp_provider.operators.server_client import ServerClient

class Refused(Exception):
    detail = {"reason": "not_running", "mcp_grace": 30}

def heartbeat(self):
    raise Refused

class AskedStore:
    def get(self, key):
        return 7.0

TaskInstanceOperations.heartbeat = heartbeat
patience.install()
client = ServerClient(AskedStore())
asked = client.grace()
told, tell = os.pipe()
if (task := os.fork()) == 0:
    os.read(told, 1)
    print([asked, client.grace()], flush=True)
    os._exit(0)
try:
    TaskInstanceOperations.heartbeat(None)
except Refused:
    os.write(tell, b".")
os.waitpid(task, 0)
patience.install()
print(patience.received(), flush=True)
"""


def test_the_task_process_knows_the_grace_without_asking_a_busy_server():
    done = subprocess.run([sys.executable, "-c", TASK], capture_output=True, text=True, check=True)
    before, after = done.stdout.strip().splitlines()[-2:]
    assert json.loads(before) == [7.0, 30.0]
    assert after == "0.0", "the next task of the worker does not have it"


@pytest.mark.parametrize("detail", [None, "text", [], {}, {"mcp_grace": "30"}, {"mcp_grace": None}, {"mcp_grace": -1}])
def test_another_answer_has_no_grace(detail):
    assert patience.grace_of(detail) == 0


def test_what_it_leans_on_in_airflow():
    assert list(inspect.signature(ActivitySubprocess.kill).parameters) == [
        "self",
        "signal_to_send",
        "escalation_delay",
        "force",
    ]
    parameters = inspect.signature(ActivitySubprocess._service_subprocess).parameters
    assert list(parameters)[:2] == ["self", "max_wait_time"]
    source = inspect.getsource(ActivitySubprocess.kill)
    assert "while now < end:" in source
    assert "self._service_subprocess(" in source
    source = inspect.getsource(ActivitySubprocess._send_heartbeat_if_needed)
    refused = source[source.index("HTTPStatus.CONFLICT") :]
    assert "self.client.task_instances.heartbeat(self.id" in source
    assert "self.kill(signal.SIGTERM, force=True)" in refused
    assert list(inspect.signature(TaskInstanceOperations.heartbeat).parameters) == ["self", "id", "pid"]
    assert "detail = body.detail" in inspect.getsource(ServerResponseError.from_response)
