"""Which subtask enqueues: the parent of new subtasks follows from the task instance that asks, not from its request."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InvalidRow, McpError, TryAgain
from airflow_mcp_provider.plugin.db import rows, state_store
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.growth.batch_dispatch import in_hand
from airflow_mcp_provider.plugin.growth.run_state import RunState
from airflow_mcp_provider.plugin.growth.runner import Runner
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.messages import Item

TaskPlace = tuple[str, int]
"""A task and a map index."""
MISSING = (
    f"the row {store_keys.ITEM} of this subtask is missing: `airflow state-store cleanup` or a person removed it; "
    "clear the task `plan` of the run to plan it again"
)


def parents(
    session: Session,
    run: RunRef,
    state: RunState | None,
    places: Collection[TaskPlace],
    runners: Mapping[TaskPlace, Runner],
) -> dict[TaskPlace, Item | McpError]:
    """Return the subtask of each task instance, or why that is not known; plan has none.

    One query for all; one more for each batch, whose row shows the subtask that its runner has in hand.
    """
    names = () if state is None else state.names
    asking = {place: place for place in places if place[0] in names and place in runners}
    failed: dict[TaskPlace, Item | McpError] = {}
    for place in asking:
        if state is not None and state.step(place[0]).batch > 1:
            try:
                asking[place] = place[0], in_hand(session, runners[place])
            except (InvalidRow, TryAgain) as error:
                failed[place] = error
    found = state_store.read_of(session, run, store_keys.ITEM, set(asking.values())) if asking else {}
    return {place: _item(found.get(at)) for place, at in asking.items()} | failed


def _item(found: object) -> Item | McpError:
    if found is None:
        return InvalidRow(MISSING)
    try:
        return rows.item_of(found)
    except InvalidRow as error:
        return error
