"""The real state store backend with a fault: runners that ask for it die when they have handed their subtask on.

Loaded by the tests' API servers. The kill comes after the commit and before the answer, in the moment that a runner's
own code cannot reach.
"""

import json
import os
import signal
from contextlib import suppress

from airflow.utils.session import NEW_SESSION, provide_session
from sqlalchemy import event

from airflow_mcp_provider.plugin.growth.backend import GrowthBackend
from airflow_mcp_provider.runtime import store_keys


class DeadlyBackend(GrowthBackend):
    """Kills the processes that the outcome of a first attempt names."""

    @provide_session
    def set(self, scope, key, value, *, expires_at=None, session=NEW_SESSION):
        """Store, and kill."""
        super().set(scope, key, value, expires_at=expires_at, session=session)
        outcome = json.loads(value).get("outcome", {}) if key == store_keys.DONE else {}
        result = outcome.get("result")
        if outcome.get("attempt") == 1 and isinstance(result, dict) and (dies := result.get("dies")):
            event.listen(session, "after_commit", lambda _: _kill(dies), once=True)


def _kill(pids):
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
