"""Every route of the OpenAPI document: without a user, as a viewer, as a user of another job, for what does not exist."""

import re
from dataclasses import dataclass
from urllib.parse import quote

import httpx
import pytest

from airflow_mcp_provider.client.models import PREFIX
from tests.integration.http_api.conftest import until
from tests.sizes import patient


@dataclass(frozen=True)
class Route:
    """A route of the OpenAPI document, so that none can be forgotten; ``body`` is a valid one."""

    method: str
    path: str
    body: dict | None

    def send(self, client, **names):
        path = PREFIX + re.sub(r"\{(\w+)\}", lambda name: quote(names[name[1]], safe=""), self.path)
        return client.request(self.method, path, json=self.body)

    @property
    def reads(self):
        return self.method == "GET"


@pytest.fixture(scope="module")
def routes(http):
    document = http.get(f"{PREFIX}/openapi.json").raise_for_status().json()
    schemas = document["components"]["schemas"]
    found = [
        Route(method.upper(), path, _body(one, schemas))
        for path, operations in document["paths"].items()
        for method, one in operations.items()
    ]
    assert len([one for one in found if one.reads]) >= 8
    assert {one.path.rpartition("/")[2] for one in found if not one.reads} == {
        "runs",
        "cancel",
        "retry",
        "priority",
        "parallelism",
        "{run}",
        "pause",
        "resume",
    }
    return found


def _body(operation, schemas):
    """Return the fields that a body must have; each can be the number 1."""
    if "requestBody" not in operation:
        return None
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return dict.fromkeys(schemas[schema["$ref"].rpartition("/")[2]].get("required", ()), 1)


@pytest.fixture(scope="module")
def names(http):
    """The path parameters of what exists: a run that has ended."""
    run = http.post(f"{PREFIX}/jobs/watched/runs", json={"conf": {"count": 1}}).raise_for_status().json()
    until(lambda: http.get(run["status_url"], headers={"Prefer": "wait=20"}).json()["done"], "end of the run")
    return {"dag_id": "watched", "run": run["run"], "key": "root/0"}


def test_every_route_without_a_user(login, routes, names):
    nobody, forged = login(None), login(None)
    nobody.headers["Content-Type"] = "application/json"  # as no form of another page can
    forged.headers["Authorization"] = "Bearer eyJhbGciOiJIUzUxMiJ9.eyJzdWIiOiJhZG1pbiJ9.AAAA"
    for route in routes:
        _problem(route.send(nobody, **names), 401)
        _problem(route.send(forged, **names), 401, 403)


def test_every_route_as_a_viewer(login, routes, names):
    viewer = login("vera")
    for route in routes:
        answer = route.send(viewer, **names)
        if route.reads:
            assert answer.status_code == 200, (route, answer.text)
        else:
            _problem(answer, 403)


def test_every_route_as_a_user_of_another_job(login, routes, names):
    otto = login("otto")
    for route in routes:
        if "{dag_id}" in route.path:
            _problem(route.send(otto, **names), 403)
    assert [one["job"] for one in otto.get(f"{PREFIX}/jobs").json()["jobs"]] == ["once"]
    assert otto.get(f"{PREFIX}/jobs/once").status_code == 200


def test_every_route_for_what_does_not_exist(http, routes, names):
    for route in routes:
        for dag in ("none", "plain", "watched\n", "wat\nched") if "{dag_id}" in route.path else ():
            _problem(route.send(http, **{**names, "dag_id": dag}), 404)
        if "{run}" in route.path:
            _problem(route.send(http, **{**names, "run": "none"}), 404)
        if "{key}" in route.path:
            answer = route.send(http, **{**names, "key": "a\nb"})
            _problem(answer, 404)
            assert answer.json()["detail"].startswith(r"subtask 'a\nb' of the run")


def _problem(answer, *statuses):
    assert answer.status_code in statuses, (str(answer.request.url), answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].startswith("urn:airflow-mcp:")
    assert isinstance(answer.json()["detail"], str)


def test_a_token_in_a_cookie_works_and_a_wrong_one_is_refused(airflow, login):
    token = login("vera").headers["Authorization"].removeprefix("Bearer ")

    def status(cookie):
        return httpx.get(f"{airflow.url}{PREFIX}/jobs", cookies={"_token": cookie}, timeout=patient(60)).status_code

    assert status(token) == 200
    assert status("x.y.z") in {401, 403}
