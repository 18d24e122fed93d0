"""What is larger than any runner sends is refused by a real API server before it is parsed, however it is sent."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from airflow.sdk.api.client import API_VERSION

from airflow_mcp_provider.embedded.airflow import Embedded
from airflow_mcp_provider.runtime import store_keys
from tests.integration.growth.waiting import until
from tests.integration.server.runner import Sender
from tests.sizes import patient

ROW = """select id::text from task_instance
    where dag_id = 'asleep' and run_id = %s and task_id = 'run' and map_index = 0 and state = 'running'"""
MB = 1_000_000
SIZES: dict[str, tuple[str, bytes, int]] = {
    "call": (store_keys.ENQUEUE, json.dumps({"value": {"call": "p" * 5 * MB, "children": []}}).encode(), 413),
    "nested": (store_keys.ENQUEUE, b'{"value": ' + b"[" * 1_950_000 + b"]" * 1_950_000 + b"}", 413),
    "nested less": (store_keys.ENQUEUE, b'{"value": ' + b"[" * 900_000 + b"]" * 900_000 + b"}", 400),
    "outcome": (store_keys.OUTCOME, json.dumps({"value": {"attempt": 1, "result": "x" * 4 * MB}}).encode(), 413),
    "outcome less": (
        store_keys.OUTCOME,
        json.dumps({"value": {"attempt": 1, "result": "x" * 1_500_000}}).encode(),
        422,
    ),
    "note": (store_keys.VERDICT, json.dumps({"value": {"note": "x\n" * 300_000}}).encode(), 422),
    "progress": (store_keys.PROGRESS, json.dumps({"value": {"fraction": 0.5, "message": "x" * 4 * MB}}).encode(), 413),
    "progress less": (
        store_keys.PROGRESS,
        json.dumps({"value": {"fraction": 0.5, "message": "x" * 5_000}}).encode(),
        422,
    ),
    "key": ("mcp." + "k" * 30_000, b'{"value": 1}', 403),
}
MANY = [[f"k{number}", {}] for number in range(60_000)]
FORMS: dict[str, dict[str, Any]] = {
    "children": {"call": "x.1", "children": MANY},
    "call": {"call": "p" * 1_900_000, "children": [["a", {}]]},
    "children[0][0]": {"call": "x.1", "children": [["k" * 40_000, {}] for _ in range(45)]},
}


@pytest.fixture(scope="module")
def sender(airflow: Embedded) -> Iterator[Sender]:
    run_id = airflow.api.trigger("asleep", {})
    until(lambda: airflow.sql(ROW, run_id), what="the subtask runs")
    yield Sender(airflow, airflow.sql(ROW, run_id)[0][0])
    airflow.api.cancel("asleep", run_id)


def in_parts(content: bytes) -> Iterator[bytes]:
    """Without a length beforehand."""
    for begin in range(0, len(content), 60_000):
        yield content[begin : begin + 60_000]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("name", SIZES)
def test_a_body_that_no_runner_sends_is_refused(sender: Sender, name: str, *, chunked: bool) -> None:
    key, content, status = SIZES[name]
    url = f"{sender.airflow.url}/execution/store/ti/{sender.id}/{key}"
    headers = {"authorization": f"Bearer {sender.token()}", "airflow-api-version": API_VERSION}
    headers |= {"content-type": "application/json"}
    sent = in_parts(content) if chunked else content
    assert httpx.put(url, content=sent, headers=headers, timeout=patient(60)).status_code == status


@pytest.mark.parametrize("field", FORMS)
def test_a_request_of_a_wrong_form_is_refused_with_the_fields_name(sender: Sender, field: str) -> None:
    answer = sender.put(store_keys.ENQUEUE, FORMS[field])
    assert answer.status_code == 422
    message = answer.json()["detail"]["message"]
    assert f"$.{field}`" in message
    assert len(message) < 1_000
