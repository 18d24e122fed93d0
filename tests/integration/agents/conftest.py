"""One Airflow with four users, and the SDK's own client as one of them, over each transport."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from airflow_mcp_provider.client.models import PREFIX
from airflow_mcp_provider.embedded.airflow import Embedded
from tests.sizes import CALM, patient

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
USERS = {"admin": "admin", "uwe": "user", "vera": "viewer", "otto": "user"}
"""``otto`` may see the job ``once`` only."""
ENV = {
    **CALM,
    "AIRFLOW__CORE__AUTH_MANAGER": "one_job.OneJob",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in USERS.items()),
    "PYTHONPATH": str(HERE.parent / "http_api" / "on_path"),
}
MOST_BYTES = 8192
WAYS = ("http", "http before 2026", "stdio")


@pytest.fixture(scope="package")
def airflow():
    with Embedded(dags=HERE / "dags", parallelism=4, env=ENV) as embedded:
        for job in ("fetch", "once", "small"):
            embedded.api.wait_for_dag(job, patient(120))
        yield embedded


@pytest.fixture(scope="package")
def passwords(airflow):
    return json.loads((airflow.folder / "simple_auth_manager_passwords.json.generated").read_text())


@pytest.fixture(scope="package")
def token(airflow, passwords) -> Callable[[str], str]:
    def get(user):
        body = {"username": user, "password": passwords[user]}
        answer = httpx.post(f"{airflow.url}/auth/token", json=body, timeout=patient(60))
        return answer.raise_for_status().json()["access_token"]

    return get


@pytest.fixture(scope="package")
def url(airflow) -> str:
    return f"{airflow.url}{PREFIX}/agents"


@pytest.fixture(scope="package")
def connected(airflow, url, token):
    """Connect an agent of a user over a transport; ends with the context."""

    @asynccontextmanager
    async def connect(way, user="uwe"):
        if way == "stdio":
            env = {"AIRFLOW_CLI_TOKEN": token(user), "MCP_JOBS_URL": airflow.url, "PYTHONPATH": str(ROOT)}
            words = ["-m", "airflow_mcp_provider.console.main", "agents"]
            async with Client(StdioServerParameters(command=sys.executable, args=words, env=env)) as client:
                yield Agent(client)
            return
        mode = "legacy" if "before" in way else "auto"
        async with (
            create_mcp_http_client(headers={"Authorization": f"Bearer {token(user)}"}) as http,
            Client(streamable_http_client(url, http_client=http), mode=mode) as client,
        ):
            yield Agent(client)

    return connect


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


@pytest.fixture
def talk(connected, way):
    """Run a conversation of one agent, over each transport."""

    def run(conversation, user="uwe"):
        async def main():
            async with connected(way, user) as agent:
                await conversation(agent)

        asyncio.run(main())

    return run


class Agent:
    """Calls tools, and looks at what holds for each result."""

    def __init__(self, client):
        self.client = client

    async def call(self, tool, **arguments):
        found = await self.client.call_tool(tool, arguments)
        (text,) = found.content
        assert len(text.text.encode()) <= MOST_BYTES, tool
        assert json.loads(text.text) == found.structured_content, tool
        assert not found.is_error, found.structured_content
        return found.structured_content

    async def refused(self, tool, **arguments):
        found = await self.client.call_tool(tool, arguments)
        assert found.is_error, found.structured_content
        assert len(found.content[0].text.encode()) <= MOST_BYTES, tool
        return found.structured_content["error"]

    async def ended(self, run, seconds=120):
        end = time.monotonic() + patient(seconds)
        while not (status := await self.call("job_status", run=run, wait=20))["done"]:
            assert time.monotonic() < end, status
        return status

    async def until(self, true, run, seconds=60):
        end = time.monotonic() + patient(seconds)
        while not true(status := await self.call("job_status", run=run)):
            assert time.monotonic() < end, status
            await asyncio.sleep(0.3)
        return status
