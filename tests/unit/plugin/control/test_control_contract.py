"""What ``plugin/control`` and ``plugin/http_api/control_routes`` lean on in Airflow, by name."""

import inspect

from airflow.api_fastapi.core_api import security
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance

from airflow_mcp_provider.plugin.control import airflow_internals
from airflow_mcp_provider.plugin.http_api.control_routes import router


def test_a_run_is_cleared_as_by_a_user():
    source = inspect.getsource(airflow_internals.clear_task_instances)
    assert "dr.clear_number += 1" in source
    assert "if dag_run_state is not False" in source, "the run stays as it is"
    assert "ti.max_tries = ti.try_number + task.retries" in source, "the life of a task instance"


def test_the_permission_is_of_the_dag_that_the_path_names():
    assert 'request.path_params.get("dag_id")' in inspect.getsource(security.requires_access_dag)
    for route in router.routes:
        assert "{dag_id}" in route.path
        assert route.dependencies, "a route without a permission"


def test_what_is_known_of_a_run_goes_with_it():
    keys = [key for table in (TaskInstance.__table__,) for key in table.foreign_key_constraints]
    assert any(key.referred_table is DagRun.__table__ and key.ondelete == "CASCADE" for key in keys)
