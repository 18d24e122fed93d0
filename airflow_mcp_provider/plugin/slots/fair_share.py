"""Fair share: the scheduler gives a free slot to the run that has the fewest slots.

Airflow orders ready task instances by priority, then by the run's logical date. Of two runs of the same priority the
earlier one gets every slot as long as it has ready task instances, with thousands of subtasks for hours. Here the n-th
ready task instance of a run counts as its number of active ones plus n, and the lowest count is first. The priority
still comes before that.

The order is part of one statement in a long method. The statement is rewritten when the session of this method executes
it. A statement of an unknown form is not changed, with a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial, wraps
from typing import Any

import structlog
from sqlalchemy import Select, Subquery, and_, event, func, select
from sqlalchemy.orm import ORMExecuteState, Session

from airflow_mcp_provider.plugin.db.tables import TaskInstance
from airflow_mcp_provider.plugin.patching import Method, wrap
from airflow_mcp_provider.plugin.slots.airflow_internals import EXECUTION_STATES, READY_TO_QUEUED, SchedulerJobRunner
from airflow_mcp_provider.plugin.slots.round_robin import Turns

PRIORITY, DATE, INDEX = (f"{name}_for_ordering" for name in ("priority_weight", "logical_date", "map_index"))
NEEDED = {"dag_id", "run_id", "row_num", PRIORITY, DATE, INDEX}
"""Columns of the scheduler's subquery of ready task instances; ``row_num`` counts them within each run."""

log = structlog.get_logger(__name__)


@cache
def share_fairly(kind: type[SchedulerJobRunner] = SchedulerJobRunner) -> None:
    """Patch the schedulers of this process to take ready task instances in this order."""
    wrap(kind, READY_TO_QUEUED, partial(_sharing, turns=Turns()))


def _sharing(method: Method, turns: Turns) -> Method:
    @wraps(method)
    def sharing(self: Any, max_tis: int, session: Session) -> Any:  # noqa: ANN401 - Airflow's
        with _reordered(session, turns):
            found = method(self, max_tis, session=session)
        turns.taken((ti.dag_id, ti.run_id) for ti in found)
        return found

    return sharing


@contextmanager
def _reordered(session: Session, turns: Turns) -> Iterator[None]:
    """Rewrite the statements of this session inside the context; other threads have other sessions."""
    rewrite = partial(_rewrite, turns)
    event.listen(session, "do_orm_execute", rewrite)
    try:
        yield
    finally:
        event.remove(session, "do_orm_execute", rewrite)


def _rewrite(turns: Turns, state: ORMExecuteState) -> None:
    if not state.is_select or state.is_column_load or state.is_relationship_load:
        return
    try:
        if isinstance(state.statement, Select) and _takes_task_instances(state.statement):
            state.statement = fair(state.statement, turns)
    except Exception as error:  # noqa: BLE001 - after any error Airflow's own order is better than no scheduler
        _warn(f"{type(error).__name__}: {error}")


def _takes_task_instances(statement: Select[Any]) -> bool:
    return [column["expr"] for column in statement.column_descriptions] == [TaskInstance]


def fair(statement: Select[Any], turns: Turns) -> Select[Any]:
    """Return the scheduler's statement with our order; raises ValueError for a statement of an unknown form."""
    ready = _ready(statement)
    active = _active()
    ours = and_(active.c.dag_id == ready.dag_id, active.c.run_id == ready.run_id)
    count = ready.row_num + func.coalesce(active.c.tis, 0)
    order = (-ready[PRIORITY], count, *turns.order(ready.dag_id, ready.run_id), ready[DATE], ready[INDEX])
    return statement.outerjoin(active, ours).order_by(None).order_by(*order)


def _ready(statement: Select[Any]) -> Any:  # noqa: ANN401 - a collection of columns, by name
    """Return the columns of the subquery; ``get_final_froms`` would compile the statement, 7 ms in every loop."""
    found = {part for part in statement.get_children() if isinstance(part, Subquery)}
    if len(found) != 1 or not set((ready := found.pop()).c.keys()) >= NEEDED:
        raise ValueError("the statement has no subquery of ready task instances")
    return ready.c


def _active() -> Subquery:
    ti = TaskInstance
    counted = select(ti.dag_id, ti.run_id, func.count().label("tis")).where(ti.state.in_(EXECUTION_STATES))
    return counted.group_by(ti.dag_id, ti.run_id).subquery()


@cache
def _warn(reason: str) -> None:
    """Log once per reason, because the statement is executed in every loop."""
    log.warning("fair share of slots not active: unknown form of Airflow's scheduling query", reason=reason)
