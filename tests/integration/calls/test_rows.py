"""Rows of ours, written by others on a real Airflow: by a task of another DAG, and over the public REST API."""

from collections.abc import Iterator

import httpx
import pytest

from airflow_mcp_provider.embedded.airflow import USER, Embedded
from tests.integration.calls.conftest import CALLED
from tests.sizes import patient

AT = "2026-01-01T00:00:00+00:00"
PLACE = {"run": 1, "task_id": "run", "map_index": 0}
ROWS = {"mcp.caller": 5, "mcp.called": {"job": CALLED, "run": "x", "at": AT, "attempt": 1}, "mcp.item": PLACE}
OURS = "select count(*) from task_state_store where dag_id = 'stranger' and run_id = %s and key like 'mcp.%%'"


@pytest.fixture(scope="module")
def run_id(airflow: Embedded) -> str:
    run_id = airflow.api.trigger("stranger", {"rows": ROWS})
    assert airflow.api.wait("stranger", run_id)["state"] == "success"
    return run_id


@pytest.fixture(scope="module")
def rest(airflow: Embedded, run_id: str) -> Iterator[httpx.Client]:
    """A user's client, whose paths follow the state store of that run's task."""
    user = {"username": USER, "password": airflow.password}
    token = httpx.post(f"{airflow.url}/auth/token", json=user, timeout=patient(60)).json()["access_token"]
    path = f"{airflow.url}/api/v2/dags/stranger/dagRuns/{run_id}/taskInstances/plan/state-store/"
    with httpx.Client(base_url=path, headers={"authorization": f"Bearer {token}"}, timeout=patient(60)) as client:
        yield client


def test_a_task_of_another_dag_writes_none(airflow: Embedded, run_id: str) -> None:
    assert airflow.api.xcom("stranger", run_id, "plan") == dict.fromkeys(ROWS, 403)
    assert airflow.sql(OURS, run_id) == [(0,)]
    assert airflow.api.state_store("stranger", run_id, "plan") == {"mine": 1}


@pytest.mark.parametrize("key", [*ROWS, "mcp.anything"])
def test_nobody_writes_one_over_rest(airflow: Embedded, run_id: str, rest: httpx.Client, key: str) -> None:
    assert rest.put(key, json={"value": 5}).status_code == 403
    assert rest.delete(key).status_code == 403
    assert airflow.sql(OURS, run_id) == [(0,)]


def test_what_is_a_users_is_written_and_removed_over_rest(airflow: Embedded, run_id: str, rest: httpx.Client) -> None:
    assert rest.put("theirs", json={"value": 5}).status_code == 204
    assert airflow.api.state_store("stranger", run_id, "plan")["theirs"] == 5
    assert rest.delete("theirs").status_code == 204
