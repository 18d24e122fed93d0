"""SIGKILL of runners while a run of a job goes on, as a node's out-of-memory killer would."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from airflow_mcp_provider.cli.api import ENDED, Json
from airflow_mcp_provider.cli.embedded import Embedded

TITLE = "airflow worker -- "
"""Of a runner's process, followed by its task instance's id."""


@dataclass
class Killer:
    """Kills ``wanted`` runners of subtasks of a run, each some moments after its start; then waits for the run's end.

    ``most`` of one subtask are killed: fewer than its job allows attempts. ``within`` so many seconds of its start a
    runner is killed. ``killed`` counts by map index those that died of it: a runner whose work was done already only lost
    its process.
    """

    airflow: Embedded
    job: str
    run_id: str
    wanted: int = 10
    most: int = 2
    within: float = 0.5
    task: str = "run"
    killed: Counter[int] = field(default_factory=Counter)
    _shot: dict[str, int] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)
    _random: random.Random = field(default_factory=lambda: random.Random(6))

    def until_the_end(self, timeout: float = 500) -> Json:
        """The run as it ended."""
        end = time.monotonic() + timeout
        while time.monotonic() < end and self.killed.total() < self.wanted:
            if (run := self.airflow.api.run(self.job, self.run_id))["state"] in ENDED:
                return run
            self._look()
            time.sleep(0.05)
        return self.airflow.api.wait(self.job, self.run_id, end - time.monotonic())

    def _look(self) -> None:
        rows = self.airflow.api.task_instances(self.job, self.run_id, state="running")
        running = {row["id"]: row["map_index"] for row in rows if row["task_id"] == self.task}
        for gone in self._shot.keys() - running.keys():
            self._count(self._shot.pop(gone))
        for name, kill in self.runners():
            if name in running:
                self._shoot(kill, name, running[name])

    def runners(self) -> Iterable[tuple[str, Callable[[], object]]]:
        """Give what runs, as the id of its task instance and a way to kill it."""
        for process in psutil.process_iter(["cmdline"]):
            yield (process.info["cmdline"] or [""])[0].removeprefix(TITLE), process.kill

    def _shoot(self, kill: Callable[[], object], name: str, index: int) -> None:
        due = self._due.setdefault(name, time.monotonic() + self._random.uniform(0, self.within))
        enough = self.killed.total() + len(self._shot) >= self.wanted or self.killed[index] >= self.most
        if time.monotonic() < due or name in self._shot or enough:
            return
        with suppress(psutil.NoSuchProcess):
            kill()
            self._shot[name] = index

    def _count(self, index: int) -> None:
        row = self.airflow.api.get(f"/dags/{self.job}/dagRuns/{self.run_id}/taskInstances/{self.task}/{index}")
        self.killed[index] += row["state"] != "success"
