"""Whatever stands in a spec file: a job that becomes a DAG, or errors that each tell the file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from airflow.sdk.definitions.context import Context  # noqa: F401 - the SDK must be whole before DAGs are built
from airflow.serialization.serialized_objects import DagSerialization

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.spec import JobSpec, job_schema, load_job, parse_job, with_location
from airflow_mcp_provider.spec.yaml_document import Document
from tests.fuzz import specs
from tests.fuzz.made import COUNT, cases
from tests.fuzz.wrong import Wrong

LONGEST_ERROR = 30_000


def loaded(path: Path) -> JobSpec | None:
    """Read the job; None where it is refused as it should be."""
    try:
        spec = load_job(path)
        serialized = json.dumps(DagSerialization.to_dict(build_dag(spec)))
    except SpecError as error:
        told = str(with_location(error, path))
        assert all(line.startswith(str(path)) for line in told.splitlines())
        assert len(told) < LONGEST_ERROR
        return None
    assert serialized
    return spec


def test_a_spec_becomes_a_dag_or_errors_that_tell_the_file(tmp_path: Path, wrong: Wrong) -> None:
    path, good = tmp_path / "job.yaml", 0
    for case, random in cases("spec"):
        text = specs.text(random)
        path.write_text(text, errors="surrogatepass")
        with wrong.of(case, text):
            good += loaded(path) is not None
    wrong.none()
    assert good > COUNT / 10


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(json.dumps(job_schema())))


def test_the_loader_refuses_what_the_schema_refuses(schema: jsonschema.Draft202012Validator, wrong: Wrong) -> None:
    for case, random in cases("spec"):
        text = specs.text(random)
        if not parses(text):
            continue
        values = values_of(text)
        with wrong.of(case, text):
            assert schema.is_valid(values), [error.message[:200] for error in schema.iter_errors(values)]
    wrong.none()


def parses(text: str) -> bool:
    try:
        return parse_job(text, id="job") is not None
    except Exception:  # noqa: BLE001 - the test above looks at those
        return False


def values_of(text: str) -> Mapping[str, Any]:
    return Document(text).values
