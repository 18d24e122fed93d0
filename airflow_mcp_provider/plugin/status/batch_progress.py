"""The subtasks of a step with ``batch``, counted for the progress of a run.

``growth.batch_outcomes`` counts the same for the report, subtask by subtask; here the rows of the batches are counted,
which takes a few milliseconds for 10,000 subtasks. Of a run that was ended from outside, a subtask that never began is
skipped, though its task instance was running and has failed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Row, and_, func, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db.identity import RunRef, of_step
from airflow_mcp_provider.plugin.db.state_store import rows_of
from airflow_mcp_provider.plugin.db.states import FAILED
from airflow_mcp_provider.plugin.db.tables import Store, TaskInstance, TaskInstanceState
from airflow_mcp_provider.plugin.growth.run_state import Step
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.answer_types import StepCounts

_BY_STATE = {
    **dict.fromkeys(map(str, FAILED), "failed"),
    str(TaskInstanceState.SUCCESS): "succeeded",
    str(TaskInstanceState.SKIPPED): "skipped",
}
_BY_TURN = {"success": "succeeded", "failed": "failed"}
ENDS = ("succeeded", "failed", "skipped", "pending")


class _Turn(Struct, frozen=True):
    status: str


class _Batch(Struct, frozen=True):
    life: int
    turns: dict[str, _Turn]


_read = msgspec.json.Decoder(_Batch).decode


@dataclass(frozen=True, slots=True)
class Counted:
    """``running``: subtasks that a runner works on; ``touched``: when one has begun or ended at last."""

    counts: StepCounts
    running: int
    touched: datetime | None


def read(session: Session, run: RunRef, step: Step, *, halted: bool, cut: bool) -> Counted:
    """Count the subtasks of a step; ``halted``: the run starts no further ones, ``cut``: it was ended from outside."""
    sizes = _sizes(session, run, step)
    rows = session.execute(_query(run, step)).all()
    found: Counter[str] = Counter()
    for row in rows:
        found += _of_instance(row, sizes.get(row.map_index, 0), cut=cut)
    there = sum(sizes.get(row.map_index, 0) for row in rows)
    found["skipped" if halted else "pending"] += sum(sizes.values()) - there
    counts = StepCounts(step.filled, *(found[name] for name in ENDS))
    return Counted(counts, found["running"], _latest(rows))


def _query(run: RunRef, step: Step) -> Any:  # noqa: ANN401 - a Select of five columns
    batch = and_(*rows_of(Store, run, step.name, store_keys.BATCH), Store.map_index == TaskInstance.map_index)
    columns = (TaskInstance.map_index, TaskInstance.state, TaskInstance.max_tries, Store.value, Store.updated_at)
    instances = (*of_step(TaskInstance, run, step.name), TaskInstance.map_index >= 0)
    return select(*columns).outerjoin(Store, batch).where(*instances)


def _sizes(session: Session, run: RunRef, step: Step) -> Mapping[int, int]:
    """Return how many subtasks each task instance serves: all but the last are full, unless there are holes."""
    if not step.holes:
        return {index: min(step.batch, step.reserved - index * step.batch) for index in range(step.instances)}
    index: Any = Store.map_index.op("/")(step.batch)
    query = select(index, func.count()).where(*rows_of(Store, run, step.name, store_keys.ITEM)).group_by(index)
    return {int(number): count for number, count in session.execute(query)}


def _of_instance(row: Row[Any], size: int, *, cut: bool) -> Counter[str]:
    """Count the subtasks of one task instance, ``running`` ones as pending, too."""
    batch = _batch(row)
    ended = (
        Counter(_BY_TURN[turn.status] for turn in batch.turns.values() if turn.status in _BY_TURN)
        if batch
        else Counter()
    )
    if cut and row.state in FAILED:
        ended["skipped"] += size - (len(batch.turns) if batch else 0)
    ended[_BY_STATE.get(str(row.state), "pending")] += size - ended.total()
    if batch is not None and row.state == TaskInstanceState.RUNNING:
        ended["running"] = sum(turn.status == "taken" for turn in batch.turns.values())
    return ended


def _batch(row: Row[Any]) -> _Batch | None:
    """Return the batch of a task instance; None before it has begun, since it was cleared, and where it is damaged."""
    try:
        found = _read(row.value) if row.value else None
    except (ValueError, RecursionError):
        return None
    return found if found is not None and found.life == row.max_tries else None


def _latest(rows: Iterable[Row[Any]]) -> datetime | None:
    return max((row.updated_at for row in rows if row.updated_at), default=None)
