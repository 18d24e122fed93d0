"""The executor of the swarm: hands its tasks to one process of simulated runners. Runs in the scheduler."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from airflow.configuration import conf
from airflow.executors.base_executor import BaseExecutor
from airflow.executors.local_executor import LocalExecutor
from airflow.sdk.api.datamodels._generated import API_VERSION

FEW = 2
"""Real runners of a scheduler: plan and report of a run never work at the same time."""


class FewLocal(LocalExecutor):
    """Airflow's own, but with a few processes: it forks one for each slot of ``[core] parallelism`` when it starts."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__(parallelism=FEW)


class SwarmExecutor(BaseExecutor):
    """``SWARM_SLOTS`` simulated runners at once."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__(parallelism=int(os.environ["SWARM_SLOTS"]))
        self._keys: dict[str, Any] = {}
        self._rest = b""

    def start(self) -> None:
        """Start the process of the runners; it ends when this one does, for then its stdin is closed."""
        command = [sys.executable, "-m", "tests.swarm.runners", json.dumps(_settings())]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin
        assert self._process.stdout
        self._in, self._out = self._process.stdin, self._process.stdout
        os.set_blocking(self._out.fileno(), False)

    def _process_workloads(self, workload_items: Sequence[Any]) -> None:
        """Hand over; from here on they occupy slots, else the scheduler would send without end."""
        for workload in workload_items:
            del self.queued_tasks[workload.key]
            self.running.add(workload.key)
            self._keys[str(workload.ti.id)] = workload.key
            self._in.write(workload.model_dump_json().encode() + b"\n")
        self._in.flush()

    def sync(self) -> None:
        """Hear which have ended, and how; once a loop of the scheduler."""
        *lines, self._rest = (self._rest + (self._out.read() or b"")).split(b"\n")
        for line in lines:
            name, ok = json.loads(line)
            key = self._keys.pop(name)
            (self.success if ok else self.fail)(key)

    def end(self) -> None:
        """Let the process end."""
        self._in.close()

    def terminate(self) -> None:
        """End it now."""
        self._process.kill()


def _settings() -> dict[str, Any]:
    """What the runners hold to: the settings of real ones."""
    beat = os.environ.get("SWARM_BEAT") or conf.get("workers", "min_heartbeat_interval")
    return {
        "server": conf.get("core", "execution_api_server_url"),
        "version": API_VERSION,
        "tries": conf.getint("workers", "execution_api_retries"),
        "wait_min": conf.getfloat("workers", "execution_api_retry_wait_min"),
        "wait_max": conf.getfloat("workers", "execution_api_retry_wait_max"),
        "timeout": conf.getfloat("workers", "execution_api_timeout"),
        "beat": float(beat),
        "log": os.environ["SWARM_LOG"],
    }
