"""The document of a subtask, made of its row in a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from airflow_mcp_provider.client.models import Subtask, SubtaskState, Why
from airflow_mcp_provider.errors import InvalidRow
from airflow_mcp_provider.plugin.db import clock, nesting, rows
from airflow_mcp_provider.plugin.db.tables import TaskInstanceState
from airflow_mcp_provider.plugin.growth.batch_outcomes import lost
from airflow_mcp_provider.plugin.growth.batch_state import Batch, Turn
from airflow_mcp_provider.plugin.growth.next_step import is_continued
from airflow_mcp_provider.plugin.growth.run_state import RunState, Step
from airflow_mcp_provider.plugin.status import addresses, subtask_rows
from airflow_mcp_provider.plugin.status.run_rows import RunRow
from airflow_mcp_provider.plugin.status.subtask_rows import SubtaskRow
from airflow_mcp_provider.runtime.messages import Item, StoredOutcome
from airflow_mcp_provider.runtime.outcome import Error


class Reader:
    """Makes documents of the rows of a step."""

    @classmethod
    def of(cls, session: Session, run: RunRow, state: RunState, step: Step, read: Sequence[SubtaskRow]) -> Reader:
        """Build it for some rows."""
        return cls(run, state, step, subtask_rows.batches(session, run.ref, step, read))

    def __init__(self, run: RunRow, state: RunState, step: Step, batches: Mapping[int, str]) -> None:
        self._run = run
        self._batches = {index: _batch(text) for index, text in batches.items()}
        self._step = step
        self._halted = state.halted(run.clear_number)

    def subtask(self, row: SubtaskRow) -> Subtask:
        """Return the document of a row."""
        item = self._item(row)
        said, turn, state = rows.outcome(row.outcome), self._turn(row), self.state(row)
        progress = _progress(row.progress) if state is SubtaskState.RUNNING else (None, None)
        attempt = self._attempt(row, turn)
        error = _error(row, said, state, attempt, batched=self._step.batch > 1)
        started, ended = self._times(row, said, turn if state is SubtaskState.RUNNING else None)
        return Subtask(
            key=item.key,
            step=self._step.name,
            state=state,
            parent=item.parent,
            depth=item.depth,
            attempt=attempt,
            attempts=[],
            started=started,
            ended=ended,
            fraction=progress[0],
            message=progress[1],
            payload=nesting.cut(item.payload),
            result=nesting.cut(said.value) if said and state is SubtaskState.SUCCEEDED else None,
            error=None if error is None else Why(code=error.type, text=error.message),
            task=self._step.name,
            map_index=row.map_index // self._step.batch,
            log=addresses.log(self._run.job, self._run.run_id, item.key),
            ui=self._ui(row),
        )

    def _ui(self, row: SubtaskRow) -> str | None:
        if row.instance is None:
            return None
        return addresses.instance(self._run.job, self._run.run_id, self._step.name, row.instance)

    def _item(self, row: SubtaskRow) -> Item:
        try:
            return rows.item(row.item)
        except InvalidRow:
            return Item(f"{self._step.name}[{row.map_index}]", {}, None, 0)

    def _turn(self, row: SubtaskRow) -> Turn | None:
        """Return how far a subtask of a batch is; None for one that has a task instance of its own."""
        batch = self._batches.get(row.map_index // self._step.batch)
        return batch.turns.get(row.map_index) if batch is not None and batch.life == row.max_tries else None

    def state(self, row: SubtaskRow) -> SubtaskState:
        """Return the state of a subtask."""
        turn = self._turn(row)
        if is_continued(row.continued, row.max_tries):
            return SubtaskState.SUCCEEDED
        if turn is not None and turn.ended:
            return SubtaskState.SUCCEEDED if turn.status == "success" else SubtaskState.FAILED
        state = subtask_rows.of_instance(row.state)
        if self._step.batch > 1 and state is SubtaskState.RUNNING and (turn is None or turn.status != "taken"):
            return SubtaskState.WAITING
        never_began = self._step.batch > 1 and turn is None and state is SubtaskState.FAILED
        if (row.state is None and self._halted) or (never_began and self._run.end is not None):
            return SubtaskState.SKIPPED
        return state

    def _attempt(self, row: SubtaskRow, turn: Turn | None) -> int:
        if self._step.batch > 1:
            return turn.attempts if turn else 0
        return (row.try_number or 0) if row.start_date else 0

    def _times(self, row: SubtaskRow, said: StoredOutcome | None, runs: Turn | None) -> tuple[Any, Any]:
        """Return start and end; of a subtask of a batch that runs (``runs``), when the runner took it."""
        if self._step.batch == 1:
            return row.start_date, row.end_date
        if runs is not None:
            return clock.parsed(runs.at), None
        return clock.parsed(said and said.started), clock.parsed(said and said.ended)


def _error(
    row: SubtaskRow, said: StoredOutcome | None, state: SubtaskState, attempt: int, *, batched: bool
) -> Error | None:
    """Return why the latest attempt failed; also of a subtask that waits for its next attempt."""
    waits = state is SubtaskState.WAITING and row.state == TaskInstanceState.UP_FOR_RETRY
    if state is not SubtaskState.FAILED and not waits:
        return None
    if said is not None and said.error is not None and (batched or said.attempt == attempt):
        return said.error
    return lost(rows.pod(row.pod), row.try_number)


def _batch(text: str) -> Batch | None:
    try:
        return Batch.of(rows.parsed(text))
    except InvalidRow:
        return None


def _progress(text: str | None) -> tuple[float | None, str | None]:
    found = rows.parsed(text)
    if not isinstance(found, dict):
        return None, None
    fraction, message = found.get("fraction"), found.get("message")
    return (
        float(fraction) if isinstance(fraction, int | float) else None,
        message if isinstance(message, str) else None,
    )
