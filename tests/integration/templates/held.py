"""Runners on this host that wait for their killer before they begin: however slow it is, none is done unnoticed.

A runner says at the end of its DAG file that it is there, by a file with its process id, and goes on when that
file is gone.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.integration.templates.killer import TITLE, Killer

FOLDER = "held"
FILES = ("jobs.py", "twin.py")
MODULE = f"""
import os
import time
from contextlib import suppress
from pathlib import Path

from airflow.sdk import get_parsing_context


def wait():
    context = get_parsing_context()
    folder = Path(os.environ["AIRFLOW_HOME"], "{FOLDER}", f"{{context.dag_id}}.{{context.task_id}}")
    here = folder / str(os.getpid())
    with suppress(FileNotFoundError):  # no killer
        here.touch()
        while here.exists():
            time.sleep(0.02)
"""


def install(dags: Path) -> None:
    """Let the runners of a DAG folder wait; the DAG processor does not: it is not there for one task."""
    (dags / "held.py").write_text(MODULE)
    for name in FILES:
        with (dags / name).open("a") as file:
            file.write("\nimport held\n\nheld.wait()\n")


@dataclass
class HeldKiller(Killer):
    """Lets a runner begin when it has noted it.

    For one that was done before its time had come, the next two are killed before they begin.
    """

    _begun: set[str] = field(default_factory=set)
    _debt: int = 0

    @contextmanager
    def holding(self) -> Iterator[None]:
        self._folder.mkdir(parents=True)
        try:
            yield
        finally:
            gone = self._folder.rename(
                self._folder.with_name(f"{self._folder.name}.gone")
            )  # a runner may begin just now
            shutil.rmtree(gone, ignore_errors=True)

    @property
    def _folder(self) -> Path:
        return self.airflow.folder / FOLDER / f"{self.job}.{self.task}"

    def _was_early(self) -> None:
        super()._was_early()
        self._debt += 2

    def _running(self) -> dict[str, int]:
        waiting = list(self._folder.iterdir())  # first: each of them is running in the database by now
        running = super()._running()
        for file in waiting:
            with suppress(psutil.NoSuchProcess, IndexError):
                process = psutil.Process(int(file.name))
                name = process.cmdline()[0].removeprefix(TITLE)
                if name in running:
                    self._let_begin(process, name, running[name])
            file.unlink()
        return {name: index for name, index in running.items() if name in self._begun}

    def _let_begin(self, process: psutil.Process, name: str, index: int) -> None:
        self._begun.add(name)
        self._is_due(name, index)  # not before now
        if self._debt and name in self._due:
            self._debt -= 1
            self._shoot(process.kill, name, index)
