"""The jobs of ``dags/`` run here from plan to report, each piece of work in a process, without Airflow.

Everything but the server is the real thing: the spec, the runner's ``perform``, its door, its limits.
"""

import json
import os
import shutil
import sys
import tempfile
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from airflow_mcp_provider.errors import SubtaskError
from airflow_mcp_provider.runtime import Error, Outcome
from airflow_mcp_provider.runtime.execute import Call, perform
from airflow_mcp_provider.runtime.payload import Child, child_of
from airflow_mcp_provider.runtime.size_limits import MAX_REPORT_BYTES
from airflow_mcp_provider.spec import JobSpec, PythonWork, Step, load_job

DAGS = Path(__file__).parents[3] / "dags"
JOBS = DAGS / "jobs"
NOBODY = 65534

# Airflow has the DAG folder there, too.
sys.path.insert(0, str(DAGS))


Waiting = tuple[Child, str | None, int, dict[str, Any]]


@dataclass
class LocalRun:
    """One run of a job, subtask by subtask; the server's part is a dictionary."""

    spec: JobSpec
    params: Mapping[str, Any]
    reserved: dict[str, Child] = field(default_factory=dict)
    waiting: dict[str, deque[Waiting]] = field(default_factory=lambda: defaultdict(deque))
    outcomes: list[Outcome] = field(default_factory=list)
    at: tuple[str | None, int, Step | None] = (None, -1, None)

    def enqueue(self, children: Sequence[Child]) -> int:
        new = [child for child in children if child.key not in self.reserved]
        self.reserved.update({child.key: child for child in new})
        parent, depth, step = self.at
        name = (step or self.spec.each_step[0]).name
        self.waiting[name].extend((child, parent, depth + 1, {}) for child in new)
        return len(new)

    def progress(self, fraction: float, message: str) -> None:
        assert 0 <= fraction <= 1, message

    def run(self) -> Any:
        planned = self._perform(self.spec.plan, Call((self.params,), "params", {}, self.params))
        self.enqueue([child_of(payload, None, self.spec.subtasks.key) for payload in planned or ()])
        each = self.spec.each_step
        for step, after in zip(each, [*each[1:], None], strict=True):
            while self.waiting[step.name]:
                self._visit(step, after, *self.waiting[step.name].popleft())
        return self._report()

    def _visit(
        self, step: Step, after: Step | None, child: Child, parent: str | None, depth: int, results: dict[str, Any]
    ) -> None:
        self.at = child.key, depth, step
        subtask = {**child.payload, **results}
        more: dict[str, Any] = {"step": step.name}
        try:
            result = self._perform(step.run, Call((subtask, self.params), "subtask, params", subtask, self.params))
        except SubtaskError as error:
            more["error"] = Error(error.kinds[0], str(error))
        else:
            more["result"] = result
            if after:
                self.waiting[after.name].append((child, child.key, depth, {**results, step.name: result}))
        status = "failed" if "error" in more else "success"
        self.outcomes.append(Outcome(child.key, child.payload, parent, depth, status, 1, None, None, **more))

    def _report(self) -> Any:
        if isinstance(self.spec.report, PythonWork):
            return self._perform(
                self.spec.report, Call((iter(self.outcomes), self.params), "outcomes, params", {}, self.params)
            )
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as lines:
            lines.writelines(json.dumps(asdict(outcome)) + "\n" for outcome in self.outcomes)
            lines.flush()
            return self._perform(self.spec.report, Call((), "", {"outcomes": lines.name}, self.params))

    def _perform(self, work: Any, call: Call) -> Any:
        limit = {"limit": MAX_REPORT_BYTES} if work is self.spec.report else {}
        timeouts = self.spec.timeouts
        return perform(work, call, channel=self, timeouts=timeouts, key_field=self.spec.subtasks.key, **limit)


def local_run(job: str, **conf: Any) -> LocalRun:
    spec = load_job(JOBS / f"{job}.yaml")
    defaults = {name: schema["default"] for name, schema in spec.params.items() if "default" in schema}
    return LocalRun(spec, defaults | conf)


@pytest.fixture
def tree() -> Iterator[Path]:
    """Give a folder that an unprivileged user can reach, too, unlike ``tmp_path``."""
    folder = Path(tempfile.mkdtemp(prefix="mcp-test-tree-"))
    folder.chmod(0o755)
    yield folder
    _open_all(folder)
    shutil.rmtree(os.fsencode(folder))


def _open_all(folder: Path) -> None:
    for place, directories, _ in os.walk(folder):
        for name in directories:
            directory = Path(place, name)
            if not directory.is_symlink():
                directory.chmod(0o755)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be nobody for a while: root can read everything."""
    if os.geteuid() != 0:
        yield
        return
    # The real ids, too: a shell gives up an effective id that differs.
    os.setresgid(NOBODY, NOBODY, 0)
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)


@pytest.fixture(name="local_run")
def _local_run() -> Callable[..., LocalRun]:
    return local_run


@pytest.fixture(name="unprivileged")
def _unprivileged() -> Callable[[], AbstractContextManager[None]]:
    return unprivileged
