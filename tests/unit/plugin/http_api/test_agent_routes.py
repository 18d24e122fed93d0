"""The route of agents on the real application, mounted as in Airflow's API server; a token is NAME:ROLE here."""

import sys
import warnings

import pytest
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from fastapi import FastAPI, HTTPException, Request
from sqlalchemy import select

from airflow_mcp_provider.client.models import PREFIX
from airflow_mcp_provider.constants import API_SERVER
from airflow_mcp_provider.plugin.db.tables import DagRun, Log
from airflow_mcp_provider.plugin.http_api import user_streams
from tests.unit.plugin.http_api.conftest import built

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
PATH = f"{PREFIX}/agents"


def _user(request: Request):
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind == "Bearer" and ":" in token:
        name, role = token.split(":")
        return SimpleAuthManagerUser(username=name, role=role)
    if "_token" in request.cookies:
        return SimpleAuthManagerUser(username="cookie", role="admin")
    raise HTTPException(401, "Not authenticated")


@pytest.fixture
def requests():
    """The requests that the API server got."""
    return []


@pytest.fixture
def server(database, requests):
    made = built(_user)
    whole = FastAPI(lifespan=lambda _: made.router.lifespan_context(made))
    whole.mount(PREFIX, made)

    async def app(scope, receive, send):
        if scope["type"] == "http":
            requests.append(scope)
            scope = {**scope, API_SERVER: app}
        await whole(scope, receive, send)

    return app


@pytest.fixture
def http(server):
    with TestClient(server, headers=HEADERS, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def call(http):
    def send(tool, user="anna:user", **arguments):
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        answer = http.post(PATH, json=message, headers={"Authorization": f"Bearer {user}"})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json"), answer.text
        return answer.json()["result"]["structuredContent"]

    return send


def test_a_tool_sends_requests_with_the_token_of_its_caller_and_nothing_else(call, http, requests, make_job):
    make_job()
    http.cookies.set("_token", "cookie of an admin")
    found = call("submit_job", job="crawl", params={"n": 2}, key="k")
    outer, inner = requests
    assert (inner["method"], inner["path"]) == ("POST", f"{PREFIX}/jobs/crawl/runs")
    headers = dict(inner["headers"])
    assert headers[b"authorization"] == b"Bearer anna:user"
    assert b"cookie" in dict(outer["headers"])
    assert b"cookie" not in headers
    assert tuple(inner["client"]) == tuple(outer["client"])
    assert found["state"] == "queued"


def test_the_run_is_that_of_the_user_and_in_the_audit_log(call, database, make_job):
    make_job()
    run = call("submit_job", job="crawl", params={"n": 2}, key="k")["run"]
    assert call("submit_job", job="crawl", params={"n": 2}, key="k")["run"] == run
    assert call("submit_job", user="otto:user", job="crawl", params={"n": 2}, key="k")["run"] != run
    with database() as session:
        assert sorted(session.scalars(select(DagRun.triggering_user_name))) == ["anna", "otto"]
        assert sorted(session.scalars(select(Log.owner).where(Log.event == "submit_run"))) == ["anna", "otto"]


def test_what_a_user_may_not_do(call, make_job):
    make_job()
    run = call("submit_job", job="crawl", key="k")["run"]
    for tool, arguments in (
        ("submit_job", {"job": "crawl", "key": "k"}),
        ("cancel_run", {"run": run, "reason": "r"}),
        ("retry_failed", {"run": run}),
    ):
        assert call(tool, user="vera:viewer", **arguments)["error"]["kind"] == "access_denied", tool
    assert call("job_status", user="vera:viewer", run=run)["state"] == "queued"


def test_the_waits_of_agents_are_limited_as_those_of_others(call, make_job, monkeypatch):
    make_job()
    run = call("submit_job", job="crawl", key="k")["run"]
    monkeypatch.setattr(user_streams, "MOST", 0)
    refused = call("job_status", run=run, wait=50)["error"]
    assert (refused["kind"], refused["next_step"], refused["retry_after"]) == ("refused", "try again in 5 s", 5)
    assert "0 streams and waits of this user are open" in refused["detail"]
    assert call("job_status", run=run)["state"] == "queued"


def _list(http, **headers):
    return http.post(PATH, json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers=headers)


def test_only_a_token_in_the_header_is_accepted(http):
    assert _list(http).status_code == 401
    assert _list(http, Cookie="_token=x").json()["detail"].startswith("no token in the header Authorization")
    assert _list(http, Cookie="_token=x", Authorization="Basic YTpi").status_code == 401
    assert len(_list(http, Authorization="Bearer anna:user").json()["result"]["tools"]) == 8


def test_the_origins_of_the_configuration(http, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/path")
    monkeypatch.setenv("AIRFLOW__API__ACCESS_CONTROL_ALLOW_ORIGINS", "https://one.example,https://two.example")
    for origin, status in (
        ("https://airflow.example", 200),
        ("https://two.example", 200),
        ("http://airflow.example", 403),
        ("https://airflow.example.evil.example", 403),
        ("http://testserver", 403),
        ("null", 403),
    ):
        assert _list(http, Authorization="Bearer anna:user", Origin=origin).status_code == status, origin


@pytest.mark.parametrize("missing", ["mcp", "airflow_mcp_provider.agents.streamable_http"])
def test_without_the_extra_all_but_this_route_works(server, monkeypatch, missing):
    """Or with another version of the SDK, which cannot be imported."""
    monkeypatch.setitem(sys.modules, missing, None)
    with TestClient(server, headers=HEADERS) as client:
        found = _list(client, Authorization="Bearer anna:user")
        assert (found.status_code, found.json()["type"]) == (501, "urn:airflow-mcp:not_installed")
        assert "install airflow-mcp-provider[agents]" in found.json()["detail"]
        assert client.get(f"{PREFIX}/jobs", headers={"Authorization": "Bearer anna:user"}).status_code == 200


def test_the_application_can_be_started_again(server):
    for _ in range(2):
        with TestClient(server, headers=HEADERS) as client:
            assert _list(client, Authorization="Bearer anna:user").status_code == 200
