"""One active run a job, with two schedulers of which one is killed; and that the same jobs overlap without the gate."""

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration import overlaps
from tests.sizes import FULL, patient

JOBS, RUNS = (8, 125) if FULL else (3, 7)


def stress(record, jobs: int, runs: int, *, gate: bool, kill: bool) -> overlaps.Result:
    record.touch()
    env = overlaps.environment(record, jobs, gate=gate)
    with Embedded(dags=overlaps.DAGS, schedulers=2, env=env) as airflow:
        return overlaps.stress(airflow, record, jobs, runs, kill=kill, timeout=patient(5000 if FULL else 500))


@pytest.mark.timeout(6000 if FULL else 700)
def test_no_two_runs_of_a_job_overlap(tmp_path):
    result = stress(tmp_path / "record", JOBS, RUNS, gate=True, kill=True)
    assert result.overlaps == []
    assert result.states == {"success": JOBS * RUNS}, "every run ended, none was lost"
    assert len({(span.job, span.run) for span in result.spans}) == JOBS * RUNS
    assert len(result.spans) > JOBS * RUNS, "cleared runs worked twice"
    assert result.deadlocks == 0
    assert result.errors == []


def test_without_the_gate_they_do(tmp_path):
    result = stress(tmp_path / "record", 1, 7, gate=False, kill=False)
    assert result.states == {"success": 7}
    assert result.overlaps, "the test above would prove nothing"
