"""One Airflow for the tests of steps: two schedulers and two API servers on Postgres."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_mcp_provider.client.airflow_rest import Json
from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.growth.conftest import WATCHFUL
from tests.integration.growth.runs import Ended
from tests.sizes import patient

HERE = Path(__file__).parent
DAGS = HERE / "dags"
# For so long runners of a cancelled run may still work; one that stands still hears of the cancel later.
GRACE = {"AIRFLOW__MCP__END_GRACE": f"{patient(15):.0f}"}
DEADLY = {"AIRFLOW__STATE_STORE__BACKEND": "deadly.DeadlyBackend", "PYTHONPATH": str(HERE)}
Start = Callable[..., str]


@pytest.fixture(scope="package")
def airflow() -> Iterator[Embedded]:
    with Embedded(
        dags=DAGS, schedulers=2, api_servers=2, parallelism=6, env={**WATCHFUL, **DEADLY, **GRACE}
    ) as embedded:
        embedded.api.wait_for_dag("stages")
        yield embedded


class Record:
    """What the stages have noted, in the order in which it happened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def lines(self) -> list[Json]:
        return list(map(json.loads, self.path.read_text().splitlines())) if self.path.exists() else []

    def begun(self, **facts: Any) -> list[tuple[str, str]]:
        """Every begin of a stage, as (node, step)."""
        return [
            (line["node"], line["step"]) for line in self.lines if "begins" in line and facts.items() <= line.items()
        ]

    def ended(self, **facts: Any) -> list[tuple[str, str]]:
        """Every end of one."""
        return [(line["node"], line["step"]) for line in self.lines if "ends" in line and facts.items() <= line.items()]


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / "record.jsonl")


@pytest.fixture
def start(airflow: Embedded, record: Record) -> Start:
    """Start a run of a job of stages."""

    def trigger(job: str, *subtasks: Json) -> str:
        return airflow.api.trigger(job, {"subtasks": list(subtasks), "record": str(record.path)})

    return trigger


class Staged(Ended):
    """A run of stages that has ended."""

    @property
    def outcomes(self) -> dict[Any, Json]:
        """What the report saw, by (key, step)."""
        told: list[Json] = self.result["result"]
        found = {(one["key"], one["step"]): one for one in told}
        assert len(found) == len(told)
        return found

    def reached(self) -> dict[str, list[str]]:
        """The steps of each key that ended well."""
        steps: dict[str, list[str]] = {}
        for (key, step), one in self.outcomes.items():
            steps.setdefault(key, []).extend([step] if one["status"] == "success" else [])
        return steps


def node(name: str, **more: Any) -> Json:
    """A payload; ``search=…``, ``write=…``, ``review=…`` tell what it meets there."""
    at = {step: more.pop(step) for step in ("search", "write", "review") if step in more}
    return {"node": name, **({"at": at} if at else {}), **more}
