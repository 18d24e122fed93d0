"""Requests made from the OpenAPI document, valid and invalid ones: no error of the server, and every answer as documented."""

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from airflow_mcp_provider.client.models import PREFIX
from tests.sizes import FULL, patient

JOB = "watched"
EXAMPLES = 300 if FULL else 30
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
READ, CHANGED, REMOVED = "read", ("queued", "running", "ended"), "removed"
"""Runs: one that has ended for the routes that read, in each state for those that change, one that a request removes."""


@pytest.fixture(scope="module")
def names(airflow):
    """Runs of a job as their rows are in each state."""
    for run in (READ, *CHANGED, REMOVED):
        airflow.api.trigger(JOB, {}, dag_run_id=run)
    ended = "UPDATE dag_run SET state = 'success', start_date = now(), end_date = now() WHERE run_id = %s"
    for run in (READ, "ended", REMOVED):
        airflow.sql(ended, run)
    airflow.sql("UPDATE dag_run SET state = 'running', start_date = now() WHERE run_id = 'running'")
    return {"dag_id": JOB, "run": READ, "key": "root/0"}


@pytest.fixture(scope="module")
def document(airflow, names):
    return schemathesis.openapi.from_url(f"{airflow.url}{PREFIX}/openapi.json")


def test_requests_made_from_the_document(document, names, token, subtests):
    operations = [found.ok() for found in document.get_all_operations()]
    assert len(operations) >= 17
    for operation in operations:
        with subtests.test(operation.label):
            _requests(operation, names, {"Authorization": f"Bearer {token}"})


def _requests(operation, names, headers):
    """Send each request twice: with odd names in the path, and with those of what exists."""
    valid, wrong = (
        operation.as_strategy(generation_mode=mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    )

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,  # the same requests each time
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=valid | wrong)
    def send(case):
        sent.append(case)
        case.call_and_validate(headers=headers, checks=CHECKS, timeout=patient(30))
        case.path_parameters = {name: _named(names, name, operation, len(sent)) for name in case.path_parameters or {}}
        case.call_and_validate(headers=headers, checks=CHECKS, timeout=patient(30))

    sent: list = []
    send()


def _named(names, name, operation, number):
    """Return a path parameter. What streams is that of a run that has ended, because it would not end otherwise."""
    method = operation.method.upper()
    if name != "run" or method == "GET":
        return names[name]
    return REMOVED if method == "DELETE" else CHANGED[number % len(CHANGED)]


def test_the_servers_are_well_afterwards(airflow, token):
    for url in airflow.urls:
        own = {"Authorization": f"Bearer {token}"}
        answer = httpx.get(f"{url}{PREFIX}/jobs/{JOB}/runs/{READ}", headers=own, timeout=patient(60))
        assert (answer.status_code, answer.json()["state"]) == (200, "completed")
