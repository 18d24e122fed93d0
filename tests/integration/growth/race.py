"""The scheduler and an enqueue at the same moment, played step by step in one process on a real database.

Run as a script, with its time limit in seconds and the environment of an Airflow whose schedulers leave the job ``race``
alone (it is paused). The
scheduler's part is Airflow's own ``DagRun.update_state``, stopped between its two reads: the length of the map and the
instances that are there. In that moment a running subtask enqueues. ``python race.py 20 unlocked`` takes our lock away.
Prints what became of the subtasks.
"""

import json
import sys
import threading
from datetime import UTC, datetime

import airflow.serialization.definitions.mappedoperator as mapped
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.taskmap import TaskMap
from airflow.models.xcom import XComModel
from airflow.state import TaskScope
from airflow.utils.session import create_session
from airflow.utils.sqlalchemy import with_row_locks
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import select

from airflow_mcp_provider.plugin.growth import airflow_internals as airflow_seam
from airflow_mcp_provider.plugin.growth.backend import GrowthBackend
from airflow_mcp_provider.runtime import store_keys

JOB = "race"
PLAN, RUNNING_ONE, REPORT = ("plan", -1), ("run", 0), ("report", -1)
IN_TIME = float(sys.argv[1])


class Played:
    """One run of the job, whose subtasks never really run."""

    def __init__(self):
        self.backend = GrowthBackend()
        self.calls = 0
        with create_session(scoped=False) as session:
            dag = SerializedDagModel.get(JOB, session=session).dag
            self.run_id = dag.create_dagrun(
                run_id=f"race-{datetime.now(UTC).timestamp()}",
                run_after=datetime.now(UTC),
                run_type=DagRunType.MANUAL,
                triggered_by=DagRunTriggeredByType.TEST,
                state=DagRunState.RUNNING,
                session=session,
            ).run_id

    def ask(self, task, question, body):
        """A runner's question, as the Execution API passes it on."""
        scope = TaskScope(dag_id=JOB, run_id=self.run_id, task_id=task[0], map_index=task[1])
        self.calls += 1
        call = f"call-{self.calls}"
        self.backend.set(scope, question, json.dumps({**body, "call": call}))
        answer = json.loads(self.backend.get(scope, store_keys.ANSWER))
        assert answer["call"] == call
        return answer

    def schedule(self):
        """A scheduler's pass: its lock, its decisions, its commit."""
        with create_session(scoped=False) as session:
            query = with_row_locks(select(DagRun).where(DagRun.run_id == self.run_id), session, of=DagRun)
            run = session.scalars(query).unique().one()
            run.dag = SerializedDagModel.get(JOB, session=session).dag
            run.update_state(session=session, execute_callbacks=False)

    def turn(self, task, state):
        """What a runner's start or end writes."""
        with create_session(scoped=False) as session:
            self._instance(session, task).state = state

    def planned(self, length):
        """What the end of plan writes: its list, and how long it is."""
        with create_session(scoped=False) as session:
            plan = self._instance(session, PLAN)
            plan.state = TaskInstanceState.SUCCESS
            names = {"task_id": "plan", "dag_id": JOB, "run_id": self.run_id}
            XComModel.set("return_value", list(range(length)), map_index=-1, session=session, **names)
            session.add(TaskMap(**names, map_index=-1, length=length, keys=None))

    def instances(self):
        """The states of the subtasks by map index."""
        with create_session(scoped=False) as session:
            query = select(TaskInstance).where(TaskInstance.run_id == self.run_id, TaskInstance.task_id == "run")
            return {one.map_index: one.state and str(one.state) for one in session.scalars(query).unique()}

    def _instance(self, session, task):
        names = {"task_id": task[0], "map_index": task[1]}
        return session.scalars(select(TaskInstance).filter_by(run_id=self.run_id, **names)).unique().one()


def play():
    """Return what became of the subtasks: after the pass, and after report has asked for confirmation."""
    run = Played()
    run.turn(PLAN, TaskInstanceState.RUNNING)
    begin = {"tolerate": "0", "steps": [{"name": "run", "limit": 100, "depth": 9}]}
    run.ask(PLAN, store_keys.ENQUEUE, {"begin": begin, **children("a", "b")})
    run.planned(2)
    run.schedule()
    run.turn(RUNNING_ONE, TaskInstanceState.RUNNING)
    answer = race(run)
    settled(run)
    after = run.instances()
    run.turn(REPORT, TaskInstanceState.RUNNING)
    pending = run.ask(REPORT, store_keys.CONFIRM, {})["pending"]
    return {"answer": answer, "after": after, "pending": pending, "confirmed": run.instances()}


def children(*keys):
    """The body of an enqueue."""
    return {"children": [[key, {"node": key}] for key in keys]}


def race(run):
    """Enqueue two subtasks while the scheduler stands between its two reads; returns the answer."""
    between, enqueued, answers = threading.Event(), threading.Event(), []
    read_length = mapped.get_mapped_ti_count

    def stopped(*arguments, **keywords):
        length = read_length(*arguments, **keywords)
        if threading.current_thread() is scheduler:
            between.set()
            assert enqueued.wait(IN_TIME), "an enqueue must not wait for the scheduler"
        return length

    scheduler = threading.Thread(target=run.schedule)
    mapped.get_mapped_ti_count = stopped
    scheduler.start()
    assert between.wait(IN_TIME), "the scheduler's pass did not read the map's length"
    answers.append(run.ask(RUNNING_ONE, store_keys.ENQUEUE, children("c", "d")))
    enqueued.set()
    scheduler.join(IN_TIME)
    mapped.get_mapped_ti_count = read_length
    return answers[0]


def settled(run):
    """Wait for the materializer's threads, which bring in what an enqueue could not."""
    run.backend._materializer._pool.shutdown(wait=True)


if __name__ == "__main__":
    if sys.argv[2:] == ["unlocked"]:
        airflow_seam.locked = lambda query, session, *, wait: query  # noqa: ARG005 - the same call
    print(json.dumps(play()))  # noqa: T201 - for the test that started it
