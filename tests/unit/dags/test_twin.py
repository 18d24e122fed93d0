import importlib
import json

from airflow.serialization.serialized_objects import DagSerialization

from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.spec import load_job
from tests.unit.dags.conftest import JOBS


def serialised(dag):
    whole = json.dumps(DagSerialization.to_dict(dag), sort_keys=True)
    for quote in ('"', '\\"'):  # the spec is JSON in a string of the JSON
        whole = whole.replace(f"{quote}{dag.dag_id}{quote}", f"{quote}the id{quote}")
    told = json.loads(whole)
    told["dag"].pop("fileloc"), told["dag"].pop("relative_fileloc", None)
    return told


def test_yaml_and_python_give_one_dag():
    twin = importlib.import_module("twin").twin
    assert twin.dag_id == "twin"
    assert serialised(twin) == serialised(build_dag(load_job(JOBS / "matrix.yaml")))
