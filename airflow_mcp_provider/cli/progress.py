"""Show the progress of a run from the REST API: as a progress bar, or as lines when the output is not a terminal.

Runs in the shell. Each update requests four counts per step and not the subtasks, so that its cost does not depend on
the number of subtasks.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from airflow_mcp_provider.client.airflow_rest import Api

PAUSE = 0.3  # minimum number of seconds between updates
LONGEST = 1.0  # maximum number of seconds; a slow server gets fewer requests
LINE = 2.0  # seconds between lines when the output is not a terminal
ENDED = ("success", "failed")


@dataclass(frozen=True)
class Counts:
    """The numbers of subtasks of a run, or of one of its steps (``name``); ``known`` can increase during the run."""

    state: str
    known: int = 0
    succeeded: int = 0
    running: int = 0
    failed: int = 0
    name: str = ""
    steps: tuple[Counts, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether the run has finished."""
        return self.state in ENDED

    @property
    def done(self) -> int:
        """The number of finished subtasks."""
        return self.succeeded + self.failed

    def __str__(self) -> str:
        each = "".join(f"  {step.name} {step.done}/{step.known}" for step in self.steps)
        return f"known {self.known}  done {self.done}  running {self.running}  failed {self.failed}{each}"


def steps(api: Api, dag_id: str) -> list[str]:
    """Return the names of the job's steps: ``run``, or those of its spec."""
    tasks = api.get(f"/dags/{dag_id}/tasks")["tasks"]
    return [task["task_id"] for task in tasks if task["is_mapped"]]


def counts(api: Api, dag_id: str, run_id: str, names: list[str]) -> Counts:
    """Return the current counts; requests the run's state first, so that the counts of a finished run are final."""
    state = str(api.run(dag_id, run_id)["state"])
    each = tuple(_of_step(api, dag_id, run_id, name) for name in names)
    total = {name: sum(getattr(one, name) for one in each) for name in ("known", "succeeded", "running", "failed")}
    return Counts(state, **total, steps=each if len(each) > 1 else ())


def _of_step(api: Api, dag_id: str, run_id: str, step: str) -> Counts:
    page = _query(api, dag_id, run_id, step)
    rows = page["task_instances"]
    # A mapped task without subtasks has one row with the map index -1, which is not a subtask.
    if not rows or rows[0]["map_index"] < 0:
        return Counts("", name=step)
    succeeded, running, failed = (
        int(_query(api, dag_id, run_id, step, state=name)["total_entries"]) for name in ("success", "running", "failed")
    )
    return Counts("", int(page["total_entries"]), succeeded, running, failed, name=step)


def _query(api: Api, dag_id: str, run_id: str, step: str, **query: object) -> dict[str, Any]:
    path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
    return api.get(path, task_id=step, limit=1, order_by="map_index", **query)


def updates(api: Api, dag_id: str, run_id: str) -> Iterator[Counts]:
    """Yield the counts until the run has finished."""
    names = steps(api, dag_id)
    while True:
        began = time.monotonic()
        seen = counts(api, dag_id, run_id, names)
        yield seen
        if seen.ended:
            return
        time.sleep(min(max(PAUSE, 4 * (time.monotonic() - began)), LONGEST))


def show(api: Api, dag_id: str, run_id: str, console: Console) -> Counts:
    """Show the progress of a run until it has finished, and return its final counts."""
    watched = updates(api, dag_id, run_id)
    shown = _bar(watched, dag_id, console) if console.is_terminal else _lines(watched, console)
    return deque(shown, maxlen=1)[0]


def _bar(seen: Iterator[Counts], title: str, console: Console) -> Iterator[Counts]:
    job, counts = (TextColumn(form, markup=False) for form in ("{task.description}", "{task.fields[counts]}"))
    columns = (job, BarColumn(), counts, TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=None, counts="planning")
        for one in seen:
            bar.update(task, total=one.known or None, completed=one.done, counts=str(one))
            yield one


def _lines(seen: Iterator[Counts], console: Console) -> Iterator[Counts]:
    began = printed = time.monotonic()
    for one in seen:
        now = time.monotonic()
        if one.ended or now - printed >= LINE:
            console.print(f"{now - began:5.1f} s  {one}")
            printed = now
        yield one
