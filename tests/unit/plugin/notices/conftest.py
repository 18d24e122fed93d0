"""Jobs with notifiers, whose DAGs are serialized as the DAG processor does."""

import json

import pytest
from airflow import settings
from airflow.models.callback import DagProcessorCallback
from airflow.models.dag import DagModel
from airflow.models.serialized_dag import SerializedDagModel
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from sqlalchemy import select
from sqlalchemy.orm import sessionmaker

from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.spec import parse_job

ON = """
on:
  failure: {notifier: "a.b:C"}
  late: [{after: 10m, notifier: "a.b:F"}, {after: 5h, notifier: "a.b:F"}]
"""


@pytest.fixture
def make(session, make_job):
    """Return a job in the database; ``more`` is YAML."""

    def made(name, more=ON):
        job = make_job(name, more)
        session.get(DagModel, name).relative_fileloc = f"{name}.py"
        session.flush()
        dag = build_dag(parse_job(f"plan: {{items: [1]}}\nrun: {{shell: x}}\n{more}", id=name))
        lazy = LazyDeserializedDAG(data=DagSerialization.to_dict(dag))
        SerializedDagModel.write_dag(lazy, bundle_name="b", session=session)
        return job

    return made


@pytest.fixture
def requested(session):
    """Return the notices of the requests in the database."""

    def read():
        found = session.scalars(select(DagProcessorCallback).order_by(DagProcessorCallback.created_at))
        requests = [json.loads(one.data["req_data"]) for one in found]
        return [(request["filepath"], json.loads(request["msg"])) for request in requests]

    return read


@pytest.fixture
def own_sessions(session, monkeypatch):
    """Airflow's own sessions use the test's database."""
    made = sessionmaker(session.connection(), join_transaction_mode="create_savepoint", expire_on_commit=False)
    monkeypatch.setattr(settings, "NonScopedSession", made)
