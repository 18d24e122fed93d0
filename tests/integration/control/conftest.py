"""One Airflow for all tests of control, and its HTTP API."""

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from airflow_mcp_provider.client.airflow_rest import Json
from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.control.dags import record as records
from tests.sizes import CALM, patient

HERE = Path(__file__).parent
JOBS = ("worker", "wide", "slow_start", "packed", "staged", "latest", "newest", "heavy", "kept", "called", "caller")
ENV = {
    **CALM,
    "AIRFLOW__MCP__QUEUE_LOOK_INTERVAL": "1",
    "AIRFLOW__MCP__END_GRACE": "15",
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "200",  # a runner of slow_start loads its file until a test has cancelled it
}


class Control:
    """The routes of ``/job-control/v1`` that change a run or a job."""

    def __init__(self, airflow: Embedded) -> None:
        self.airflow = airflow
        user = {"username": "admin", "password": airflow.password}
        answer = httpx.post(f"{airflow.url}/auth/token", json=user, timeout=patient(60))
        headers = {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}
        self.client = httpx.Client(base_url=f"{airflow.url}/job-control/v1", headers=headers, timeout=patient(120))

    def send(self, method: str, path: str, body: object = None) -> httpx.Response:
        return self.client.request(method, path, json=body)

    def post(self, job: str, run: str, what: str, **body: Any) -> Json:
        answer = self.send("POST", f"/jobs/{job}/runs/{quote(run, safe='')}/{what}", body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else {}


@pytest.fixture(scope="package")
def airflow() -> Iterator[Embedded]:
    with Embedded(dags=HERE / "dags", parallelism=14, env=ENV) as embedded:
        for job in JOBS:
            embedded.api.wait_for_dag(job)
        yield embedded


@pytest.fixture(scope="package")
def control(airflow: Embedded) -> Iterator[Control]:
    made = Control(airflow)
    yield made
    made.client.close()


@pytest.fixture
def record(tmp_path: Path) -> str:
    return str(tmp_path / f"record-{uuid.uuid4().hex[:6]}")


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + patient(seconds)
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)
    return found


def begun(record: str, count: int = 1, task: str | None = None) -> list[Json]:
    """Wait until so many subtasks have begun."""

    def there() -> list[Json]:
        found = [one for one in records.seen(record, what="begin") if (one["task"] == "plan") == (task == "plan")]
        return found if len(found) >= count else []

    return until(there)


def release(record: str, *subtasks: str) -> None:
    """Let the work of a run end: of all its subtasks, or of some."""
    for name in [f"-{one}" for one in subtasks] or [""]:
        Path(f"{record}.go{name}").touch()


def what(record: str, task: str) -> list[str]:
    return [one["what"] for one in records.seen(record, task=task)]


def states(airflow: Embedded, job: str, run: str) -> dict[str, int]:
    query = "SELECT coalesce(state, 'none'), count(*) FROM task_instance WHERE dag_id = %s AND run_id = %s GROUP BY 1"
    return dict(airflow.sql(query, job, run))


def end(airflow: Embedded, job: str, run: str) -> Json | None:
    query = "SELECT value FROM task_state_store WHERE dag_id = %s AND run_id = %s AND key = 'mcp.end'"
    found = airflow.sql(query, job, run)
    return httpx.Response(200, content=found[0][0]).json() if found else None
