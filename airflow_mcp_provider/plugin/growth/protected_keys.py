"""Airflow's state store, in which only this package writes or removes rows whose keys begin with ``mcp.``.

A task reaches these rows by the Execution API, a user by the public REST API. Airflow answers the second with a backend
of its own, not with the configured one: ``server.airflow_internals.keep_rows`` puts ``KeptBackend`` there.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.utils.session import NEW_SESSION, provide_session
from sqlalchemy import Delete, delete
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db.identity import of_step
from airflow_mcp_provider.plugin.db.tables import Store, TaskScope
from airflow_mcp_provider.plugin.growth.airflow_internals import MetastoreBackend, async_session, forbidden

OURS = "mcp."


def is_ours(scope: object, key: str) -> bool:
    """Whether a row is one of this package."""
    return isinstance(scope, TaskScope) and key.startswith(OURS)


def check(scope: object, key: str) -> None:
    """Raise what both APIs answer with 403, where a key is reserved."""
    if is_ours(scope, key):
        raise forbidden(f"reserved key {key!r:.80}; expected a key that does not begin with {OURS!r}")


def others(scope: TaskScope, *, all_map_indices: bool) -> Delete:
    """Remove the rows of a task instance that are not ours."""
    names = of_step(Store, scope, scope.task_id)
    here = () if all_map_indices else (Store.map_index == scope.map_index,)
    return delete(Store).where(*names, *here, ~Store.key.startswith(OURS, autoescape=True))


class KeptBackend(MetastoreBackend):
    """Airflow's own, without our rows."""

    @provide_session
    def set(
        self,
        scope: Any,  # noqa: ANN401 - Airflow's union of scopes
        key: str,
        value: str,
        *,
        expires_at: datetime | None = None,
        session: Session | None = NEW_SESSION,
    ) -> None:
        """Store a value that is not ours."""
        check(scope, key)
        super().set(scope, key, value, expires_at=expires_at, session=session)

    @provide_session
    def delete(self, scope: Any, key: str, *, session: Session | None = NEW_SESSION) -> None:  # noqa: ANN401 - as above
        """Remove a value that is not ours."""
        check(scope, key)
        super().delete(scope, key, session=session)

    @provide_session
    def clear(self, scope: Any, *, all_map_indices: bool = False, session: Session | None = NEW_SESSION) -> None:  # noqa: ANN401 - as above
        """Remove all values that are not ours."""
        assert session is not None  # noqa: S101 - provide_session gives one
        if isinstance(scope, TaskScope):
            session.execute(others(scope, all_map_indices=all_map_indices))
        else:
            super().clear(scope, all_map_indices=all_map_indices, session=session)

    async def aset(
        self,
        scope: Any,  # noqa: ANN401 - as above
        key: str,
        value: str,
        *,
        expires_at: datetime | None = None,
        session: Any = None,  # noqa: ANN401 - of SQLAlchemy's asyncio
    ) -> None:
        """Store a value that is not ours."""
        check(scope, key)
        await super().aset(scope, key, value, expires_at=expires_at, session=session)

    async def adelete(self, scope: Any, key: str, *, session: Any = None) -> None:  # noqa: ANN401 - as above
        """Remove a value that is not ours."""
        check(scope, key)
        await super().adelete(scope, key, session=session)

    async def aclear(self, scope: Any, *, all_map_indices: bool = False, session: Any = None) -> None:  # noqa: ANN401 - as above
        """Remove all values that are not ours."""
        if isinstance(scope, TaskScope):
            async with async_session(session) as one:
                await one.execute(others(scope, all_map_indices=all_map_indices))
        else:
            await super().aclear(scope, all_map_indices=all_map_indices, session=session)
