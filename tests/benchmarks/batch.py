"""Subtasks that do nothing, packed: fifty, a hundred, ten thousand; beside them RQ in burst mode and Celery.

RQ and Celery are timed on the same machine with a real Redis and two workers each, in the environment that
``tests/integration/test_peers.py`` makes; without it their rows say so.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import psutil

from airflow_mcp_provider.embedded.airflow import Embedded

HERE = Path(__file__).parent
PEERS = Path(sys.prefix) / "peers" / "bin" / "python"
FEW, MANY = 100, 10_000
Row = tuple[str, str, str]


def measure(rounds: int = 3) -> list[Row]:
    """Return rows of (what, figure, remark)."""
    with Embedded(dags=HERE / "dags") as airflow:
        for job in ("packed", "many"):
            airflow.api.wait_for_dag(job)
        fan = _fan(airflow, rounds)
        few, _ = _each(airflow, FEW)
        few = statistics.median([few, *(_each(airflow, FEW)[0] for _ in range(rounds - 1))])
        before = _memory()
        many, runner = _each(airflow, MANY)
        after = _memory()
    return [
        ("fan-out of 50, batch 10", f"{fan:.1f} s", "goal 2 s"),
        (f"a subtask of {FEW}, batch 50, two runners", f"{few * 1000:.0f} ms", ""),
        (f"a subtask of {MANY:,}", f"{many * 1000:.0f} ms", f"{many / few:.2f} x, goal 1.3 x"),
        ("memory of the servers", f"{after} MB", f"{before} MB before the {MANY:,}"),
        ("a runner of them, first and last ten", runner, ""),
        *_peers(),
    ]


def _run(airflow: Embedded, job: str, conf: dict[str, int]) -> tuple[str, dict[str, str]]:
    run_id = airflow.api.trigger(job, conf)
    run = airflow.api.wait(job, run_id, timeout=3600)
    assert run["state"] == "success", run
    return run_id, run


def _fan(airflow: Embedded, rounds: int) -> float:
    _run(airflow, "packed", {})  # the first run pays for caches that all others find
    return statistics.median(_between(_run(airflow, "packed", {})[1]) for _ in range(rounds))


def _between(*rows: dict[str, str]) -> float:
    ends = (datetime.fromisoformat(row["end_date"]) for row in rows)
    begins = (datetime.fromisoformat(row["start_date"]) for row in rows)
    return (max(ends) - min(begins)).total_seconds()


def _each(airflow: Embedded, count: int) -> tuple[float, str]:
    """From the first runner's begin to the last one's end: plan and report, the same for all, would flatter many."""
    run_id, _ = _run(airflow, "many", {"count": count})
    rows = [row for row in airflow.api.task_instances("many", run_id) if row["task_id"] == "run"]
    assert len(rows) == count // 50
    took = [_between(row) for row in rows]
    told = f"{statistics.median(took[:10]):.1f} / {statistics.median(took[-10:]):.1f} s"
    return _between(*rows) / count, told


def _memory() -> int:
    """Add up the resident memory of Airflow's servers below this process, in MB."""
    return sum(child.memory_info().rss for child in psutil.Process().children(recursive=True)) // 1_000_000


def _peers() -> list[Row]:
    if not PEERS.exists():
        return [("RQ, Celery", "not measured", "run tests/integration/test_peers.py first")]
    sys.path.insert(0, str(HERE.parents[1]))
    from tests.integration.templates import redis_server

    with tempfile.TemporaryDirectory() as folder, redis_server.served(Path(folder)) as url:
        address = url.replace("redis://", f"redis://:{redis_server.PASSWORD}@")
        environment = {**os.environ, "REDIS": address, "PYTHONPATH": str(HERE / "peers")}
        return [
            (f"{title}, {count:,} jobs", _timed(module, count, environment), "a job")
            for module, title in (("on_rq", "RQ burst, two workers"), ("on_celery", "Celery, two processes"))
            for count in (FEW, MANY)
        ]


def _timed(module: str, count: int, environment: dict[str, str]) -> str:
    command = [str(PEERS), "-m", module, str(count)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return f"{float(done.stdout.splitlines()[-1]) / count * 1000:.2f} ms"
