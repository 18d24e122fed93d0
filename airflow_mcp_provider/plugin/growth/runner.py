"""Who asks: the runner of a task instance, read for all requests of a transaction at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import RunIsOver
from airflow_mcp_provider.plugin.db.identity import SAME_RUN, RunRef, TaskRef, of_run, of_task, same
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, TaskInstance, TaskInstanceState, TaskScope
from airflow_mcp_provider.plugin.growth.airflow_internals import LABEL


@dataclass(frozen=True, slots=True)
class Runner:
    """The runner of a task instance, at which of Airflow's tries (``attempt``), in which of its lives.

    For what a life is, see ``next_step``. ``labelled``: people see the subtask's key beside the task instance.
    ``instance`` is the id of the task instance, which changes with each try.
    """

    run: RunRef
    step: str
    index: int
    attempt: int
    life: int
    clear_number: int
    run_state: str
    state: str | None
    labelled: bool
    instance: UUID

    @property
    def place(self) -> tuple[str, int]:
        """Name its task instance within the run."""
        return self.step, self.index

    @property
    def scope(self) -> TaskScope:
        """Name its task instance as Airflow's state store does."""
        return TaskRef(self.run.dag_id, self.run.run_id, self.step, self.index).scope

    @property
    def works(self) -> bool:
        """Whether it and its run are running.

        If not, the run was ended, a user marked the task instance, or its heartbeats were missing: it hung, and was
        given up. Then it may do nothing more.
        """
        return self.run_state == DagRunState.RUNNING and self.state == TaskInstanceState.RUNNING

    def running(self) -> Runner:
        """Return it; raises RunIsOver where it, or its run, is not running."""
        if not self.works:
            raise RunIsOver(
                "only a running task instance of a running run may enqueue; "
                f"the run is {self.run_state}, the task instance is {self.state}"
            )
        return self

    @classmethod
    def of(cls, session: Session, scope: TaskScope) -> Runner:
        """Find the runner of a task instance; raises RunIsOver where there is no such task instance."""
        if (found := cls.find(session, scope)) is None:
            raise RunIsOver("the task instance of this runner is gone")
        return found

    @classmethod
    def find(cls, session: Session, scope: TaskScope) -> Runner | None:
        """Find the runner of a task instance; None where there is no such task instance."""
        return next((runner for _, runner in _read(session, *of_task(TaskInstance, scope))), None)


def of_places(session: Session, run: RunRef, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Runner]:
    """Return the runners of a run's task instances; those that are gone are left out."""
    here = tuple_(TaskInstance.task_id, TaskInstance.map_index).in_(sorted(places))
    return {runner.place: runner for _, runner in _read(session, *of_run(TaskInstance, run), here)}


def of_instances(session: Session, ids: Collection[UUID]) -> dict[UUID, Runner]:
    """Return the runners by the ids of their task instances, which change with each try: a given up one is left out."""
    return dict(_read(session, TaskInstance.id.in_(ids)))


def asking(session: Session, scope: TaskScope) -> UUID | None:
    """Return the id of the task instance that asks by Airflow's own route, which has loaded it; None elsewhere."""
    loaded = (one for one in session.identity_map.values() if isinstance(one, TaskInstance))
    asked = TaskRef.of(scope)
    return next((one.id for one in loaded if TaskRef.of(one) == asked), None)


def _read(session: Session, *where: ColumnElement[bool]) -> Iterable[tuple[UUID, Runner]]:
    query = (
        select(
            TaskInstance.id,
            DagRun.id,
            TaskInstance.dag_id,
            TaskInstance.run_id,
            TaskInstance.task_id,
            TaskInstance.map_index,
            TaskInstance.try_number,
            TaskInstance.max_tries,
            DagRun.clear_number,
            DagRun.state,
            TaskInstance.state,
            LABEL.is_not(None),
        )
        .join(DagRun, same(DagRun, TaskInstance, SAME_RUN))
        .where(*where)
    )
    for instance, number, dag_id, run_id, *others in session.execute(query):
        fields: Any = [*others, instance]
        yield instance, Runner(RunRef(number, dag_id, run_id), *fields)
