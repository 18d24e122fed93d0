"""Runners that are replaced while their request waits for a lock, played step by step on a real database.

Run as a script with the environment of an Airflow whose schedulers leave the job ``still`` alone (it is paused). Prints
the status of each reply; null is a request that is passed to Airflow.
"""

import json
import threading
import time
import uuid
from datetime import UTC, datetime

from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import select, text, update

from airflow_mcp_provider.plugin.db import state_store
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.state_store import PLAN
from airflow_mcp_provider.plugin.growth.batch_state import Batch, Turn
from airflow_mcp_provider.plugin.growth.run_state import RunState, Step
from airflow_mcp_provider.plugin.server import handlers
from airflow_mcp_provider.plugin.server.airflow_internals import TIHeartbeatInfo
from airflow_mcp_provider.plugin.server.handlers import StoreRequest
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.messages import Item
from airflow_mcp_provider.runtime.request_types import Attempt, BatchOutcome, ChildEntry, Enqueue, GoOn

JOB = "still"
PLACES = 5


class Played:
    """A run of the job whose plan is over; ``instance`` is the id of the task instance that serves its batch."""

    def __init__(self):
        with create_session(scoped=False) as session:
            dag = SerializedDagModel.get(JOB, session=session).dag
            made = dag.create_dagrun(
                run_id=f"played-{datetime.now(UTC).timestamp()}",
                run_after=datetime.now(UTC),
                run_type=DagRunType.MANUAL,
                triggered_by=DagRunTriggeredByType.TEST,
                state=DagRunState.RUNNING,
                session=session,
            )
            self.run = RunRef(session.scalar(select(DagRun.id).filter_by(run_id=made.run_id)), JOB, made.run_id)
            self.instance = self._runs(session)
            step = Step("run", 100, 9, reserved=PLACES, batch=PLACES)
            RunState("0", (step,), PLACES).write(session, self.run)
            Batch(0, {0: Turn("taken", 1)}).write(session, self.run, "run", 0)
            items = [("run", n, store_keys.ITEM, Item(str(n), {}, None, 0)) for n in range(PLACES)]
            state_store.add(session, self.run, items)

    def _runs(self, session):
        one = session.scalars(select(TaskInstance).filter_by(run_id=self.run.run_id, task_id="run")).unique().one()
        one.map_index, one.state, one.try_number, one.max_tries = 0, TaskInstanceState.RUNNING, 1, 0
        one.hostname, one.pid = "here", 7
        session.flush()
        return one.id

    def replaced_behind(self, lock, work, asked):
        """Carry out a request that waits for a lock, while its runner is replaced; returns the replies."""
        replies = []
        with create_session(scoped=False) as session:
            state_store.locked(session, self.run, *lock)
            waiting = threading.Thread(target=lambda: replies.extend(work([asked])))
            waiting.start()
            waits_for(session, waiting)
            new = uuid.uuid4()
            mine = TaskInstance.id == self.instance
            session.execute(update(TaskInstance).where(mine).values(id=new, try_number=2))
        waiting.join()
        self.instance = new
        return [reply and reply.status for reply in replies]


def waits_for(session, waiting):
    """Return when another connection waits for a lock of this session."""
    mine = session.scalar(text("SELECT pg_backend_pid()"))
    query = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND :mine = ANY(pg_blocking_pids(pid))")
    while not session.scalar(query, {"mine": mine}):
        assert waiting.is_alive(), "it did not wait for the lock"
        time.sleep(0.05)


def play():
    """Return the statuses of what was asked, by what it was."""
    run = Played()
    goes_on = GoOn(call="a.1", ended=BatchOutcome(attempt=1, result=1, place=0), begin=Attempt(1, 1))
    batch, counter = ("run", 0, store_keys.BATCH), (PLAN, -1, store_keys.RUN)
    enqueue = Enqueue(call="a.2", children=[ChildEntry("c", {"node": "c"})])
    beats = [StoreRequest(run.instance, "heartbeat", TIHeartbeatInfo(hostname="here", pid=pid)) for pid in (8, 7)]
    return {
        "heartbeats": [reply and reply.status for reply in handlers.beat(beats)],
        "go on": run.replaced_behind(batch, handlers.take, StoreRequest(run.instance, store_keys.GO_ON, goes_on)),
        "enqueue": run.replaced_behind(
            counter, handlers.answer, StoreRequest(run.instance, store_keys.ENQUEUE, enqueue)
        ),
        "goes on": [
            reply and reply.status for reply in handlers.take([StoreRequest(run.instance, store_keys.GO_ON, goes_on)])
        ],
    }


if __name__ == "__main__":
    print(json.dumps(play()))  # noqa: T201 - for the test that started it
