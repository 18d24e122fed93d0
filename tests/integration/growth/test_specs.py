"""Job specs in a running Airflow: a wrong one among good ones, a corrected one, one that is parsed again and again."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from airflow_mcp_provider.client.airflow_rest import Json
from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.growth.runs import Ended, does, parse_again, trigger
from tests.integration.growth.waiting import until


def _error(airflow: Embedded, name: str) -> Json | None:
    return next((one for one in airflow.api.import_errors() if one["filename"] == name), None)


def test_a_wrong_spec_takes_no_other_job_down(airflow: Embedded, dags: Path, record: Path) -> None:
    """Its error stands under its own path, and goes when the spec is right."""
    spec = dags / "jobs/wrong.yaml"
    spec.write_text("plan: {items: [a]}\nrun: {python: no function}\n")
    parse_again(airflow, "deeds")
    try:
        error = until(lambda: _error(airflow, "jobs/wrong.yaml"), what="the import error")
        assert f"{spec}:2: run.python: invalid function" in error["stack_trace"]
        assert len(airflow.api.import_errors()) == 1
        run = Ended(airflow, "deeds", trigger(airflow, "deeds", record, [does("give")]))
        assert run.result["state"] == "complete"
        spec.write_text('plan: {items: [a]}\nrun: {shell: "echo 1"}\n')
        parse_again(airflow, "deeds")
        airflow.api.wait_for_dag("wrong")
        until(lambda: not airflow.api.import_errors(), what="the end of the import error")
        assert airflow.api.wait("wrong", airflow.api.trigger("wrong"))["state"] == "success"
    finally:
        spec.unlink()


def test_parsing_again_makes_no_version(airflow: Embedded, record: Path) -> None:
    """Of a job that has run: without runs Airflow would overwrite its version."""
    Ended(airflow, "deeds-default", trigger(airflow, "deeds-default", record, []))
    parsed = _parsed(airflow)
    for _ in range(3):
        parse_again(airflow, "deeds-default")
        until(lambda seen=parsed: _parsed(airflow) > seen, what="a parse")
        parsed = _parsed(airflow)
    assert airflow.sql("SELECT count(*) FROM dag_version WHERE dag_id = %s", "deeds-default") == [(1,)]


def _parsed(airflow: Embedded) -> str:
    return str(airflow.api.get("/dags/deeds-default")["last_parsed_time"])


PARSE = """
import json, sys
from airflow.serialization.serialized_objects import LazyDeserializedDAG
from airflow_mcp_provider.factory import load_dags
hashes = {}
for _ in range(50):
    for job, dag in load_dags(sys.argv[1]).items():
        dag.fileloc, dag.relative_fileloc = "/dags/jobs.py", "jobs.py"
        hashes.setdefault(job, set()).add(LazyDeserializedDAG.from_dag(dag).hash)
print(json.dumps({job: sorted(found) for job, found in hashes.items()}))
"""


def test_a_hundred_parses_are_one_version(airflow: Embedded, dags: Path, tmp_path: Path) -> None:
    """In two processes, each with its own order of hashes: what Airflow compares is the same."""
    for name in ("tree", "deeds-timed", "argv", "command"):
        shutil.copyfile(dags / f"jobs/{name}.yaml", tmp_path / f"{name}.yaml")
    first, second = (_hashes(airflow.environment(), tmp_path, seed) for seed in "01")
    assert [len(hashes) for hashes in first.values()] == [1, 1, 1, 1]
    assert first == second


def _hashes(environment: dict[str, str], jobs: Path, seed: str) -> dict[str, list[str]]:
    told = subprocess.run(
        [sys.executable, "-c", PARSE, str(jobs)],
        check=True,
        capture_output=True,
        text=True,
        env={**environment, "PYTHONHASHSEED": seed},
    )
    hashes: dict[str, list[str]] = json.loads(told.stdout.splitlines()[-1])
    return hashes
