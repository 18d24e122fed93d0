"""How far a run is: read by REST, shown as a bar that grows with the run, or as lines where there is no terminal.

Runs in the shell. Four counts a look, none of which reads the subtasks themselves, so that a run of thousands
costs the server no more than one of ten.
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

    from airflow_mcp_provider.cli.api import Api

PAUSE = 0.3  # seconds between looks, at least
LONGEST = 1.0  # and at most: a busy server, which answers late, is asked less often
LINE = 2.0  # seconds between lines where there is no terminal
ENDED = ("success", "failed")


@dataclass(frozen=True)
class Counts:
    """The subtasks of a run; ``known`` grows while it runs."""

    state: str
    known: int = 0
    succeeded: int = 0
    running: int = 0
    failed: int = 0

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self.state in ENDED

    @property
    def done(self) -> int:
        """Subtasks that are over."""
        return self.succeeded + self.failed

    def __str__(self) -> str:
        return f"known {self.known}  done {self.done}  running {self.running}  failed {self.failed}"


def counts(api: Api, dag_id: str, run_id: str) -> Counts:
    """Look once; the run's state first, so that the counts of a run that ended are its last."""
    state = str(api.run(dag_id, run_id)["state"])
    known = _known(api, dag_id, run_id)
    of = {name: _total(api, dag_id, run_id, state=name) if known else 0 for name in ("success", "running", "failed")}
    return Counts(state, known, of["success"], of["running"], of["failed"])


def _known(api: Api, dag_id: str, run_id: str) -> int:
    page = _look(api, dag_id, run_id)
    rows = page["task_instances"]
    # Before `plan` has ended, the mapped task has one row without an index, which is no subtask.
    return 0 if rows and rows[0]["map_index"] < 0 else int(page["total_entries"])


def _total(api: Api, dag_id: str, run_id: str, **query: object) -> int:
    return int(_look(api, dag_id, run_id, **query)["total_entries"])


def _look(api: Api, dag_id: str, run_id: str, **query: object) -> dict[str, Any]:
    path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
    return api.get(path, task_id="run", limit=1, order_by="map_index", **query)


def looks(api: Api, dag_id: str, run_id: str) -> Iterator[Counts]:
    """Look until the run has ended."""
    while True:
        began = time.monotonic()
        seen = counts(api, dag_id, run_id)
        yield seen
        if seen.ended:
            return
        time.sleep(min(max(PAUSE, 4 * (time.monotonic() - began)), LONGEST))


def show(api: Api, dag_id: str, run_id: str, console: Console) -> Counts:
    """Show the run until it has ended, and give its last counts."""
    watched = looks(api, dag_id, run_id)
    shown = _bar(watched, dag_id, console) if console.is_terminal else _lines(watched, console)
    return deque(shown, maxlen=1)[0]


def _bar(seen: Iterator[Counts], title: str, console: Console) -> Iterator[Counts]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[counts]}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=None, counts="planning")
        for one in seen:
            bar.update(task, total=one.known or None, completed=one.done, counts=str(one))
            yield one


def _lines(seen: Iterator[Counts], console: Console) -> Iterator[Counts]:
    began = told = time.monotonic()
    for one in seen:
        now = time.monotonic()
        if one.ended or now - told >= LINE:
            console.print(f"{now - began:5.1f} s  {one}")
            told = now
        yield one
