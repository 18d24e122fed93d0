"""The keys of submits: each leads to the run that it has created, or to the one that did the same work already.

They are rows of the run, with the hash of the body. So a deleted run frees its keys.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InvalidRow
from airflow_mcp_provider.plugin.db import state_store
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.tables import DagRun, Store
from airflow_mcp_provider.plugin.http_api.problems import ApiError

TASK, ROW = "mcp", "mcp.submit"
"""The row of a run with a key. ``TASK`` is not a task of the DAG. The rows of other keys have these as their ends."""


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a user for a job, and the body that was sent with it."""

    job: str
    user_id: str
    text: str
    body: Mapping[str, Any]

    @property
    def _hash(self) -> str:
        return _hash([self.user_id, self.text])[:32]

    @property
    def run_id(self) -> str:
        """The id of the run that is created with the key."""
        return f"key__{self._hash}"

    @property
    def row(self) -> str:
        """The name of the row that a run has which was created without this key."""
        return f"{ROW}.{self._hash}"

    @property
    def fingerprint(self) -> str:
        """The hash of the body."""
        return _hash(self.body)


def _hash(value: Any) -> str:  # noqa: ANN401 - any JSON
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def find(session: Session, key: Key, *, others: bool) -> str | None:
    """Return the id of the key's run, None if there is none; raises ApiError where the body differs.

    ``others``: also where another submit has created the run. The database looks for a row of each of the job's runs,
    so only for jobs with ``queue.unique``.
    """
    number = session.scalar(select(DagRun.id).where(DagRun.dag_id == key.job, DagRun.run_id == key.run_id))
    if number is not None:
        return _checked(session, key, RunRef(number, key.job, key.run_id), ROW)
    found = session.execute(_others(key)).first() if others else None
    return None if found is None else _checked(session, key, RunRef(found[0], key.job, found[1]), key.row)


def _others(key: Key) -> Any:  # noqa: ANN401 - a Select of two columns
    mine = and_(Store.dag_run_id == DagRun.id, Store.task_id == TASK, Store.map_index == -1, Store.key == key.row)
    return select(DagRun.id, DagRun.run_id).join(Store, mine).where(DagRun.dag_id == key.job).limit(1)


def _checked(session: Session, key: Key, run: RunRef, row: str) -> str:
    if _stored(session, run, row) == key.fingerprint:
        return run.run_id
    text = f"the key was used for another body; expected a new key, or the same body; its run is {run.run_id}"
    raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "key_reused", text)


def _stored(session: Session, run: RunRef, row: str) -> object:
    try:
        return state_store.read(session, run, TASK, -1, row)
    except InvalidRow:
        return None


def keep(session: Session, key: Key, run: RunRef) -> None:
    """Write the row of a run that was created with the key."""
    state_store.add(session, run, [(TASK, -1, ROW, key.fingerprint)])


def point(session: Session, key: Key, run_id: str) -> None:
    """Let the key lead to another run, unless that was deleted meanwhile."""
    number = session.scalar(select(DagRun.id).where(DagRun.dag_id == key.job, DagRun.run_id == run_id))
    if number is not None:
        state_store.put(session, [(RunRef(number, key.job, run_id), TASK, -1, key.row, key.fingerprint)])
