"""Jobs whose runners are pods, beside the same written by hand with a ``pod_override``, in one Airflow on the test cluster.

Run it with nothing else on the machine: a pod's start is work of the processor.
"""

from __future__ import annotations

import os
import statistics
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from kubernetes.watch import Watch

from tests.containers.images import IMAGE, archive
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.runners import NAMESPACE, Runners, airflow_on

DAGS = Path(__file__).parent / "pod_dags"
SLOTS = 64
STARTS = "requested", "node found", "container runs", "task starts", "task ends", "pod gone"


@dataclass
class Seen:
    """When this machine heard what of each pod, by the clock of the wall."""

    runners: Runners
    times: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    of: dict[str, tuple[str, int]] = field(default_factory=dict)

    def follow(self) -> None:
        """In a thread, for as long as the process lives."""
        while True:
            for event in Watch().stream(self.runners.core.list_namespaced_pod, NAMESPACE, timeout_seconds=60):
                self._hear(event["type"], event["object"], time.time())

    def _hear(self, kind: str, pod: Any, now: float) -> None:
        of = pod.metadata.annotations or {}
        self.of[pod.metadata.name] = (of.get("run_id", ""), int(of.get("map_index", -1)))
        heard = self.times[pod.metadata.name]
        heard.setdefault("requested", now)
        if pod.spec.node_name:
            heard.setdefault("node found", now)
        if pod.status.phase == "Running":
            heard.setdefault("container runs", now)
        if kind == "DELETED":
            heard.setdefault("pod gone", now)


def measure(rounds: int = 3) -> list[tuple[str, str, str]]:
    """Return rows of (what, figure, remark): medians of ``rounds`` runs, ours and the other in turn."""
    with Cluster() as cluster:
        name, tar = _image()
        cluster.load_image(tar)
        slots = {"AIRFLOW__CORE__PARALLELISM": str(SLOTS)}
        with airflow_on(cluster, name, dags=DAGS, parallelism=SLOTS, env=slots) as runners:
            return _rows(runners, rounds)


def _image() -> tuple[str, Path]:
    given = os.environ.get("MCP_TEST_IMAGE")
    if given:
        name, _, tar = given.rpartition("=")
        return name, Path(tar)
    return f"docker.io/library/{IMAGE}", archive()


def _rows(runners: Runners, rounds: int) -> list[tuple[str, str, str]]:
    seen = Seen(runners)
    threading.Thread(target=seen.follow, daemon=True).start()
    for job in ("fan", "hand_fan", "chain", "hand_chain"):
        runners.airflow.api.wait_for_dag(job)
    _run(runners, "fan", number=2)  # the first pods pay for caches that all others find
    rows: list[tuple[str, str, str]] = []
    for what, ours, hand in (("fan-out of 20", "fan", "hand_fan"), ("chain of 10", "chain", "hand_chain")):
        pairs = [(_run(runners, ours), _run(runners, hand)) for _ in range(rounds)]
        (mine, my_cpu), (theirs, their_cpu) = (
            (statistics.median(run[0] for run in column), statistics.median(run[1] for run in column))
            for column in zip(*pairs, strict=True)
        )
        rows += [
            (f"{what} in pods, ours", f"{mine:.1f} s", f"{mine / theirs:.2f} x by hand; {my_cpu:.0f} CPU s in pods"),
            (f"{what} in pods, by hand", f"{theirs:.1f} s", f"{their_cpu:.0f} CPU s in pods"),
        ]
    return rows + _fifty(runners, seen) + _one(runners, seen)


def _run(runners: Runners, job: str, **conf: int) -> tuple[float, float]:
    """Return how long a run took, and the processor's seconds in pods meanwhile."""
    before = _cpu()
    run_id = runners.airflow.api.trigger(job, conf)
    run = runners.airflow.api.wait(job, run_id, timeout=600)
    assert run["state"] == "success", run
    begin, end = (datetime.fromisoformat(run[name]) for name in ("start_date", "end_date"))
    runners.none_left()
    return (end - begin).total_seconds(), _cpu() - before


def _cpu() -> float:
    """Of all pods that ever were, in seconds."""
    [usage] = Path("/sys/fs/cgroup").glob("cpuacct/mcp-cluster-*/kubepods/cpuacct.usage")
    return int(usage.read_text()) / 1e9


def _fifty(runners: Runners, seen: Seen) -> list[tuple[str, str, str]]:
    run_id = runners.airflow.api.trigger("fan", {"number": 50})
    assert runners.airflow.api.wait("fan", run_id, timeout=600)["state"] == "success"
    times = [heard["requested"] for name, heard in seen.times.items() if seen.of[name][0] == run_id]
    instances = runners.airflow.api.task_instances("fan", run_id)
    queued = min(_time(one["queued_when"]) for one in instances if one["task_id"] == "run")
    return [("50 pods are requested within", f"{max(times) - queued:.1f} s", f"{len(times)} pods; goal 5 s")]


def _one(runners: Runners, seen: Seen, rounds: int = 5) -> list[tuple[str, str, str]]:
    """Take one pod's start apart, with nothing beside it."""
    parts: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        run_id = runners.airflow.api.trigger("fan", {"number": 1})
        runners.airflow.api.wait("fan", run_id, timeout=600)
        runners.none_left()
        [one] = [one for one in runners.airflow.api.task_instances("fan", run_id) if one["task_id"] == "run"]
        [heard] = [heard for name, heard in seen.times.items() if seen.of[name][0] == run_id]
        heard |= {"task starts": _time(one["start_date"]), "task ends": _time(one["end_date"])}
        last = _time(one["queued_when"])
        for part in STARTS:
            parts[part].append(heard[part] - last)
            last = heard[part]
    return [(f"one pod: until {part}", f"{statistics.median(parts[part]):.2f} s", "") for part in STARTS]


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
