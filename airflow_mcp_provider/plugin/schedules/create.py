"""Create the runs of a job's schedule: with its date, its jitter and its conf.

Replaces ``SerializedDAG.create_dagrun`` in the scheduler, for the runs of jobs that the scheduler creates. It costs no
query, except one for a run that ``schedule.watch`` starts, and one for a date that was missed. A run whose conf does
not fit the params is created and ended at once, so that people see why it did not start: Airflow would write a
traceback to the scheduler's log in every loop.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.constants import MARKER_KEY
from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.plugin.db.locks import savepoint
from airflow_mcp_provider.plugin.db.run_end import End, Reason
from airflow_mcp_provider.plugin.db.states import OF_SCHEDULER
from airflow_mcp_provider.plugin.db.tables import DagRun
from airflow_mcp_provider.plugin.patching import Method, wrap
from airflow_mcp_provider.plugin.queue.termination import end_unstarted
from airflow_mcp_provider.plugin.schedules import conf, dates
from airflow_mcp_provider.plugin.schedules.airflow_internals import (
    CREATE_RUN,
    DagRunInfo,
    DagRunType,
    ParamValidationError,
    SerializedDAG,
)
from airflow_mcp_provider.spec.marker import Marker
from airflow_mcp_provider.spec.schedule_rules import ScheduleRules

LOCK_TIMEOUT = 0.5
"""Seconds; the rows of a run that was just created are not locked by others."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Planned:
    """The arguments of a run to create; ``wrong``: why it must not start."""

    arguments: dict[str, Any]
    wrong: str | None = None


@cache
def create_by_rules(kind: type[SerializedDAG] = SerializedDAG) -> None:
    """Patch the DAGs of this process."""
    wrap(kind, CREATE_RUN, _creating)


def _creating(create: Method) -> Method:
    @wraps(create)
    def creating(self: SerializedDAG, **arguments: Any) -> Any:  # noqa: ANN401 - Airflow's
        if arguments.get("run_type") not in OF_SCHEDULER or MARKER_KEY not in self.default_args:
            return create(self, **arguments)
        planned = _plan(self, arguments)
        try:
            return _create_ended(create, self, planned) if planned.wrong else create(self, **planned.arguments)
        except ParamValidationError as error:  # raised before anything is written
            wrong = f"conf of the job {self.dag_id}: {error}"
            return _create_ended(create, self, Planned(planned.arguments, wrong))

    return creating


def _plan(dag: SerializedDAG, arguments: dict[str, Any]) -> Planned:
    """Plan the run; after an error Airflow creates it as it wants, and the gate decides on it."""
    try:
        rules = Marker.read(dag.default_args[MARKER_KEY]).schedule
        return Planned(arguments) if rules is None else plan(dag, rules, arguments)
    except Exception:
        log.exception("failed to apply the rules of a schedule", job=dag.dag_id, run=arguments.get("run_id"))
        return Planned(arguments)


def plan(dag: SerializedDAG, rules: ScheduleRules, arguments: dict[str, Any]) -> Planned:
    """Return the arguments of the run that takes the place of the one that Airflow wants."""
    session, is_scheduled = arguments["session"], arguments["run_type"] == DagRunType.SCHEDULED
    own = {**arguments, **_date(dag, rules, arguments)} if is_scheduled else arguments
    run_after, run_id = own["run_after"], own["run_id"]
    if is_scheduled:
        own = {**own, "run_after": run_after + dates.jitter(dag.dag_id, run_id, rules.jitter)}
    try:
        found = conf.read(session, dag.dag_id, rules, run_after)
    except ValueError as error:
        return Planned(own, f"{error}")
    return Planned({**own, "conf": found}, conf.wrong(dag, run_id, found))


def _date(dag: SerializedDAG, rules: ScheduleRules, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that differ for the date of the run."""
    given = DagRunInfo(arguments["run_after"], arguments["data_interval"])
    try:
        chosen = dates.choose(dag, given, rules.misfire_grace, clock.now())
    except Exception:
        log.exception("failed to choose among missed dates", job=dag.dag_id, run=arguments["run_id"])
        return {}
    if chosen.run_after == given.run_after or _has_run(arguments["session"], dag.dag_id, chosen):
        return {}
    log.info("missed dates have one run", job=dag.dag_id, first=f"{given.run_after}", latest=f"{chosen.run_after}")
    return {
        "run_id": dag.timetable.generate_run_id(
            run_type=DagRunType.SCHEDULED,
            run_after=chosen.run_after,
            data_interval=chosen.data_interval,
            partition_key=None,
        ),
        "logical_date": chosen.logical_date,
        "data_interval": chosen.data_interval,
        "run_after": chosen.run_after,
    }


def _has_run(session: Session, job: str, info: DagRunInfo) -> bool:
    """Whether there is a run of this date, for example of a backfill: Airflow's table has one at most."""
    query = select(DagRun.id).where(DagRun.dag_id == job, DagRun.logical_date == info.logical_date)
    return session.scalar(query.limit(1)) is not None


def _create_ended(create: Method, dag: SerializedDAG, planned: Planned) -> DagRun:
    """Create a run that has failed already. Airflow would refuse its conf, so it is created without params."""
    bare = copy(dag)
    bare.params = type(dag.params)()
    run: DagRun = create(bare, **{**planned.arguments, "conf": {}})
    run.dag = dag
    session = planned.arguments["session"]
    with savepoint(session, LOCK_TIMEOUT) as connection:
        end_unstarted(session, connection, {run.id: End(Reason.INVALID, planned.wrong or "")})
    session.refresh(run)
    return run
