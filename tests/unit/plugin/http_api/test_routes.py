"""What holds for all routes: a permission, problems as errors, the OpenAPI document."""

import re

import pytest
from airflow.api_fastapi.core_api.security import get_user
from airflow.utils.state import DagRunState
from fastapi.routing import APIRoute

from airflow_mcp_provider.plugin.http_api.app import build

OPEN = {"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"}
"""FastAPI's own: the documentation of the API, and nothing of an installation."""

FILES, AGENTS = "/pages/{name:path}", "/agents"


@pytest.fixture(scope="module")
def routes():
    """All of the application, those of included routers, too."""
    return [one for one in _flat(build().routes) if getattr(one, "path", None) not in OPEN]


def _flat(found):
    for one in found:
        inner = getattr(one, "routes", None) or getattr(getattr(one, "original_router", None), "routes", None)
        yield from _flat(inner) if inner else [one]


def _dependencies(dependant):
    yield dependant.call
    for one in dependant.dependencies:
        yield from _dependencies(one)


def test_all_routes_are_looked_at(routes):
    assert len(routes) >= 17
    assert all(isinstance(one, APIRoute) for one in routes)


def test_each_route_has_airflows_permission_and_the_name_of_the_job_where_it_looks_for_it(routes):
    for one in routes:
        named = [getattr(call, "__qualname__", "") for call in _dependencies(one.dependant)]
        if one.path == FILES:
            assert get_user in list(_dependencies(one.dependant)), "files of the package, for each user"
            continue
        assert "requires_access_dag.<locals>.inner" in named, one.path
        assert get_user in list(_dependencies(one.dependant)), one.path
        assert one.path in {"/jobs", "/tags", AGENTS} or one.path.startswith("/jobs/{dag_id}"), one.path


def test_without_a_user_and_as_a_viewer(http, routes, job):
    for one in routes:
        path = re.sub(r"\{[^}]*\}", "x", one.path.replace("{dag_id}", "crawl"))
        for method in one.methods:
            del http.headers["x-user"]
            nobody = http.request(method, path, json={})
            http.headers["x-user"] = "anna"
            assert (nobody.status_code, nobody.json()["type"]) == (401, "urn:airflow-mcp:unauthorized"), path
            viewer = http.request(method, path, headers={"x-role": "viewer"}, json={})
            if path != AGENTS:  # its tools send requests to the other routes; test_agent_routes.py
                assert (viewer.status_code == 403) == (method != "GET"), (method, path, viewer.text)
            for answer in (nobody, viewer):
                if answer.status_code >= 400:
                    assert answer.headers["content-type"] == "application/problem+json"
                    assert isinstance(answer.json()["detail"], str)


def test_errors_of_the_framework_are_problems(http, job):
    for method, path, status in (
        ("GET", "/none", 404),
        ("DELETE", "/jobs", 405),
        ("GET", "/jobs?limit=x", 422),
        ("GET", "/jobs?search=%00", 422),
        ("GET", "/jobs/a%00b", 404),
    ):
        answer = http.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), path
        assert answer.json()["type"].startswith("urn:airflow-mcp:")


def test_errors_of_control_are_problems_with_a_word_of_their_own(http, job, set_run):
    runs = "/jobs/crawl/runs"
    run = http.post(runs, json={}).json()["run"]
    assert _problem(http.delete(f"{runs}/{run}")) == (409, "not_ended")
    set_run(run, DagRunState.SUCCESS)
    assert _problem(http.post(f"{runs}/{run}/priority", json={"priority": 1})) == (409, "not_queued")
    assert _problem(http.post(f"{runs}/{run}/parallelism", json={"parallelism": 1})) == (409, "ended")
    assert _problem(http.post(f"{runs}/none/cancel", json={})) == (404, "not_found")
    assert _problem(http.post("/jobs/none/pause", json={})) == (404, "not_found")


FORMS = [
    {},
    {"content": b"{}"},
    {"data": {"reason": "x"}},
    {"files": {"reason": b"x"}},
    *({"content": b"{}", "headers": {"Content-Type": f"{kind}; charset=utf-8"}} for kind in ("text/plain", "a/b+json")),
]


@pytest.mark.parametrize("form", FORMS)
def test_a_form_of_another_page_changes_nothing(http, routes, job, form):
    """A browser sends the cookie with what a page of the same site posts, and asks the server first only for JSON."""
    paths = [one.path for one in routes if "POST" in one.methods]
    assert len(paths) >= 8
    for path in paths:
        answer = http.post(re.sub(r"\{[^}]*\}", "x", path.replace("{dag_id}", "crawl")), **form)
        assert _problem(answer) == (415, "unsupported_media_type"), path


def test_with_a_token_or_the_type_of_json_no_body_is_needed(http, job):
    for more in ({"Authorization": "Bearer x"}, {"Content-Type": "application/json; charset=utf-8"}):
        assert http.post("/jobs/crawl/pause", headers=more).status_code == 204


def test_get_changes_nothing(routes):
    assert {method for one in routes for method in one.methods} == {"GET", "POST", "DELETE"}
    changes = {one.path for one in routes if one.methods & {"POST", "DELETE"}}
    assert [one.path for one in routes if one.methods & {"POST", "DELETE"} and "GET" in one.methods] == []
    assert len(changes) >= 8


def _problem(answer):
    assert answer.headers["content-type"] == "application/problem+json"
    assert isinstance(answer.json()["detail"], str)
    return answer.status_code, answer.json()["type"].removeprefix("urn:airflow-mcp:")


def test_an_unexpected_error_says_nothing_of_the_inside(app, http, job, monkeypatch):
    from airflow_mcp_provider.plugin.status import job_documents

    monkeypatch.setattr(job_documents, "page", lambda *_: 1 / 0)
    answer = http.get("/jobs")
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:airflow-mcp:internal_error")
    assert "ZeroDivision" not in answer.text


def test_the_openapi_document(http):
    document = http.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, one in operations.items():
            assert one["security"], (method, path)
            assert one["summary"], (method, path)
            assert "application/problem+json" in one["responses"]["401"]["content"]
            assert "application/problem+json" in one["responses"]["422"]["content"], (method, path)
    submit = document["paths"]["/jobs/{dag_id}/runs"]["post"]
    assert {"200", "202", "404", "409", "422", "429"} <= submit["responses"].keys()
    assert document["components"]["schemas"]["Submit"]["examples"]
    assert "example" in submit["responses"]["422"]["content"]["application/problem+json"]
    for path, one in document["paths"].items():
        for operation in one.values():
            assert path in {"/jobs", "/tags"} or "404" in operation["responses"], path
            assert "requestBody" not in operation or "400" in operation["responses"], path
        assert "post" not in one or "415" in one["post"]["responses"], path
