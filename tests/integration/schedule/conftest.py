"""One Airflow for the tests of scheduled runs."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_mcp_provider.client import JobClient, Run
from airflow_mcp_provider.embedded.airflow import Embedded
from tests.sizes import CALM, patient

HERE = Path(__file__).parent
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
LAST = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - DAY / 2
"""The last date of the daily jobs: the next one does not come while the tests run."""


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + patient(seconds)
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)
    return found


class Scheduled:
    """An Airflow with scheduled jobs, and what tests do to them."""

    def __init__(self, airflow: Embedded) -> None:
        self.airflow = airflow
        self.client = JobClient(airflow.url, user="admin", password=airflow.password)

    def date(self, job: str, date: datetime, **more: Any) -> None:
        """Make ``date`` the next one of a job, as if it had been computed long ago."""
        names = ("next_dagrun", "next_dagrun_data_interval_start", "next_dagrun_data_interval_end")
        values = {**dict.fromkeys((*names, "next_dagrun_create_after"), date), **more}
        columns = ", ".join(f"{name} = %s" for name in values)
        change = f"UPDATE dag SET {columns} WHERE dag_id = %s RETURNING dag_id"  # noqa: S608 - names of columns
        self.airflow.sql(change, *values.values(), job)

    def next_date(self, job: str) -> datetime:
        return self.airflow.sql("SELECT next_dagrun_create_after FROM dag WHERE dag_id = %s", job)[0][0]

    def runs(self, job: str) -> list[str]:
        """The runs of a job that the scheduler created, the oldest first."""
        query = (
            "SELECT run_id FROM dag_run WHERE dag_id = %s AND run_type IN ('scheduled', 'asset_triggered') ORDER BY id"
        )
        return [row[0] for row in self.airflow.sql(query, job)]

    def run(self, job: str, count: int = 1) -> str:
        """Wait for a number of scheduled runs; returns the last one."""
        return until(lambda: len(found := self.runs(job)) >= count and found[-1], 120)

    def looks(self) -> None:
        """Wait until the scheduler, since now, has looked at all dates: it leaves out one that a run has covered."""
        if not self.runs("looks"):
            self.date("looks", LAST)
        run = self.done("looks", self.run("looks"))
        self.date("looks", run.started - SECOND)
        until(lambda: self.next_date("looks") == LAST + DAY)

    def done(self, job: str, run: str) -> Run:
        return self.client.wait(job, run, timeout=patient(120))


@pytest.fixture(scope="package")
def scheduled() -> Iterator[Scheduled]:
    env = {**CALM, "AIRFLOW__MCP__QUEUE_LOOK_INTERVAL": "0.5", "MCP_TEST_HOUR": str(LAST.hour)}
    with Embedded(dags=HERE / "dags", parallelism=16, env=env) as airflow:
        for job in ("plain_conf", "often"):
            airflow.api.wait_for_dag(job)
        made = Scheduled(airflow)
        yield made
        made.client.close()
