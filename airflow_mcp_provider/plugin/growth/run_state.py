"""The row ``mcp.run`` in plan's store: what is known of a run, and the lock that makes it exact.

Every call that gives places updates it first, which locks it (and on SQLite takes the database's write lock before
anything is read), so keys and map indexes are exact however many call at once.
"""

from __future__ import annotations

from typing import Self

import msgspec
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.plugin.db import rows, state_store
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.state_store import PLAN
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.growth_rules import Growth, Step
from airflow_mcp_provider.spec import Tolerate

__all__ = ["RunState", "Step"]


class RunState(Growth, frozen=True):
    """The run's subtasks as the row has them."""

    @classmethod
    def of(cls, value: object) -> Self:
        """Build from the row's JSON value; raises InvalidRow."""
        try:
            made = msgspec.convert(value, cls)
            Tolerate.of(made.tolerate)
        except (SpecError, ValueError, RecursionError):
            raise rows.invalid(store_keys.RUN, "an object with tolerate and steps", value) from None
        return made

    @classmethod
    def read(cls, session: Session, run: RunRef) -> Self | None:
        """Read the state of a run; None before plan has begun."""
        value = state_store.read(session, run, PLAN, -1, store_keys.RUN)
        return None if value is None else cls.of(value)

    @classmethod
    def locked(cls, session: Session, run: RunRef) -> Self | None:
        """Take the row for this transaction, and return what it holds: None before plan has begun."""
        value = state_store.locked(session, run, PLAN, -1, store_keys.RUN)
        return None if value is None else cls.of(value)

    def write(self, session: Session, run: RunRef) -> None:
        """Store it."""
        state_store.write(session, run, PLAN, -1, store_keys.RUN, self)

    def list_of(self, step: Step) -> str:
        """Return the task whose list Airflow maps the step over."""
        return PLAN if step == self.steps[0] else step.name + store_keys.PLACES
