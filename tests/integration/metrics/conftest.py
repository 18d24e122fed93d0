"""One Airflow that sends its metrics and its traces to a receiver of the test."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from airflow_mcp_provider.embedded.processes import deadline
from tests.integration.metrics.receiver import Received, receiving
from tests.sizes import CALM, patient

DAGS = Path(__file__).parent / "dags"
JOBS = ("walk", "batches", "caller", "leaf")
SECRET = "value-of-a-conf-4471"


def telemetry(address: str) -> dict[str, str]:
    """Return the environment of the processes that send."""
    return {
        "AIRFLOW__METRICS__OTEL_ON": "True",
        "AIRFLOW__TRACES__OTEL_ON": "True",
        "OTEL_EXPORTER_OTLP_ENDPOINT": address,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_TRACES_EXPORTER": "otlp_proto_http",  # the default is gRPC
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        "OTEL_BSP_SCHEDULE_DELAY": "500",
        "OTEL_EXPORTER_OTLP_TIMEOUT": f"{patient(20):.0f}",  # seconds; what is not received by then is lost
        "AIRFLOW__MCP__QUEUE_LOOK_INTERVAL": "1",
        "NO_PROXY": "127.0.0.1",
    }


@pytest.fixture(scope="package")
def received(request) -> Iterator[Received]:
    with receiving() as (address, received):
        request.config.stash[ADDRESS] = address
        yield received


ADDRESS = pytest.StashKey[str]()


@pytest.fixture(scope="package")
def airflow(request, received: Received) -> Iterator[Embedded]:
    with Embedded(dags=DAGS, parallelism=4, env={**CALM, **telemetry(request.config.stash[ADDRESS])}) as embedded:
        for job in JOBS:
            embedded.api.wait_for_dag(job)
        yield embedded


@pytest.fixture(scope="package")
def until(airflow: Embedded):
    """Wait until ``look`` returns something true, and return that."""

    def wait(look, what: str, seconds: float = 120):
        limit = deadline(patient(seconds), what, airflow.processes)
        while not (found := look()):
            limit.pause(0.2)
        return found

    return wait


@dataclass(frozen=True)
class Runs:
    """The ids of the runs: two of ``walk``, of which the second waited, and one each of the others."""

    first: str
    second: str
    batches: str
    caller: str


@pytest.fixture(scope="package")
def runs(airflow: Embedded, until, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Run each job, and submit one run too many."""
    gate = tmp_path_factory.mktemp("gate") / "open"
    conf = {"file": str(gate), "token": SECRET}
    first = airflow.api.trigger("walk", conf)
    others = [airflow.api.trigger(job) for job in ("batches", "caller")]
    until(lambda: airflow.api.run("walk", first)["state"] == "running", "start of the first run")
    second = airflow.api.trigger("walk", {"kids": 0, "token": SECRET})
    with pytest.raises(httpx.HTTPStatusError, match="429"):
        airflow.api.trigger("walk", conf)
    gate.touch()
    runs = Runs(first, second, *others)
    for job, run in (("walk", first), ("walk", second), ("batches", runs.batches), ("caller", runs.caller)):
        assert airflow.api.wait(job, run, 240)["state"] == "success"
    return runs
