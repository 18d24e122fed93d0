"""Who gets in: what the route over HTTP requires, and the programs of stdio."""

import asyncio
import json
import os
import subprocess
import sys

import httpx
import pytest
from mcp import Client, StdioServerParameters

from tests.integration.agents.conftest import ROOT, Agent
from tests.sizes import patient

BODY = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}


@pytest.fixture
def send(url, token):
    def post(body=BODY, user="uwe", method="POST", **headers):
        own = {"Authorization": f"Bearer {token(user)}"} if user else {}
        return httpx.request(method, url, json=body, headers={**HEADERS, **own, **headers}, timeout=patient(60))

    return post


def test_a_message_with_a_token_is_answered_with_json(send):
    found = send()
    assert (found.status_code, found.headers["content-type"]) == (200, "application/json")
    assert "mcp-session-id" not in found.headers
    assert len(found.json()["result"]["tools"]) == 9


def test_without_a_valid_token(send, token):
    nobody = send(user=None)
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    assert send(user=None, Authorization="Bearer x.y.z").status_code in {401, 403}
    cookie = send(user=None, Cookie=f"_token={token('uwe')}")
    assert cookie.status_code == 401
    assert "expected Authorization: Bearer TOKEN" in cookie.json()["detail"]


def test_a_page_of_another_origin(send, airflow):
    for origin in ("http://evil.example", "null", f"{airflow.url}.evil.example"):
        found = send(Origin=origin)
        assert (found.status_code, found.json()["type"]) == (403, "urn:airflow-mcp:forbidden"), origin


def test_other_methods_and_bodies(send):
    assert send(method="GET").status_code == 405
    assert send(method="DELETE").status_code == 405
    assert send(body=[BODY]).status_code == 400
    huge = {**BODY, "method": "tools/call", "params": {"name": "list_jobs", "arguments": {"search": "x" * 1_200_000}}}
    assert send(body=huge).status_code == 413
    unknown = send(body={**BODY, "method": "resources/list"}).json()
    assert unknown["error"]["code"] == -32601


def test_the_command_of_airflow_with_a_user_and_a_password(airflow, passwords):
    """Nothing but messages comes on stdout."""
    env = {**os.environ, "MCP_JOBS_PASSWORD": passwords["uwe"], "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "airflow", "mcp", "agents", "--url", airflow.url, "--user", "uwe"]
    version = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    sent = [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": version},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_jobs", "arguments": {}}},
    ]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as program:
        program.stdin.write("".join(f"{json.dumps(one)}\n" for one in sent))
        program.stdin.flush()
        found = [json.loads(program.stdout.readline()) for _ in range(2)]
        program.stdin.close()
        assert program.stdout.read() == ""
        assert program.wait(patient(60)) == 0, program.stderr.read()
    assert [one["id"] for one in found] == [0, 1]
    assert len(found[1]["result"]["structuredContent"]["jobs"]) == 3


def test_the_program_of_the_docs(url, token):
    text = (ROOT / "docs" / "agents.md").read_text().partition("```python\n")[2].partition("```")[0]
    for written, here in (
        ("https://airflow.example.com/job-control/v1/agents", url),
        ('"…"', repr(token("uwe"))),
        ('"inventory"', '"once"'),
    ):
        assert written in text
        text = text.replace(written, here)
    found = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=patient(120), check=False
    )
    assert "'state': 'completed'" in found.stdout, found.stderr


def test_what_the_command_refuses(airflow):
    def run(*words, **env):
        command = [sys.executable, "-m", "airflow_mcp_provider.console.main", "agents", *words]
        own = {"PATH": os.environ["PATH"], "AIRFLOW_HOME": os.environ["AIRFLOW_HOME"], "HOME": os.environ["HOME"]}
        limit = patient(60)
        return subprocess.run(
            command, input="", env={**own, **env}, cwd=ROOT, capture_output=True, text=True, timeout=limit, check=False
        )

    without = run("--url", airflow.url, "--user", "uwe")
    assert (without.returncode, without.stdout) == (2, "")
    assert "MCP_JOBS_PASSWORD" in without.stderr
    ended = run("--url", airflow.url, AIRFLOW_CLI_TOKEN="x")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_a_server_that_is_not_there_and_a_wrong_password(airflow):
    async def main():
        for url, kind in (("http://127.0.0.1:9", "unavailable"), (airflow.url, "access_denied")):
            env = {"MCP_JOBS_PASSWORD": "wrong", "AIRFLOW_HOME": os.environ["AIRFLOW_HOME"], "PYTHONPATH": str(ROOT)}
            words = ["-m", "airflow_mcp_provider.console.main", "agents", "--url", url, "--user", "uwe"]
            async with Client(StdioServerParameters(command=sys.executable, args=words, env=env)) as client:
                assert (await Agent(client).refused("list_jobs"))["kind"] == kind
                assert len((await client.list_tools()).tools) == 8

    asyncio.run(main())
