"""Many runs of many jobs at once, and whether two runs of one job ever worked at the same time.

What counts is what the tasks wrote down themselves (``gate_dags/recorded.py``). A run works from the first begin that
one of its tasks wrote to the last end; a run that is cleared works again, from its next plan on.
``scripts/stress-gate`` runs this for as long as one likes.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.sizes import PARSED_ONCE

DAGS = Path(__file__).parent / "gate_dags"
BACKFILLED = 4
CLEARED = 2
# A scheduler that was killed is missed sooner than by default (30 s), and so are its tasks; but not one that lives, nor its
# tasks, on a machine that is busy: what is given up works on for a moment, beside what comes after it.
ENVIRONMENT = {
    **PARSED_ONCE,
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "20",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "4",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
    "AIRFLOW__LOGGING__NAMESPACE_LEVELS": "airflow=WARNING",
}


@dataclass(frozen=True)
class Span:
    """A run at work."""

    job: str
    run: str
    begin: float
    end: float

    def overlaps(self, other: "Span") -> bool:
        return self.run != other.run and self.begin < other.end and other.begin < self.end


@dataclass
class Result:
    """What came of it."""

    seconds: float
    states: Counter[str]
    spans: list[Span]
    deadlocks: int
    errors: list[str] = field(default_factory=list)

    @property
    def overlaps(self) -> list[tuple[Span, Span]]:
        jobs: dict[str, list[Span]] = defaultdict(list)
        for span in self.spans:
            jobs[span.job].append(span)
        return [pair for spans in jobs.values() for pair in combinations(spans, 2) if pair[0].overlaps(pair[1])]


def environment(record: Path, jobs: int, *, gate: bool) -> dict[str, str]:
    """Give the environment of an Airflow whose jobs write to ``record``."""
    own = {"GATE_RECORD": str(record), "GATE_JOBS": str(jobs), "AIRFLOW__MCP__GATE": str(gate)}
    return {**ENVIRONMENT, **own}


def stress(airflow: Embedded, record: Path, jobs: int, runs: int, *, kill: bool, timeout: float) -> Result:
    """Submit ``runs`` runs of each of ``jobs`` jobs at once, clear some that ended, and wait for all."""
    names = [f"lane_{number}" for number in range(jobs)]
    for name in names:
        airflow.api.wait_for_dag(name)
    begun = time.time()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: submit(airflow, name, runs), names))
    total, killed, cleared = jobs * runs, not kill, Counter[str]()
    deaths = []
    while (states := count(airflow)) and sum(states.values()) - states["success"] - states["failed"] > 0:
        ended = states["success"] + states["failed"]
        if ended >= total * 0.3 and not killed:
            killed = True
            airflow.kill("scheduler-2")
            deaths.append(time.time())
            airflow.start("scheduler-2")
        if ended >= total * 0.15:
            clear(airflow, names, cleared)
        if time.time() - begun > timeout:
            break
        airflow.processes.check()
        time.sleep(1)
    return Result(time.time() - begun, count(airflow), spans(read(record), deaths), deadlocks(airflow), errors(airflow))


def submit(airflow: Embedded, job: str, runs: int) -> None:
    """A backfill, and the rest by hand."""
    dates = {"from_date": "2020-02-01T00:00:00Z", "to_date": f"2020-02-{BACKFILLED:02}T00:00:00Z"}
    airflow.api.post("/backfills", {"dag_id": job, "max_active_runs": 2, **dates})
    for _ in range(runs - BACKFILLED):
        airflow.api.trigger(job)


def clear(airflow: Embedded, jobs: list[str], cleared: Counter[str]) -> None:
    """Clear runs that ended, while others of their job wait."""
    for job in jobs:
        ended = airflow.sql(
            "SELECT run_id FROM dag_run WHERE dag_id = %s AND state = 'success' AND clear_number = 0", job
        )
        if ended and cleared[job] < CLEARED:
            cleared[job] += 1
            airflow.api.clear(job, ended[0][0])


def count(airflow: Embedded) -> Counter[str]:
    """Count the runs by their state."""
    return Counter(dict(airflow.sql("SELECT state, count(*) FROM dag_run GROUP BY state")))


def read(record: Path) -> list[dict]:
    """Read what the tasks wrote, in the order of time."""
    return sorted((json.loads(line) for line in record.read_text().splitlines()), key=lambda one: one["at"])


def spans(lines: list[dict], deaths: list[float]) -> list[Span]:
    """Put the tasks' lines together; a task that was killed with its scheduler ended then."""
    found: dict[tuple[str, str], list[list[dict]]] = defaultdict(list)
    for line in lines:
        works = found[line["job"], line["run"]]
        if not works or (line["task"] == "plan" and line["what"] == "begin"):
            works.append([])
        works[-1].append(line)
    return [Span(*names, work[0]["at"], _end(work, deaths)) for names, works in found.items() for work in works]


def _end(work: list[dict], deaths: list[float]) -> float:
    open_ones = {line["process"]: line["at"] for line in work if line["what"] == "begin"}
    for line in work:
        if line["what"] == "end":
            open_ones.pop(line["process"], None)
    killed = [next((death for death in deaths if death > at), at) for at in open_ones.values()]
    return max([work[-1]["at"], *killed])


def deadlocks(airflow: Embedded) -> int:
    """Count them in Postgres's log."""
    return sum(path.read_text("utf-8", "replace").count("deadlock detected") for path in _logs(airflow))


def errors(airflow: Embedded) -> list[str]:
    """Find what went wrong in the schedulers."""
    words = ("Error while calling listener", "UNEXPECTED COMMIT", "Exception when executing", "error    ] gate")
    lines = (line for path in _logs(airflow) for line in path.read_text("utf-8", "replace").splitlines())
    return [line for line in lines if any(word in line for word in words)]


def _logs(airflow: Embedded) -> Iterator[Path]:
    return (airflow.folder / "logs").glob("*.log")


def told_of(result: Result) -> str:
    """Tell what came of it, and the first overlaps."""
    lines = [
        f"{result.seconds:.0f} s, runs by state: {dict(result.states)}, they worked {len(result.spans)} times",
        f"overlapping pairs: {len(result.overlaps)}, deadlocks: {result.deadlocks}, errors: {len(result.errors)}",
    ]
    for one, other in result.overlaps[:10]:
        seconds = min(one.end, other.end) - max(one.begin, other.begin)
        lines.append(f"  {one.job}: {one.run} and {other.run}, {seconds:.2f} s")
    return "\n".join([*lines, ""])


def main() -> int:
    """Run it by hand."""
    parser = argparse.ArgumentParser("stress-gate", description="Runs of one job must never overlap.")
    parser.add_argument("--runs", type=int, default=96, help="in all (default: 96)")
    parser.add_argument("--jobs", type=int, default=8, help="that share them (default: 8)")
    parser.add_argument("--schedulers", type=int, default=2)
    parser.add_argument("--no-gate", action="store_true", help="see what Airflow does by itself")
    parser.add_argument("--no-kill", action="store_true", help="let both schedulers live")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder, "record")
        record.touch()
        env = environment(record, told.jobs, gate=not told.no_gate)
        with Embedded(dags=DAGS, schedulers=told.schedulers, env=env) as airflow:
            runs = max(BACKFILLED + 1, told.runs // told.jobs)
            kill = not told.no_kill and told.schedulers > 1
            result = stress(airflow, record, told.jobs, runs, kill=kill, timeout=60 + told.runs * 10)
    sys.stdout.write(told_of(result))
    return bool(result.overlaps or result.deadlocks or result.errors or set(result.states) - {"success"})


if __name__ == "__main__":
    sys.exit(main())
