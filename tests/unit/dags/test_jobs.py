from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from airflow_mcp_provider.runtime.reference import resolve
from airflow_mcp_provider.spec import PythonWork, load_job

JOBS = sorted((Path(__file__).parents[3] / "dags" / "jobs").glob("*.yaml"))
TREES = [path for path in JOBS if "path" in load_job(path).params]


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.stem)
def test_a_job_of_the_folder_is_valid_and_its_functions_are_there(path):
    spec = load_job(path)
    assert spec.description
    for work in (spec.plan, *(step.run for step in spec.each_step), spec.report):
        if isinstance(work, PythonWork):
            resolve(work.python)


@pytest.mark.parametrize("path", TREES, ids=lambda path: path.stem)
@pytest.mark.parametrize(("given", "valid"), [("/", True), ("/a b", True), ("", False), ("here", False)])
def test_the_form_takes_absolute_paths_only(path, given, valid):
    schema = load_job(path).params["path"]
    assert Draft202012Validator(dict(schema)).is_valid(given) is valid
