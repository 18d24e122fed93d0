"""The bounds of the arguments, and what is answered to wrong ones."""

import jsonschema
import pytest

from airflow_mcp_provider.agents.arguments import checked
from airflow_mcp_provider.agents.tools import TOOLS
from airflow_mcp_provider.client.run_names import RunName
from airflow_mcp_provider.errors import InvalidRequest

VALID = {
    "list_jobs": {},
    "describe_job": {"job": "a"},
    "submit_job": {"job": "a", "key": "k"},
    "job_status": {"run": "a/b"},
    "job_result": {"run": "a/b"},
    "job_failures": {"run": "a/b"},
    "cancel_run": {"run": "a/b", "reason": "r"},
    "retry_failed": {"run": "a/b"},
}
WRONG = [
    ("list_jobs", {"search": "x" * 201}, "search: invalid value", "at most 200 characters"),
    ("list_jobs", {"serch": "x"}, "serch: unknown argument", ""),
    ("describe_job", {"job": ""}, 'job: invalid value ""', "at least 1 character"),
    ("describe_job", {"job": "a/runs"}, 'job: invalid value "a/runs"', "expected the id of a job"),
    ("describe_job", {"job": "x" * 251}, "job: invalid value", "at most 250 characters"),
    ("submit_job", {"key": None}, "key: invalid value null", "a valid string"),
    ("submit_job", {"key": "k" * 201}, "key: invalid value", "at most 200 characters"),
    ("submit_job", {"params": "{}"}, 'params: invalid value "{}"', "a valid dictionary"),
    ("job_status", {"wait": 51}, "wait: invalid value 51", "less than or equal to 50"),
    ("job_status", {"wait": -1}, "wait: invalid value -1", "greater than or equal to 0"),
    ("job_status", {"run": "b"}, 'run: invalid value "b"', "expected JOB/RUN"),
    ("job_status", {"run": "/b"}, 'run: invalid value "/b"', "expected JOB/RUN"),
    ("job_status", {"run": "a/"}, 'run: invalid value "a/"', "expected JOB/RUN"),
    ("job_status", {"run": "a/b/events"}, 'run: invalid value "a/b/events"', "expected JOB/RUN"),  # another route
    ("job_status", {"x" * 900_000: 1}, "x…: unknown argument", ""),
    ("job_result", {"offset": -1}, "offset: invalid value -1", "greater than or equal to 0"),
    ("job_failures", {"limit": 11}, "limit: invalid value 11", "less than or equal to 10"),
    ("job_failures", {"limit": 0}, "limit: invalid value 0", "greater than or equal to 1"),
    ("cancel_run", {"reason": ""}, 'reason: invalid value ""', "at least 1 character"),
    ("cancel_run", {"reason": "r" * 501}, "reason: invalid value", "at most 500 characters"),
    ("retry_failed", {"run": 5}, "run: invalid value 5", "a valid string"),
]


def test_each_tool_has_valid_arguments_here():
    assert VALID.keys() == TOOLS.keys()
    for name, tool in TOOLS.items():
        schema = tool.arguments.model_json_schema()
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.Draft202012Validator(schema).validate(VALID[name])
        assert checked(tool.arguments, name, VALID[name])


@pytest.mark.parametrize(("tool", "given", "wrong", "expected"), WRONG)
def test_wrong_arguments(tool, given, wrong, expected):
    with pytest.raises(InvalidRequest) as caught:
        checked(TOOLS[tool].arguments, tool, {**VALID[tool], **given})
    assert wrong in caught.value.detail
    assert expected in caught.value.detail
    assert len(caught.value.detail) < 400
    assert tool in caught.value.next_step
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(TOOLS[tool].arguments.model_json_schema()).validate({**VALID[tool], **given})


@pytest.mark.parametrize("tool", [name for name in VALID if name != "list_jobs"])
def test_missing_arguments(tool):
    with pytest.raises(InvalidRequest, match=f"{next(iter(VALID[tool]))}: missing; expected a value"):
        checked(TOOLS[tool].arguments, tool, None)


def test_values_that_cannot_be_sent():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for params in ({"a": "\ud800"}, {"a": deep}):
        with pytest.raises(InvalidRequest, match="expected valid text"):
            checked(TOOLS["submit_job"].arguments, "submit_job", {**VALID["submit_job"], "params": params})


def test_the_name_of_a_run():
    name = RunName.of("crawl/manual__2026-01-01T00:00:00+00:00")
    assert name == ("crawl", "manual__2026-01-01T00:00:00+00:00")
    assert str(name) == "crawl/manual__2026-01-01T00:00:00+00:00"
