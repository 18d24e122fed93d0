"""Where the processors' time goes: CPU seconds of each part of an Airflow while a run runs."""

import contextlib
import threading
from collections import defaultdict
from collections.abc import Iterator

import psutil

from airflow_mcp_provider.embedded import reaper
from airflow_mcp_provider.embedded.airflow import Embedded

EVERY = 1.0
RUNNERS = "tests.swarm.runners"


class Processor:
    """Looks once a second, so that what a server had used that was killed is counted."""

    def __init__(self, airflow: Embedded) -> None:
        self._airflow = airflow
        self._seen: dict[tuple[int, str], float] = {}
        self._look()
        self._before = dict(self._seen)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end(self) -> dict[str, float]:
        """Stop; returns seconds by part, since the begin."""
        self._ended.set()
        self._thread.join()
        self._look()
        used: dict[str, float] = {}
        for server, seconds in self._seen.items():
            used[server[1]] = used.get(server[1], 0.0) + seconds - self._before.get(server, 0.0)
        return {part: round(seconds, 1) for part, seconds in sorted(used.items(), key=lambda one: -one[1])}

    def _watch(self) -> None:
        while not self._ended.wait(EVERY):
            self._look()

    def _look(self) -> None:
        times = psutil.Process().cpu_times()
        self._seen[0, "measuring"] = times.user + times.system
        for name, server in list(self._airflow.processes.running.items()):
            parts: dict[str, float] = defaultdict(float)
            with contextlib.suppress(psutil.Error):
                for part, seconds in _used(name, psutil.Process(server.pid)):
                    parts[part] += seconds
            self._seen |= {(server.pid, part): seconds for part, seconds in parts.items()}


def _used(name: str, server: psutil.Process) -> Iterator[tuple[str, float]]:
    """Tell what a server and its children have used; those that ended are in their parent's account."""
    part = {reaper.DATABASE: "Postgres"}.get(name, name.rstrip("-0123456789"))
    tasks = "plan and report" if part == "scheduler" else part
    times = server.cpu_times()
    yield part, times.user + times.system
    yield tasks, times.children_user + times.children_system
    for child in server.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            yield "runners" if RUNNERS in child.cmdline() else tasks, sum(child.cpu_times()[:4])
