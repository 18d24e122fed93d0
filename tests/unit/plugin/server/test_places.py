"""How many requests are inside the API server at once, and that each thread of ours has a connection beside them."""

import asyncio
from pathlib import Path

from airflow_mcp_provider.constants import GIVE_BACK
from airflow_mcp_provider.plugin.control import worker
from airflow_mcp_provider.plugin.growth import background
from airflow_mcp_provider.plugin.http_api import logs, watch
from airflow_mcp_provider.plugin.server import middleware, runner_requests
from airflow_mcp_provider.plugin.server.middleware import FEWEST, MOST, OWN, SPARE, request_limit
from tests.unit.plugin.server.test_concurrency_limit import Server, turns


def test_a_request_of_control_has_a_place_of_the_others_until_it_gives_it_back():
    """Its permission is asked in a thread with a connection."""

    async def scene():
        server = Server(1)
        cancel = {"path": "/job-control/v1/jobs/d/runs/r/cancel"}
        first = asyncio.create_task(server.request())
        await turns()
        second = asyncio.create_task(server.request(**cancel))
        await turns()
        beside = server.inside
        server.go.set()
        await asyncio.gather(first, second)
        server.go.clear()
        tasks = [asyncio.create_task(server.request(**cancel)) for _ in range(3)]
        await turns()
        held = server.inside
        server.scopes[-1][GIVE_BACK]()
        await turns()
        later = server.inside
        server.go.set()
        await asyncio.gather(*tasks)
        return beside, held, later

    assert asyncio.run(scene()) == (1, 1, 2)


def test_a_request_of_control_does_not_stand_behind_those_of_people():
    async def scene():
        server = Server(2)
        tasks = [asyncio.create_task(server.request(f"/api/v2/dags/{n}")) for n in range(10)]
        await turns()
        tasks.append(asyncio.create_task(server.request("/job-control/v1/jobs/d/runs/r/cancel")))
        await turns()
        server.go.set()
        await asyncio.gather(*tasks)
        return [scope["path"] for scope in server.scopes].index("/job-control/v1/jobs/d/runs/r/cancel")

    assert asyncio.run(scene()) == 2


def test_every_thread_has_a_connection():
    """Each module of the API server that has threads of its own, and how many."""
    own = {
        "control/worker.py": worker.THREADS,
        "growth/background.py": background.THREADS,
        "http_api/logs.py": logs.THREADS,
        "http_api/watch.py": watch.THREADS,
        "server/coalescing.py": runner_requests.THREADS,
    }
    plugin = Path(middleware.__file__).parents[1]
    found = {path for path in plugin.rglob("*.py") if "ThreadPoolExecutor(" in path.read_text()}
    assert {path.relative_to(plugin).as_posix() for path in found} == set(own)
    assert sum(own.values()) == OWN


def test_places_follow_from_the_pool():
    assert request_limit((5, 10)) == 15 - OWN - SPARE
    assert request_limit((5, 10)) >= FEWEST, "else more connections are needed than there are by default"
    assert request_limit((1, 0)) == 2
    assert request_limit((50, 50)) == MOST
    assert request_limit(None) == MOST
