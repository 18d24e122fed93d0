"""SIGKILL of runners while a run of a job goes on, as a node's out-of-memory killer would."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlparse

import psutil
import psycopg2

from airflow_mcp_provider.client.airflow_rest import ENDED, Json
from airflow_mcp_provider.embedded.airflow import Embedded
from tests.sizes import patient

TITLE = "airflow worker -- "
"""Of a runner's process, followed by its task instance's id."""


@dataclass
class Killer:
    """Kills ``wanted`` runners of subtasks of a run, each some moments after its start; then waits for the run's end.

    ``most`` of one subtask are killed: fewer than its job allows attempts. ``within`` so many seconds of its start a
    runner is killed; of half as many, whenever one was done before its time had come. ``killed`` counts by map index
    those that died of it: a runner whose work was done already only lost its process.
    """

    airflow: Embedded
    job: str
    run_id: str
    wanted: int = 10
    most: int = 3
    within: float = 0.5
    task: str = "run"
    pause: float = 0.02
    killed: Counter[int] = field(default_factory=Counter)
    _shot: dict[str, int] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)
    _random: random.Random = field(default_factory=lambda: random.Random(6))

    def until_the_end(self, timeout: float = 500) -> Json:
        """The run as it ended."""
        end = time.monotonic() + patient(timeout)
        with self.holding():
            while time.monotonic() < end and self.killed.total() < self.wanted:
                if (run := self.airflow.api.run(self.job, self.run_id))["state"] in ENDED:
                    return run
                self._watch(seconds=1)
        self._connection.close()
        return self.airflow.api.wait(self.job, self.run_id, end - time.monotonic())

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Around the time in which runners are killed."""
        yield

    def _watch(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.killed.total() < self.wanted:
            self._look()
            time.sleep(self.pause)

    def _look(self) -> None:
        running = self._running()
        for gone in self._shot.keys() - running.keys():
            self._count(self._shot.pop(gone))
        for gone in self._due.keys() - running.keys():
            del self._due[gone]
            self._was_early()
        due = {name for name, index in running.items() if self._is_due(name, index)}
        for name, kill in self.runners() if due else ():  # to find a process costs more than all else here
            if name in due and self._is_due(name, running[name]):
                self._shoot(kill, name, running[name])

    def _was_early(self) -> None:
        """A runner was done before its time had come."""
        self.within /= 2

    def _running(self) -> dict[str, int]:
        """Ask the database, for Airflow's API is slow where a machine is busy, and a runner is soon done."""
        rows = self._sql(
            "SELECT id, map_index FROM task_instance"
            " WHERE dag_id = %s AND run_id = %s AND task_id = %s AND state = 'running'",
            self.job, self.run_id, self.task,
        )  # fmt: skip
        return {str(name): index for name, index in rows}

    def _sql(self, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(query, arguments)
            return list(cursor.fetchall())

    @cached_property
    def _connection(self) -> Any:
        """One for all questions: a killer asks many times a second."""
        url = self.airflow.environment()["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
        connection = psycopg2.connect(host=parse_qs(urlparse(url).query)["host"][0], user="postgres")
        connection.autocommit = True
        return connection

    def runners(self) -> Iterable[tuple[str, Callable[[], object]]]:
        """Give what runs, as the id of its task instance and a way to kill it."""
        for process in psutil.process_iter(["cmdline"]):
            yield (process.info["cmdline"] or [""])[0].removeprefix(TITLE), process.kill

    def _is_due(self, name: str, index: int) -> bool:
        enough = self.killed.total() + len(self._shot) >= self.wanted or self.killed[index] >= self.most
        if enough or name in self._shot:
            return False
        return time.monotonic() >= self._due.setdefault(name, time.monotonic() + self._random.uniform(0, self.within))

    def _shoot(self, kill: Callable[[], object], name: str, index: int) -> None:
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            kill()
            self._shot[name] = index
            del self._due[name]

    def _count(self, index: int) -> None:
        [(state,)] = self._sql(
            "SELECT state FROM task_instance WHERE dag_id = %s AND run_id = %s AND task_id = %s AND map_index = %s",
            self.job, self.run_id, self.task, index,
        )  # fmt: skip
        self.killed[index] += state != "success"
