"""A run as the API server sees it: what its runners would ask, answered by the real backend on real tables."""

import json

import msgspec
from airflow.models.log import Log
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.taskmap import TaskMap
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.state import TaskScope
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import select

from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.operators.tally import counted
from airflow_mcp_provider.plugin.growth.backend import GrowthBackend
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.answer_types import Counts, TallyPage
from airflow_mcp_provider.spec import parse_job


class Played:
    """The run ``one`` of the job ``crawl``; ``ask`` is what a runner would ask."""

    SPEC = ""
    TRIES = 0

    def __init__(self, session, job):
        self.session = session
        spec = parse_job(self.SPEC, id="crawl")
        made = build_dag(spec)
        job.dag = self.dag = DagSerialization.from_dict(DagSerialization.to_dict(made))
        lazy = LazyDeserializedDAG(data=DagSerialization.to_dict(made))
        SerializedDagModel.write_dag(lazy, bundle_name="b", session=session)
        self.run = job.run("one", DagRunState.RUNNING)
        self.backend = GrowthBackend()
        self.calls = 0
        self.instance("plan", -1)
        self.begin = {"tolerate": str(spec.subtasks.tolerate), "steps": build_dag(spec).task_dict["plan"].steps}

    def instance(self, task_id, map_index, state=TaskInstanceState.RUNNING):
        one = TaskInstance(self.dag.get_task(task_id), run_id="one", map_index=map_index, dag_version_id=None)
        one.state, one.try_number, one.max_tries, one._rendered_map_index = state, 1, self.TRIES, "a key"
        self.session.add(one)
        self.session.flush()
        return one

    def planned(self, keys, **more):
        children = [[key, {"node": key, **more}] for key in keys]
        body = {"begin": self.begin, "parent": None, "depth": 0, "children": children}
        return self.ask("plan", -1, store_keys.ENQUEUE, body)

    def mapped(self, length):
        names = {"dag_id": "crawl", "run_id": "one", "task_id": "plan", "map_index": -1}
        self.session.merge(TaskMap(**names, length=length, keys=None))

    def ask(self, task_id, map_index, question, body):
        self.calls += 1
        self.set(task_id, map_index, question, {**body, "call": str(self.calls)})
        return json.loads(self.get(task_id, map_index, store_keys.ANSWER))

    def confirm(self):
        """What the report asks at first, when it runs."""
        if not self.states("report"):
            self.instance("report", -1)
        return self.ask("report", -1, store_keys.CONFIRM, {})

    def set(self, task_id, map_index, key, value):
        self.backend.set(self._scope(task_id, map_index), key, json.dumps(value), session=self.session)

    def get(self, task_id, map_index, key):
        return self.backend.get(self._scope(task_id, map_index), key, session=self.session)

    def outcomes(self):
        place, found = store_keys.FIRST_PAGE, []
        while place:
            page = json.loads(self.get("report", -1, store_keys.OUTCOMES + place))
            found, place = found + page["outcomes"], page["next"]
        return {(one["key"], one["step"]): one for one in found}

    def tally(self, known):
        """What the report counts of so many subtasks."""
        place, pages = store_keys.FIRST_PAGE, []
        while place:
            pages.append(msgspec.json.decode(self.get("report", -1, store_keys.TALLY + place), type=TallyPage))
            place = pages[-1].next
        return msgspec.to_builtins(counted(Counts(known, 0, 0, 0, 0, "success", {}), pages))

    def succeed(self, task_id, map_index):
        """A runner ends well: Airflow notes that in its audit log."""
        names = {"dag_id": "crawl", "run_id": "one", "task_id": task_id, "map_index": map_index}
        one = self.session.query(TaskInstance).filter_by(**names).one()
        one.state = TaskInstanceState.SUCCESS
        self.session.add(Log("success", try_number=one.try_number, **names))
        self.session.flush()

    def states(self, task_id):
        query = select(TaskInstance.map_index, TaskInstance.state).where(TaskInstance.task_id == task_id)
        return dict(self.session.execute(query).all())

    def _scope(self, task_id, map_index):
        return TaskScope(dag_id="crawl", run_id="one", task_id=task_id, map_index=map_index)
